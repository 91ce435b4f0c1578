import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Stream, type Page } from '../src/stream';
import { pick, randomFrom } from './random';
import { Table, type Row } from './table';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function streamOf(table: Table, since = async (after: number): Promise<Page<Row>> => table.since(after)) {
    const options = { since: vi.fn(since), changed: vi.fn(), failed: vi.fn((_: unknown) => true) };
    return { stream: new Stream<Row>(options), ...options };
}

const contents = (stream: Stream<Row>) => stream.rows.map((row) => row.content);

describe('an event', () => {
    test('with the next number brings the row from the table', async () => {
        const table = new Table();
        const { stream, since } = streamOf(table);
        table.insert('one');
        expect(stream.heard(1)).toBe('next');
        await stream.catchUp();
        expect(contents(stream)).toEqual(['one']);
        expect(stream.lastSeq).toBe(1);
        expect(since).toHaveBeenCalledExactlyOnceWith(0);
    });

    test('that comes twice is asked for once', async () => {
        const table = new Table();
        const { stream, since } = streamOf(table);
        table.insert('one');
        stream.heard(1);
        await stream.catchUp();
        expect(stream.heard(1)).toBe('known');
        expect(stream.heard(0)).toBe('known');
        await vi.runAllTimersAsync();
        expect(since).toHaveBeenCalledTimes(1);
    });

    test('after a gap brings what was lost, over all pages', async () => {
        const table = new Table();
        const { stream } = streamOf(table);
        for (let index = 1; index <= 8; index += 1) {
            table.insert(`message ${index}`);
        }
        expect(stream.heard(8)).toBe('gap');
        await stream.catchUp();
        expect(stream.rows).toEqual(table.rows);
    });

    test.each([undefined, null, '7', NaN, 1.5, Infinity, {}])('with %s for a number is no hint', async (seq) => {
        const { stream, since } = streamOf(new Table());
        expect(stream.heard(seq)).toBe('unnumbered');
        await vi.runAllTimersAsync();
        expect(since).not.toHaveBeenCalled();
    });

    test('that overtakes its row brings the row a moment later', async () => {
        const table = new Table();
        const { stream, since } = streamOf(table);
        stream.heard(1);
        await vi.advanceTimersByTimeAsync(0);
        expect(since).toHaveBeenCalledTimes(1);
        table.insert('one');
        await vi.runAllTimersAsync();
        expect(contents(stream)).toEqual(['one']);
        expect(since).toHaveBeenCalledTimes(2);
    });

    test('with a made-up number costs two requests and shows nothing', async () => {
        const table = new Table();
        table.insert('one');
        const { stream, since } = streamOf(table);
        stream.heard(1_000_000);
        await vi.runAllTimersAsync();
        expect(since).toHaveBeenCalledTimes(2);
        expect(stream.lastSeq).toBe(1);
        table.insert('two');
        expect(stream.heard(2)).toBe('next');
        await stream.catchUp();
        expect(contents(stream)).toEqual(['one', 'two']);
    });
});

