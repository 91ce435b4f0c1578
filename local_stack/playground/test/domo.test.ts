import { expect, test, vi } from 'vitest';
import { oneAtATime } from '../src/apps/domo/again';
import { chartOf, lastDays, topOf } from '../src/apps/domo/chart';
import { pathOf, percentOf, stateOf, typeOf } from '../src/apps/domo/files';
import { qualityWords } from '../src/apps/domo/quality';
import type { Day, DemoFile, Quality } from '../src/apps/domo/rows';
import { afterEvent, partsOf, type Shown } from '../src/apps/domo/told';
import { domoWords } from '../src/apps/domo/words';
import { Refusal } from '../src/errors';

const day = (text: string, conversations = 0): Day => ({ day: text, conversations, messages: 0, seconds: 0 });

const document: DemoFile = { kind: 'document', id: 'd1', title: 'notes.md', processing_status: 'pending', progress: null, failure: null };
const nothing: Shown = { files: [], counts: { chunks: 0, embedded: 0 } };

// The chart ------------------------------------------------------------------------------------------------------------------------

test.each([
    [0, 1],
    [1, 1],
    [2, 2],
    [3, 4],
    [5, 10],
    [11, 20],
    [39, 40],
    [41, 100],
    [1_000, 1_000],
])('the highest of %i is drawn under %i', (highest, top) => {
    expect(topOf(highest)).toBe(top);
});

test('bars stand on the ground, as high as their share of the top, each in its own place', () => {
    const { bars, lines } = chartOf([day('a', 3), day('b', 0), day('c', 1)], 300, 120);
    expect(bars.map(({ height }) => height)).toEqual([90, 0, 30]);
    expect(bars.map(({ x, width }) => [Math.round(x), Math.round(width)])).toEqual([
        [15, 70],
        [115, 70],
        [215, 70],
    ]);
    for (const { y, height } of bars) {
        expect(y + height).toBe(120);
    }
    expect(lines).toEqual([
        { value: 0, y: 120 },
        { value: 2, y: 60 },
        { value: 4, y: 0 },
    ]);
});

test('a single call among thousands is seen, and a day without one is not drawn', () => {
    const { bars } = chartOf([day('a', 10_000), day('b', 1), day('c', 0)], 300, 120);
    expect(bars.map(({ height }) => height)).toEqual([120, 2, 0]);
});

test('nothing at all has a scale, too', () => {
    expect(chartOf([], 300, 120)).toEqual({ bars: [], lines: [{ value: 0, y: 120 }, { value: 1, y: 0 }] });
});

test('the last days end today, over the end of a month, and those without calls are among them', () => {
    const days = lastDays([day('2026-02-01', 5), day('2026-02-27', 2)], '2026-03-01', 4);
    expect(days.map(({ day: text, conversations }) => [text, conversations])).toEqual([
        ['2026-02-26', 0],
        ['2026-02-27', 2],
        ['2026-02-28', 0],
        ['2026-03-01', 0],
    ]);
});

test('a clock that is a day behind the server does not hide its last day', () => {
    expect(lastDays([day('2026-03-02', 1)], '2026-03-01', 2).map(({ day: text }) => text)).toEqual(['2026-03-01', '2026-03-02']);
});

// What the channel says -----------------------------------------------------------------------------------------------------------

test('a file appears, moves on, fails, is deleted, and the same event twice does no harm', () => {
    const told = (payload: Record<string, unknown>) => ({ event: 'document-changed', payload: { id: 'd1', title: 'notes.md', ...payload } });
    let shown = afterEvent(nothing, told({ processing_status: 'pending', progress: null }));
    expect(shown.files).toEqual([document]);
    const half = told({ processing_status: 'processing', progress: 0.5 });
    shown = afterEvent(afterEvent(shown, half), half);
    expect(shown.files).toEqual([{ ...document, processing_status: 'processing', progress: 0.5 }]);
    shown = afterEvent(shown, told({ processing_status: 'failed', progress: 0.5, failure: 'It is empty.' }));
    expect(shown.files[0]?.failure).toBe('It is empty.');
    shown = afterEvent(shown, told({ processing_status: 'failed', deleted_at: '2026-11-21' }));
    expect(shown.files).toEqual([]);
    expect(afterEvent({ ...nothing, files: [document] }, { event: 'document-deleted', payload: { id: 'd1' } }).files).toEqual([]);
});

test('a video and a document are told apart, the newest first', () => {
    const event = { event: 'video-changed', payload: { id: 'v1', title: 'tour.mp4', processing_status: 'pending' } };
    const { files } = afterEvent({ ...nothing, files: [document] }, event);
    expect(files.map(({ kind, id }) => [kind, id])).toEqual([
        ['video', 'v1'],
        ['document', 'd1'],
    ]);
});

test.each([{ title: 'x' }, { id: 'd1', title: 'x', processing_status: 'lost' }, { id: 7, title: 'x', processing_status: 'pending' }])(
    'an event that makes no sense changes nothing: %j',
    (payload) => {
        expect(afterEvent(nothing, { event: 'document-changed', payload })).toEqual(nothing);
    },
);

