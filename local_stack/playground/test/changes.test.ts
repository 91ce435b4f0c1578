import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { isChange, isOvertaken, messageAfter, seatAfter, type Change, type Wish } from '../src/apps/echoroom/changes';
import type { Message } from '../src/apps/echoroom/api';
import { Queue, type Judgement } from '../src/queue';
import { randomFrom } from './random';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const message = (more: Partial<Message> = {}): Message => ({
    id: 'm1',
    seq: 1,
    changed_seq: 1,
    user_id: 'me',
    sender_name: 'Ada',
    content: 'as stored',
    message_type: 'text',
    reply_to: null,
    is_edited: false,
    deleted_at: null,
    client_id: null,
    created_at: '2026-11-29T00:00:00Z',
    reactions: [],
    ...more,
});

let made = 0;
const change = (wish: Wish, refusal: string | null = null): Change => ({ ...wish, id: `c${(made += 1)}`, refusal });

/** The server as far as changes go: each call may fail before or after it was done. */
class Server {
    row = message();
    readonly done: string[] = [];

    perform(wish: Wish): Message {
        const reactions = this.row.reactions;
        if (wish.kind === 'edit') {
            this.row = { ...this.row, content: wish.content, is_edited: true };
        } else if (wish.kind === 'delete') {
            this.row = { ...this.row, content: '', deleted_at: 'now', reactions: [] };
        } else if (wish.kind === 'react') {
            const others = reactions.filter(({ emoji }) => emoji !== wish.emoji);
            this.row = { ...this.row, reactions: wish.on ? [...others, { emoji: wish.emoji, count: 1, reacted: true }] : others };
        }
        this.done.push(wish.kind);
        return this.row;
    }
}

function newStorage() {
    const held = new Map<string, string>();
    return {
        getItem: (key: string) => held.get(key) ?? null,
        setItem: (key: string, value: string) => void held.set(key, value),
        removeItem: (key: string) => void held.delete(key),
    };
}

class Refused extends Error {}

function queueOf(send: (change: Change) => Promise<Message>, storage = newStorage()) {
    const judge = (error: unknown): Judgement => (error instanceof Refused ? { again: false, words: error.message } : { again: true });
    const queue = new Queue<Change, Message>({
        storage,
        key: 'changes',
        idOf: ({ id }) => id,
        isItem: isChange,
        send,
        done: () => undefined,
        judge,
        changed: () => undefined,
    });
    const want = (wish: Wish) => queue.add(change(wish), (held) => isOvertaken(held, wish));
    return { queue, want, storage };
}

test('what is wanted of a message shows at once: its text, its reactions, its end', () => {
    const held = message({ reactions: [{ emoji: '👍', count: 2, reacted: true }] });
    const after = (...wishes: Wish[]) => messageAfter(held, wishes.map((wish) => change(wish)));
    expect(after({ kind: 'edit', message_id: 'm1', content: 'new' })).toMatchObject({ content: 'new', is_edited: true });
    expect(after({ kind: 'react', message_id: 'm1', emoji: '👍', on: false }).reactions).toEqual([{ emoji: '👍', count: 1, reacted: false }]);
    expect(after({ kind: 'react', message_id: 'm1', emoji: '👍', on: true }).reactions).toEqual(held.reactions);
    expect(after({ kind: 'react', message_id: 'm1', emoji: '🎉', on: true }).reactions).toHaveLength(2);
    expect(after({ kind: 'edit', message_id: 'm1', content: 'new' }, { kind: 'delete', message_id: 'm1' })).toMatchObject({ content: '', reactions: [] });
    expect(after({ kind: 'edit', message_id: 'other', content: 'new' })).toBe(held);
    expect(messageAfter(held, [change({ kind: 'edit', message_id: 'm1', content: 'new' }, 'No.')])).toBe(held);
});

test('a seat shows the name and the voice that it is to have', () => {
    const seat = { user_id: 'me', user_name: 'Ada', mood: null, is_speaking: false, is_muted: false };
    expect(seatAfter(seat, [change({ kind: 'rename', user_name: 'Eve' }), change({ kind: 'voice', is_speaking: false, is_muted: true })])).toMatchObject({
        user_name: 'Eve',
        is_muted: true,
    });
    expect(seatAfter(seat, [change({ kind: 'rename', user_name: 'Eve' }, 'No.')])).toBe(seat);
});