describe('catching up', () => {
    test('runs one request at a time, and one more for what was heard meanwhile', async () => {
        const table = new Table();
        const answers: ((page: Page<Row>) => void)[] = [];
        const { stream, since } = streamOf(table, () => new Promise((resolve) => answers.push(resolve)));
        table.insert('one');
        stream.heard(1);
        await vi.advanceTimersByTimeAsync(0);
        const read = table.since(0);
        table.insert('two');
        table.insert('three');
        stream.heard(2);
        stream.heard(3);
        expect(since).toHaveBeenCalledTimes(1);
        answers[0]?.(read);
        await vi.advanceTimersByTimeAsync(0);
        expect(since).toHaveBeenCalledTimes(2);
        answers[1]?.(table.since(1));
        await vi.advanceTimersByTimeAsync(0);
        expect(contents(stream)).toEqual(['one', 'two', 'three']);
        expect(since).toHaveBeenCalledTimes(2);
    });

    test('is not lost when it is asked for in the moment in which the last one ends', async () => {
        const table = new Table();
        const { stream } = streamOf(table);
        table.insert('one');
        const first = stream.catchUp();
        // Every step of the first run's end is met by a hint.
        const second = first.then(() => {
            table.insert('two');
            return stream.heard(2);
        });
        await second;
        for (let step = 0; step < 20; step += 1) {
            await Promise.resolve();
        }
        expect(contents(stream)).toEqual(['one', 'two']);
    });

    test('that fails is tried again, sooner when the connection is back', async () => {
        const table = new Table();
        let isDown = true;
        const { stream, failed, since } = streamOf(table, async (after) => {
            if (isDown) {
                throw new Error('down');
            }
            return table.since(after);
        });
        table.insert('one');
        stream.heard(1);
        await vi.advanceTimersByTimeAsync(60_000);
        const tries = since.mock.calls.length;
        expect(tries).toBeGreaterThan(5);
        expect(tries).toBeLessThan(15);
        expect(failed).toHaveBeenCalledTimes(tries);
        isDown = false;
        await stream.catchUp();
        expect(contents(stream)).toEqual(['one']);
    });

    test('is given up when the error says so, and can be asked for again', async () => {
        const table = new Table();
        table.insert('one');
        const { stream, since, failed } = streamOf(table);
        since.mockRejectedValueOnce(new Error('no seat'));
        failed.mockReturnValueOnce(false);
        await stream.catchUp();
        await vi.runAllTimersAsync();
        expect(since).toHaveBeenCalledTimes(1);
        await stream.catchUp();
        expect(contents(stream)).toEqual(['one']);
    });

    test('events do not hurry a server that fails', async () => {
        const { stream, since } = streamOf(new Table(), () => Promise.reject(new Error('down')));
        for (let step = 0; step < 100; step += 1) {
            stream.heard(step + 1);
            await vi.advanceTimersByTimeAsync(10);
        }
        expect(since.mock.calls.length).toBeLessThan(4);
        stream.stop();
    });

    test('answers nothing after it was stopped', async () => {
        const table = new Table();
        table.insert('one');
        const { stream, since } = streamOf(table);
        const pending = stream.catchUp();
        stream.stop();
        await pending;
        await stream.catchUp();
        expect(stream.rows).toEqual([]);
        expect(since).not.toHaveBeenCalled();
    });

    test('does not turn for ever on a server that never moves on', async () => {
        const { stream, since, failed } = streamOf(new Table(), async () => ({ messages: [], last_seq: 0, has_more: true }));
        failed.mockReturnValue(false);
        await stream.catchUp();
        expect(since).toHaveBeenCalledTimes(1);
        expect(failed).toHaveBeenCalledTimes(1);
    });
});

describe('history', () => {
    test('is loaded page by page; a change of what is not loaded stays out until then', async () => {
        const table = new Table();
        for (let index = 0; index < 10; index += 1) {
            table.insert(`message ${index}`);
        }
        const { stream } = streamOf(table);
        stream.start(table.newest(4), table.lastSeq, true);
        expect(stream.hasEarlier).toBe(true);
        table.change(0, 'edited long ago');
        table.change(8, 'edited just now');
        stream.heard(12);
        await stream.catchUp();
        expect(contents(stream)).toEqual(['message 6', 'message 7', 'edited just now', 'message 9']);
        stream.earlier(table.newest(4, stream.rows[0]?.seq), true);
        stream.earlier(table.newest(4, stream.rows[0]?.seq), false);
        expect(stream.rows).toEqual(table.rows);
        expect(stream.hasEarlier).toBe(false);
    });
});

describe('an answer of our own call', () => {
    test('is shown at once and moves the number when nothing is missing', () => {
        const table = new Table();
        const { stream } = streamOf(table);
        stream.put(table.insert('one'));
        expect([contents(stream), stream.lastSeq]).toEqual([['one'], 1]);
        expect(stream.heard(1)).toBe('known');
    });

    test('after a gap leaves the number, so that the gap is filled', async () => {
        const table = new Table();
        const { stream } = streamOf(table);
        table.insert('of somebody else');
        stream.put(table.insert('mine'));
        expect(stream.lastSeq).toBe(0);
        expect(stream.heard(2)).toBe('gap');
        await stream.catchUp();
        expect(stream.rows).toEqual(table.rows);
    });

    test('that was read earlier than what is here changes nothing', async () => {
        const table = new Table();
        const { stream } = streamOf(table);
        const old = table.insert('one');
        table.change(0, 'one, edited');
        await stream.catchUp();
        stream.put(old);
        expect(contents(stream)).toEqual(['one, edited']);
    });
});