test('counts come with the event, and how good the search is is asked when all embeddings are there', () => {
    const waiting = { event: 'knowledge-changed', payload: { knowledge_chunk_count: 3, embedded_chunk_count: 2 } };
    const done = { event: 'knowledge-changed', payload: { knowledge_chunk_count: 3, embedded_chunk_count: 3 } };
    expect(afterEvent(nothing, waiting).counts).toEqual({ chunks: 3, embedded: 2 });
    expect(partsOf(waiting)).toEqual(['chunks']);
    expect(partsOf(done)).toEqual(['chunks', 'quality']);
});

test.each([
    ['demo-changed', ['demo']],
    ['conversation-changed', ['calls', 'analytics']],
    ['conversation-event', ['analytics']],
    ['topic-rotated', []],
    ['something-new', []],
])('after %s these are read: %j', (event, parts) => {
    expect(partsOf({ event, payload: {} })).toEqual(parts);
});

test('what is asked for during a read is read once more, however many ask', async () => {
    const ends: (() => void)[] = [];
    const read = vi.fn(() => new Promise<void>((resolve) => void ends.push(resolve)));
    const ask = oneAtATime(read);
    const first = ask();
    const others = [ask(), ask()];
    expect(read).toHaveBeenCalledTimes(1);
    ends[0]?.();
    await first;
    await vi.waitFor(() => expect(read).toHaveBeenCalledTimes(2));
    ends[1]?.();
    await Promise.all(others);
    expect(read).toHaveBeenCalledTimes(2);
});

test('a read that fails says so to who asked, and the next one runs', async () => {
    const read = vi.fn<() => Promise<void>>().mockRejectedValueOnce(new Error('no')).mockResolvedValue();
    const ask = oneAtATime(read);
    const [first, second] = [ask(), ask()];
    await expect(first).rejects.toThrow('no');
    await second;
    expect(read).toHaveBeenCalledTimes(2);
});

// Files ---------------------------------------------------------------------------------------------------------------------------

test.each([
    ['winter notes.md', 'D/1-winter-notes.md'],
    ['../../etc/passwd', 'D/1-etc-passwd'],
    ['über.txt', 'D/1-ber.txt'],
    ['日本', 'D/1-file'],
    [`${'x'.repeat(300)}.pdf`, `D/1-${'x'.repeat(76)}.pdf`],
])('%s lies in the folder of its demo', (name, path) => {
    expect(pathOf('D', '1', name)).toBe(path);
});

test.each([
    ['document', 'a.MD', '', 'text/markdown'],
    ['document', 'a.txt', 'application/x-odd', 'text/plain'],
    ['document', 'a.docx', 'application/word', 'application/word'],
    ['document', 'a', '', 'application/octet-stream'],
    ['video', 'a.mp4', 'video/mp4', 'video/mp4'],
] as const)('a %s named %s of type "%s" is sent as %s', (kind, name, type, sent) => {
    expect(typeOf(kind, { name, type })).toBe(sent);
});

test.each([
    ['pending', null, undefined, 'waits for the worker'],
    ['processing', 0.456, 46, 'is being read: 46%'],
    ['processing', null, 0, 'is being read: 0%'],
    ['completed', 1, 100, 'done'],
    ['failed', 0.2, 20, 'failed. Nobody knows why.'],
] as const)('a document that is %s at %s', (processing_status, progress, percent, words) => {
    const file = { ...document, processing_status, progress };
    expect(percentOf(file)).toBe(percent);
    expect(stateOf(file)).toBe(words);
});

// Words ---------------------------------------------------------------------------------------------------------------------------

const quality: Quality = {
    rows: 4,
    embedded: 4,
    waiting: 0,
    models: [{ model: 'lexical-v2', rows: 4 }],
    kernel: 'native',
    method: 'exact',
    exact_up_to: 2_000,
    recall_at_5: 1,
};

test.each([
    [{}, 'Embedded by lexical-v2, the built-in embedder. By nearness the answer is exact: up to 2,000 pieces, all are compared.'],
    [
        { waiting: 1, models: [{ model: 'a', rows: 2_000 }, { model: null, rows: 1 }], method: 'codes, then exact', recall_at_5: 0.987 },
        'Embedded by a (2,000) and an embedder without a name (1). By nearness the answer is an approximation that finds 99% of the nearest. 1 waits for an embedding.',
    ],
    [{ embedded: 0, waiting: 4, models: [], method: null, recall_at_5: null }, 'No piece is embedded yet: only words are compared.'],
    [{ rows: 0 }, 'There is nothing to search yet.'],
])('quality in words: %j', (more, words) => {
    expect(qualityWords({ ...quality, ...more })).toBe(words);
});

test.each([
    [new Refusal(404, 'PT404', 'conversation_not_found', 'x', ''), 'This call is gone.'],
    [new Refusal(400, '23514', '', 'new row violates check constraint "demos_name_length_check"', ''), 'A name has 1 to 255 characters.'],
    [new Refusal(502, 'PT502', 'provider_failed', 'Tavus has no more credits.', ''), 'Tavus has no more credits.'],
    [new Refusal(429, 'PT429', 'rate_limited', 'x', 'Wait 3 seconds.'), 'That was too fast. Wait 3 seconds and try again.'],
    [new Refusal(413, '', 'file_too_large', 'x', ''), 'This file is too large: a video has at most 100 MB, a document 20 MB.'],
])('an error in words', (error, words) => {
    expect(domoWords(error)).toBe(words);
});
