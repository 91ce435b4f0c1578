// Texts that are too long for the server. The page counts as Postgres does, in code points, and never cuts: what somebody pasted is theirs.

/** How many characters the server sees: it trims white space at both ends. */
export function lengthOf(text: string): number {
    let count = 0;
    for (const _ of text.trim()) {
        count += 1;
    }
    return count;
}

const count = (value: number) => value.toLocaleString('en');

/** How long a text is, when it comes near its limit; nothing before. */
export function lengthWords(text: string, max: number): string {
    const length = lengthOf(text);
    if (length > max) {
        return `${count(length)} of ${count(max)} characters: ${count(length - max)} too many. Nothing was cut.`;
    }
    return length > max * 0.9 && max > 100 ? `${count(length)} of ${count(max)} characters.` : '';
}

/** Where to cut, best first: after a paragraph, a line, a sentence, a word. */
const PLACES = [/\n\s*\n/g, /\n/g, /[.!?…。！？]["”»)]?\s+/g, /\s+/g];

/** The same text in pieces of at most `max` characters, in order. No piece is empty, and none ends within what one reads as one character. */
export function splitText(text: string, max: number): readonly string[] {
    const pieces: string[] = [];
    let rest = text.trim();
    while (lengthOf(rest) > max) {
        const head = headOf(rest, max);
        const end = PLACES.map((place) => lastEnd(head, place)).find((found) => found > head.length / 2) ?? head.length;
        pieces.push(rest.slice(0, end).trim());
        rest = rest.slice(end).trim();
    }
    return [...pieces, rest].filter((piece) => piece !== '');
}

function lastEnd(text: string, place: RegExp): number {
    return Math.max(0, ...[...text.matchAll(place)].map((found) => found.index + found[0].length));
}

/** As much of the beginning as fits, in whole graphemes; a single one that is too long is cut between code points. */
function headOf(text: string, max: number): string {
    let length = 0;
    let end = 0;
    for (const { segment } of new Intl.Segmenter().segment(text)) {
        length += [...segment].length;
        if (length > max) {
            break;
        }
        end += segment.length;
    }
    return end > 0 ? text.slice(0, end) : [...text].slice(0, max).join('');
}
