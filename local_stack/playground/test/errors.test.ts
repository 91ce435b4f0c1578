import { expect, test } from 'vitest';
import page from '../../../docs/errors.md?raw';
import { Refusal, dataOf, judge, wordsFor } from '../src/errors';

const refusal = (status: number, code = '', reason = '', message = '', hint = '') => new Refusal(status, code, reason, message, hint);

/** The codes of docs/errors.md: `PTnnn` and the word for programs. */
const documented = [...page.matchAll(/^\| `PT(\d{3})` \| `(\w+)` \|/gm)].map(([, status, reason]) => ({
    status: Number(status),
    reason: String(reason),
}));

test('docs/errors.md lists codes', () => {
    expect(documented.length).toBeGreaterThan(15);
});

test.each(documented)('$reason is said in plain words', ({ status, reason }) => {
    const words = wordsFor(refusal(status, `PT${status}`, reason, 'The sentence of the server.', 'Wait 3 seconds.'));
    expect(words).toMatch(/^[A-Z].*\.$/);
    expect(words).not.toContain('_');
});

test.each(['room_full', 'room_closed', 'not_a_member', 'removed_from_room', 'rate_limited', 'invalid_content'])(
    '%s has words of its own, and is documented',
    (reason) => {
        const { status } = documented.find((code) => code.reason === reason) ?? { status: 0 };
        expect(status).toBeGreaterThan(400);
        expect(wordsFor(refusal(status, `PT${status}`, reason, 'The sentence of the server.'))).not.toContain('of the server');
    },
);

test('who is too fast is told for how long, and a message waits that long', () => {
    const error = refusal(429, 'PT429', 'rate_limited', 'Too many requests; try again in 7 seconds.', 'Wait 7 seconds.');
    expect(wordsFor(error)).toBe('That was too fast. Wait 7 seconds and try again.');
    expect(judge(error)).toEqual({ again: true, afterMs: 7000 });
    expect(judge(refusal(429))).toEqual({ again: true });
});

test.each([
    [45, '45 seconds'],
    [120, '2 minutes'],
    [50_000, '14 hours'],
])('a limit that is over in %i seconds is said in words, and nobody waits for it untold when that is long', (seconds, span) => {
    const error = refusal(429, 'PT429', 'rate_limited', `Too many requests: try again in ${seconds} s.`, `Wait ${seconds} seconds.`);
    expect(wordsFor(error)).toBe(`That was too fast. Wait ${span} and try again.`);
    expect(judge(error)).toEqual(seconds <= 60 ? { again: true, afterMs: seconds * 1000 } : { again: false, words: wordsFor(error) });
});

test('a limit of how many one may have says which it is, and what helps', () => {
    const error = refusal(409, 'PT409', 'limit_reached', 'A person may have 20 demos.', 'Erase one first.');
    expect(wordsFor(error)).toBe('A person may have 20 demos. Erase one first.');
    expect(judge(error)).toMatchObject({ again: false });
});

test.each([
    [refusal(0), 'The server cannot be reached.'],
    [refusal(503), 'The server has a problem (503).'],
    [refusal(500, '40P01'), 'The server has a problem (40P01).'],
    [refusal(401, 'PGRST303'), 'You are not signed in any more.'],
])('%s passes: the message goes out again', (error, words) => {
    expect(judge(error)).toEqual({ again: true });
    expect(wordsFor(error)).toContain(words);
});

test.each([refusal(403, 'PT403', 'not_a_member'), refusal(422, 'PT422', 'invalid_content'), refusal(401, 'PT401', 'not_signed_in'), refusal(400, '22P02')])(
    '%s does not pass: the message stays, with the reason',
    (error) => {
        expect(judge(error)).toEqual({ again: false, words: wordsFor(error) });
    },
);

test('what PostgREST answers becomes data or a refusal', async () => {
    await expect(dataOf(Promise.resolve({ data: 7, error: null, status: 200 }))).resolves.toBe(7);
    const error = { code: 'PT409', details: 'room_full', message: 'Full.', hint: null };
    await expect(dataOf(Promise.resolve({ data: null, error, status: 409 }))).rejects.toMatchObject({ status: 409, reason: 'room_full', hint: '' });
});