/** One life of a room over a bad connection; returns how the connection behaved, so that a test can see that it was bad. */
async function badConnection(seed: number): Promise<Record<'lost' | 'doubled' | 'late' | 'forged' | 'failed' | 'events', number>> {
    const random = randomFrom(seed);
    const table = new Table();
    const count = { lost: 0, doubled: 0, late: 0, forged: 0, failed: 0, events: 0 };
    const delay = (limit: number) => new Promise<void>((resolve) => setTimeout(resolve, random() * limit));
    const { stream } = streamOf(table, async (after) => {
        await delay(40);
        const page = table.since(after, 1 + Math.floor(random() * 5));
        await delay(40);
        if (random() < 0.1) {
            count.failed += 1;
            throw new Error('the answer got lost');
        }
        return page;
    });

    const carry = (seq: number) => {
        count.events += 1;
        const fate = random();
        if (fate < 0.2) {
            count.lost += 1;
            return;
        }
        const copies = fate < 0.4 ? 2 : 1;
        count.doubled += copies - 1;
        for (let copy = 0; copy < copies; copy += 1) {
            const isLate = random() < 0.5;
            count.late += Number(isLate);
            setTimeout(() => stream.heard(seq), isLate ? random() * 300 : 0);
        }
    };
    const act = () => {
        const kind = random();
        if (table.rows.length === 0 || kind < 0.5) {
            carry(table.insert(`text ${random()}`).changed_seq);
        } else if (kind < 0.8) {
            carry(table.change(Math.floor(random() * table.rows.length), `edit ${random()}`).changed_seq);
        } else if (kind < 0.9) {
            // A call of our own: the answer may overtake or follow the event.
            const row = table.insert(`own ${random()}`);
            carry(row.changed_seq);
            setTimeout(() => stream.put(row), random() * 100);
        } else {
            count.forged += 1;
            stream.heard(pick(random, [table.lastSeq + 1, table.lastSeq + 1000, 0, -1, Number.MAX_SAFE_INTEGER, 2.5]));
        }
    };

    for (let index = Math.floor(random() * 8); index > 0; index -= 1) {
        table.insert('before we came');
    }
    const hasWindow = random() < 0.5;
    if (hasWindow) {
        stream.start(table.newest(3), table.lastSeq, table.rows.length > 3);
    }
    const floor = stream.rows[0]?.seq ?? 0;

    let seen = 0;
    const check = () => {
        expect(stream.lastSeq).toBeGreaterThanOrEqual(seen);
        expect(stream.lastSeq).toBeLessThanOrEqual(table.lastSeq);
        seen = stream.lastSeq;
        const seqs = stream.rows.map((row) => row.seq);
        expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
        // Whatever the number promises is there: no row of a change up to it is missing or older than that change.
        const here = new Map(stream.rows.map((row) => [row.id, row]));
        for (const row of table.rows.filter(({ seq, changed_seq }) => changed_seq <= seen && seq >= floor)) {
            expect(here.get(row.id)).toEqual(row);
        }
    };

    for (let step = 0; step < 40; step += 1) {
        act();
        check();
        await vi.advanceTimersByTimeAsync(random() * 50);
        check();
    }
    // Quiet at last; the heartbeat tells the number of the room.
    await vi.advanceTimersByTimeAsync(60_000);
    stream.heard(table.lastSeq);
    await vi.advanceTimersByTimeAsync(60_000);
    check();
    expect(stream.rows).toEqual(table.rows.filter((row) => row.seq >= floor));
    expect(stream.lastSeq).toBe(table.lastSeq);
    stream.stop();
    return count;
}

test('events lost, doubled, late and made up, and answers lost: what is shown equals the table', { timeout: 60_000 }, async () => {
    const total = { lost: 0, doubled: 0, late: 0, forged: 0, failed: 0, events: 0 };
    for (let seed = 1; seed <= 120; seed += 1) {
        try {
            const count = await badConnection(seed);
            for (const name of Object.keys(total) as (keyof typeof total)[]) {
                total[name] += count[name];
            }
        } catch (error) {
            throw new Error(`seed ${seed}`, { cause: error });
        }
    }
    for (const [name, sum] of Object.entries(total)) {
        expect(sum, name).toBeGreaterThan(100);
    }
});