test('only the last of several changes of one thing goes out, and nothing of a message that is to be deleted', async () => {
    const server = new Server();
    let isThere = false;
    const { want } = queueOf(async (wish) => {
        if (!isThere) {
            throw new Error('offline');
        }
        return server.perform(wish);
    });
    want({ kind: 'react', message_id: 'm2', emoji: '👍', on: true });
    await vi.advanceTimersByTimeAsync(1);
    want({ kind: 'edit', message_id: 'm1', content: 'one' });
    want({ kind: 'edit', message_id: 'm1', content: 'two' });
    want({ kind: 'react', message_id: 'm1', emoji: '👍', on: true });
    want({ kind: 'react', message_id: 'm1', emoji: '👍', on: false });
    want({ kind: 'delete', message_id: 'm1' });
    isThere = true;
    await vi.runAllTimersAsync();
    expect(server.done).toEqual(['react', 'delete']);
});

test('a refusal keeps the text, and a later change of the same message takes its place', async () => {
    const server = new Server();
    let refuses = true;
    const { queue, want } = queueOf(async (wish) => {
        if (refuses) {
            throw new Refused('This room is closed.');
        }
        return server.perform(wish);
    });
    want({ kind: 'edit', message_id: 'm1', content: 'what I wrote' });
    await vi.runAllTimersAsync();
    expect(queue.items).toMatchObject([{ content: 'what I wrote', refusal: 'This room is closed.' }]);
    refuses = false;
    want({ kind: 'edit', message_id: 'm1', content: 'what I meant' });
    await vi.runAllTimersAsync();
    expect(queue.items).toEqual([]);
    expect(server.row.content).toBe('what I meant');
});

test('what another version of the page left in the storage is passed over', () => {
    const storage = newStorage();
    storage.setItem('changes', JSON.stringify([{ id: 'c', kind: 'sing', refusal: null }, null, { kind: 'edit' }]));
    expect(queueOf(() => Promise.reject(new Error('offline')), storage).queue.items).toEqual([]);
});

test('over losses, answers that got lost and reloads, the server ends with what the page showed', async () => {
    for (let seed = 1; seed <= 150; seed += 1) {
        const random = randomFrom(seed);
        const server = new Server();
        const storage = newStorage();
        let isGood = false;
        const send = async (wish: Change) => {
            const fate = isGood ? 1 : random();
            if (fate < 0.4) {
                throw new Error('never arrived');
            }
            const row = server.perform(wish);
            if (fate < 0.7) {
                throw new Error('the answer got lost');
            }
            return row;
        };
        let page = queueOf(send, storage);
        const wanted = { content: 'as stored', emoji: new Set<string>() };
        for (let step = 0; step < 12; step += 1) {
            const roll = random();
            if (roll < 0.4) {
                wanted.content = `text ${step}`;
                page.want({ kind: 'edit', message_id: 'm1', content: wanted.content });
            } else if (roll < 0.8) {
                const emoji = random() < 0.5 ? '👍' : '🎉';
                const on = !wanted.emoji.has(emoji);
                wanted.emoji[on ? 'add' : 'delete'](emoji);
                page.want({ kind: 'react', message_id: 'm1', emoji, on });
            } else {
                page.queue.stop();
                page = queueOf(send, storage);
                page.queue.flush();
            }
            await vi.advanceTimersByTimeAsync(random() * 2_000);
            const shown = messageAfter(server.row, page.queue.items);
            expect([shown.content, new Set(shown.reactions.filter(({ reacted }) => reacted).map(({ emoji }) => emoji))]).toEqual([wanted.content, wanted.emoji]);
        }
        isGood = true;
        page.queue.flush();
        await vi.runAllTimersAsync();
        expect(page.queue.items).toEqual([]);
        expect(server.row.content).toBe(wanted.content);
        expect(new Set(server.row.reactions.map(({ emoji }) => emoji))).toEqual(wanted.emoji);
    }
});
