import { expect, test } from 'vitest';
import { lengthOf, lengthWords, splitText } from '../src/length';
import { randomFrom } from './random';

test('characters are counted as the database counts them: code points, without the white space at both ends', () => {
    expect(lengthOf('  😀😀 \n')).toBe(2);
    expect(lengthOf('👩‍👩‍👧')).toBe(5);
    expect(lengthOf(' \n ')).toBe(0);
});

test('a text that is too long is told by how much', () => {
    expect(lengthWords('a'.repeat(4500), 4000)).toBe('4,500 of 4,000 characters: 500 too many. Nothing was cut.');
    expect(lengthWords('a'.repeat(3900), 4000)).toBe('3,900 of 4,000 characters.');
    expect(lengthWords('a'.repeat(100), 4000)).toBe('');
    expect(lengthWords('a'.repeat(39), 40)).toBe('');
});

test('a text is cut after a sentence where there is one, else after a word, else between characters', () => {
    expect(splitText('One is here. Two is there.', 16)).toEqual(['One is here.', 'Two is there.']);
    expect(splitText('one two three', 8)).toEqual(['one two', 'three']);
    expect(splitText('a'.repeat(9), 4)).toEqual(['aaaa', 'aaaa', 'a']);
    expect(splitText('a👩‍👩‍👧b', 5)).toEqual(['a', '👩‍👩‍👧', 'b']);
});

test('no piece is too long or empty, and together they are the text but for white space', () => {
    const random = randomFrom(7);
    const parts = ['a', 'bc', ' ', '\n', '\n\n', '. ', '😀', '👩‍👩‍👧', 'é', '한국어', '。'];
    for (let round = 0; round < 300; round += 1) {
        const text = Array.from({ length: Math.floor(random() * 80) }, () => parts[Math.floor(random() * parts.length)]).join('');
        const max = 1 + Math.floor(random() * 12);
        const pieces = splitText(text, max);
        expect(pieces.every((piece) => lengthOf(piece) >= 1 && lengthOf(piece) <= max)).toBe(true);
        expect(pieces.join('').replace(/\s/g, '')).toBe(text.replace(/\s/g, ''));
    }
});
