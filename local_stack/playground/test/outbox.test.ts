import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Outbox, type Draft, type Judgement } from '../src/outbox';
import { randomFrom } from './random';
import { Table, type Row } from './table';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

class Refused extends Error {}

/** A session storage that outlives the page. */
function newStorage() {
    const held = new Map<string, string>();
    return {
        getItem: (key: string) => held.get(key) ?? null,
        setItem: (key: string, value: string) => void held.set(key, value),
        removeItem: (key: string) => void held.delete(key),
        held,
    };
}

function outboxOf(send: (draft: Draft) => Promise<Row>, storage = newStorage()) {
    const stored = vi.fn((_: Row) => undefined);
    const judge = (error: unknown): Judgement =>
        error instanceof Refused ? { again: false, words: error.message } : { again: true };
    const outbox = new Outbox<Row>({ storage, key: 'outbox', send, stored, judge, changed: () => undefined });
    return { outbox, storage, stored };
}

const contents = (table: Table) => table.rows.map((row) => row.content);

test('what is written is sent in order, and leaves the outbox when it is stored', async () => {
    const table = new Table();
    const { outbox, storage, stored } = outboxOf(async (draft) => table.insert(draft.content, draft.client_id));
    outbox.add('one');
    outbox.add('two');
    expect(outbox.drafts.map(({ content }) => content)).toEqual(['one', 'two']);
    await vi.runAllTimersAsync();
    expect(contents(table)).toEqual(['one', 'two']);
    expect(stored.mock.calls.map(([row]) => row)).toEqual(table.rows);
    expect(outbox.drafts).toEqual([]);
    expect(storage.held.size).toBe(0);
});

test('a message whose answer got lost is stored once', async () => {
    const table = new Table();
    let tries = 0;
    const { outbox } = outboxOf(async (draft) => {
        const row = table.insert(draft.content, draft.client_id);
        tries += 1;
        if (tries === 1) {
            throw new Error('the answer got lost');
        }
        return row;
    });
    outbox.add('one');
    await vi.runAllTimersAsync();
    expect(tries).toBe(2);
    expect(contents(table)).toEqual(['one']);
    expect(outbox.drafts).toEqual([]);
});

test('a reload keeps what was not sent, with the same client_id', async () => {
    const storage = newStorage();
    const first = outboxOf(() => Promise.reject(new Error('offline')), storage);
    const draft = first.outbox.add('written offline', 'm7');
    await vi.advanceTimersByTimeAsync(5_000);
    first.outbox.stop();

    const table = new Table();
    const sent: Draft[] = [];
    const { outbox } = outboxOf(async (again) => {
        sent.push(again);
        return table.insert(again.content, again.client_id);
    }, storage);
    outbox.flush();
    await vi.runAllTimersAsync();
    expect(sent).toEqual([draft]);
    expect(contents(table)).toEqual(['written offline']);
});

test('a refused message says why, lets the next ones pass, and goes again when asked', async () => {
    const table = new Table();
    let isStrict = true;
    const { outbox } = outboxOf(async (draft) => {
        if (isStrict && draft.content === 'bad') {
            throw new Refused('Too long.');
        }
        return table.insert(draft.content, draft.client_id);
    });
    const bad = outbox.add('bad');
    outbox.add('good');
    await vi.runAllTimersAsync();
    expect(contents(table)).toEqual(['good']);
    expect(outbox.drafts).toEqual([{ ...bad, refusal: 'Too long.' }]);
    isStrict = false;
    outbox.retry(bad.client_id);
    await vi.runAllTimersAsync();
    expect(contents(table)).toEqual(['good', 'bad']);
    expect(outbox.drafts).toEqual([]);
});

