// How a demo is searched, in plain words.

import type { Quality } from './rows';

const count = (number: number) => number.toLocaleString('en');

/** Which embedder made the embeddings, and whether the nearest ones that are found are the nearest there are. */
export function qualityWords(quality: Quality): string {
    const { rows, embedded, waiting, models, method, exact_up_to, recall_at_5 } = quality;
    if (rows === 0) {
        return 'There is nothing to search yet.';
    }
    if (embedded === 0) {
        return 'No piece is embedded yet: only words are compared.';
    }
    const made = models.map(({ model, rows: some }) => (models.length > 1 ? `${nameOf(model)} (${count(some)})` : nameOf(model)));
    const answer =
        method === 'exact'
            ? `By nearness the answer is exact: up to ${count(exact_up_to)} pieces, all are compared.`
            : `By nearness the answer is an approximation${recall_at_5 === null ? '' : ` that finds ${Math.round(recall_at_5 * 100)}% of the nearest`}.`;
    const rest = waiting > 0 ? ` ${count(waiting)} ${waiting === 1 ? 'waits' : 'wait'} for an embedding.` : '';
    return `Embedded by ${made.join(' and ')}. ${answer}${rest}`;
}

function nameOf(model: string | null): string {
    return model === 'lexical-v2' ? 'lexical-v2, the built-in embedder' : (model ?? 'an embedder without a name');
}

/** What one search compared. */
export function comparedWords(isByNearness: boolean): string {
    return isByNearness ? 'Searched by words and by nearness.' : 'Searched by words alone.';
}

/** Where a piece stood in one of the two lists. */
export function rankWords(rank: number | null): string {
    return rank === null ? 'not found' : `place ${rank}`;
}