test('only a refused message can be dropped', async () => {
    const { outbox } = outboxOf(async (draft) => Promise.reject(draft.content === 'bad' ? new Refused('No.') : new Error('offline')));
    const bad = outbox.add('bad');
    const waiting = outbox.add('waiting');
    await vi.advanceTimersByTimeAsync(100);
    outbox.discard(bad.client_id);
    outbox.discard(waiting.client_id);
    expect(outbox.drafts.map(({ content }) => content)).toEqual(['waiting']);
    outbox.stop();
});

test('a message that the table has is not sent again', async () => {
    const send = vi.fn(() => Promise.reject<Row>(new Error('offline')));
    const { outbox, storage } = outboxOf(send);
    const draft = outbox.add('one');
    await vi.advanceTimersByTimeAsync(0);
    outbox.arrived(draft.client_id);
    outbox.arrived('of somebody else');
    await vi.runAllTimersAsync();
    expect(send).toHaveBeenCalledTimes(1);
    expect(storage.held.size).toBe(0);
});

test('it waits between tries, as long as the server says, and not at all when told that the way is free', async () => {
    let isDown = true;
    const table = new Table();
    const send = vi.fn(async (draft: Draft) => {
        if (isDown) {
            throw new Error('down');
        }
        return table.insert(draft.content, draft.client_id);
    });
    const { outbox } = outboxOf(send);
    outbox.add('one');
    await vi.advanceTimersByTimeAsync(30_000);
    expect(send.mock.calls.length).toBeLessThan(10);
    isDown = false;
    outbox.flush();
    await vi.advanceTimersByTimeAsync(0);
    expect(contents(table)).toEqual(['one']);

    const limited = vi.fn(() => Promise.reject<Row>(new Error('slow down')));
    const slow = new Outbox<Row>({
        storage: newStorage(),
        key: 'slow',
        send: limited,
        stored: () => undefined,
        judge: () => ({ again: true, afterMs: 7_000 }),
        changed: () => undefined,
    });
    slow.add('one');
    await vi.advanceTimersByTimeAsync(6_999);
    expect(limited).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(limited).toHaveBeenCalledTimes(2);
    slow.stop();
});

test.each(['', 'no json', '{}', '[null, 7, {"content": 1}]'])('what is not an outbox in the storage (%s) is passed over', (text) => {
    const storage = newStorage();
    storage.setItem('outbox', text);
    expect(outboxOf(() => Promise.reject(new Error('unused')), storage).outbox.drafts).toEqual([]);
});

test('storage that throws costs nothing but the survival of a reload', async () => {
    const table = new Table();
    const refuse = () => {
        throw new Error('QuotaExceededError');
    };
    const storage = { ...newStorage(), getItem: refuse, setItem: refuse, removeItem: refuse };
    const { outbox } = outboxOf(async (draft) => table.insert(draft.content, draft.client_id), storage);
    outbox.add('one');
    await vi.runAllTimersAsync();
    expect(contents(table)).toEqual(['one']);
});

test('requests and answers lost, and reloads in between: every message is stored once and in order', async () => {
    for (let seed = 1; seed <= 200; seed += 1) {
        const random = randomFrom(seed);
        const table = new Table();
        const storage = newStorage();
        const send = async (draft: Draft) => {
            await new Promise((resolve) => setTimeout(resolve, random() * 30));
            if (random() < 0.3) {
                throw new Error('the request got lost');
            }
            const row = table.insert(draft.content, draft.client_id);
            if (random() < 0.3) {
                throw new Error('the answer got lost');
            }
            return row;
        };
        const written: string[] = [];
        let { outbox } = outboxOf(send, storage);
        for (let step = 0; step < 20; step += 1) {
            written.push(`message ${step}`);
            outbox.add(`message ${step}`);
            await vi.advanceTimersByTimeAsync(random() * 60);
            if (random() < 0.2) {
                outbox.stop();
                ({ outbox } = outboxOf(send, storage));
                outbox.flush();
            }
        }
        await vi.advanceTimersByTimeAsync(600_000);
        expect(contents(table), `seed ${seed}`).toEqual(written);
        expect(outbox.drafts).toEqual([]);
    }
});
