import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { callOf, isOpen, isUnsettled, phaseOf, speakerOf, wordsOf, type Conversation } from '../src/apps/echoroom/conversation';
import { Conversations } from '../src/apps/echoroom/conversations';
import { LATE_MS } from '../src/pause';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const NOW = '2026-11-21T12:00:00.5+00:00';

function row(more: Partial<Conversation> = {}): Conversation {
    return {
        id: 'one',
        mood: 'Calm',
        status: 'starting',
        conversation_url: null,
        replica_joined_at: null,
        end_requested_at: null,
        shutdown_reason: null,
        failure: null,
        transcript: null,
        created_at: NOW,
        ...more,
    };
}

const active = row({ status: 'active', conversation_url: 'https://tavus.daily.co/c1' });
const there = { ...active, replica_joined_at: NOW };

test.each([
    [row(), 'starting', 'on its way…', true, true],
    [active, 'joining', 'joining the call…', true, true],
    [{ ...there, conversation_url: null }, 'joining', 'joining the call…', true, true],
    [there, 'there', 'here, in the call', true, false],
    [{ ...there, end_requested_at: NOW }, 'ending', 'leaving…', true, true],
    [row({ status: 'ended' }), 'ended', 'gone', false, true],
    [row({ status: 'ended', transcript: [] }), 'ended', 'gone', false, false],
    [row({ status: 'failed', failure: 'Tavus knows no such persona.' }), 'failed', 'could not come. Tavus knows no such persona.', false, false],
] as const)('a row is told as what it is: %#', (conversation, phase, words, open, unsettled) => {
    expect(phaseOf(conversation)).toBe(phase);
    expect(wordsOf(conversation, Date.parse(NOW))).toBe(words);
    expect([isOpen(conversation), isUnsettled(conversation)]).toEqual([open, unsettled]);
});

test('a start that takes long says so', () => {
    expect(wordsOf(row(), Date.parse(NOW) + 60_000)).toContain('longer than usual');
});

test.each([
    ['participant_left_timeout reached', 'gone: everybody had left the call'],
    ['participant_left_timeout', 'gone: everybody had left the call'],
    ['end_conversation_endpoint_hit', 'gone: somebody ended the call'],
    ['room_empty', 'gone: the room was empty'],
    ['internal error occurred at step 7', 'gone'],
])('%s is said in plain words', (shutdown_reason, words) => {
    expect(wordsOf(row({ status: 'ended', shutdown_reason }), 0)).toBe(words);
});

test('only a call that runs is linked, and only as an address of the web', () => {
    expect(callOf(there)).toBe('https://tavus.daily.co/c1');
    expect(callOf({ ...there, status: 'ended' })).toBeUndefined();
    expect(callOf({ ...there, conversation_url: 'javascript:alert(1)' })).toBeUndefined();
    expect(callOf(row())).toBeUndefined();
});

test('roles that nobody knows keep their name', () => {
    const said = (role: string) => speakerOf({ role, content: 'x' }, 'Calm');
    expect(['assistant', 'user', 'tool'].map(said)).toEqual(['Calm avatar', 'Somebody in the call', 'tool']);
});

/** A table that answers when it is told to. */
function table() {
    const waiting: ((rows: readonly Conversation[]) => void)[] = [];
    const failing: ((error: unknown) => void)[] = [];
    const failed = vi.fn();
    const changed = vi.fn();
    const read = vi.fn(
        () =>
            new Promise<readonly Conversation[]>((resolve, reject) => {
                waiting.push(resolve);
                failing.push(reject);
            }),
    );
    const start = vi.fn<(mood: string) => Promise<unknown>>(() => Promise.resolve());
    const end = vi.fn<(id: string) => Promise<unknown>>(() => Promise.resolve());
    const conversations = new Conversations({ read, start, end, changed, failed });
    const settled = () => vi.advanceTimersByTimeAsync(0);
    return {
        conversations,
        read,
        start,
        end,
        failed,
        async answers(rows: readonly Conversation[]) {
            await settled();
            waiting.shift()?.(rows);
            failing.shift();
            await settled();
        },
        async fails(error: unknown) {
            await settled();
            failing.shift()?.(error);
            waiting.shift();
            await settled();
        },
        settled,
    };
}

test('who asks while a request is under way is served by one more, not by one each', async () => {
    const { conversations, read, answers, settled } = table();
    void conversations.refresh();
    await settled();
    void conversations.refresh();
    void conversations.refresh();
    await answers([row()]);
    expect(read).toHaveBeenCalledTimes(2);
    await answers([active]);
    expect(conversations.latest).toEqual(active);
    await settled();
    expect(read).toHaveBeenCalledTimes(2);
});

test('an event that overtook its row is looked at again an instant later', async () => {
    const { conversations, read, answers } = table();
    conversations.heard();
    await answers([]);
    expect(conversations.latest).toBeUndefined();
    await vi.advanceTimersByTimeAsync(LATE_MS);
    await answers([row()]);
    expect(conversations.latest?.status).toBe('starting');
    expect(read).toHaveBeenCalledTimes(2);
});

test('the open one is the latest, whatever else is newer', async () => {
    const { conversations, answers } = table();
    const old = row({ id: 'old', status: 'ended' });
    const failed = row({ id: 'failed', status: 'failed' });
    void conversations.refresh();
    await answers([failed, row(), old]);
    expect(conversations.latest?.id).toBe('one');
    expect(conversations.isUnsettled).toBe(true);
    void conversations.refresh();
    await answers([failed, old]);
    expect(conversations.latest?.id).toBe('failed');
});

test('a start shows what the table says after it, not what was read before', async () => {
    const { conversations, start, read, answers, settled } = table();
    let answer = (): void => undefined;
    start.mockReturnValue(new Promise<void>((resolve) => (answer = resolve)));
    void conversations.refresh();
    await settled();
    void conversations.start('Calm');
    answer();
    await answers([]);
    expect([conversations.latest, conversations.isAsking]).toEqual([undefined, true]);
    await answers([active]);
    expect([conversations.latest, conversations.isAsking]).toEqual([active, false]);
    expect(read).toHaveBeenCalledTimes(2);
});

test('a start or an end is asked for once at a time', async () => {
    const { conversations, start, end, answers } = table();
    void conversations.start('Calm');
    void conversations.start('Joyful');
    void conversations.end('one');
    await answers([row()]);
    expect([start.mock.calls, end.mock.calls]).toEqual([[['Calm']], []]);
    void conversations.end('one');
    await answers([{ ...there, end_requested_at: NOW }]);
    expect(end).toHaveBeenCalledWith('one');
    expect(conversations.latest && phaseOf(conversations.latest)).toBe('ending');
});

test('a reading that fails is told, and the next one is made', async () => {
    const { conversations, failed, answers, fails } = table();
    void conversations.refresh();
    await fails(new Error('away'));
    expect(failed).toHaveBeenCalledWith(new Error('away'));
    expect(conversations.rows).toBeUndefined();
    void conversations.refresh();
    await answers([]);
    expect(conversations.rows).toEqual([]);
});

test('who left the room asks no more, and takes in nothing', async () => {
    const { conversations, read, answers } = table();
    conversations.heard();
    conversations.stop();
    await answers([row()]);
    await vi.advanceTimersByTimeAsync(LATE_MS);
    void conversations.refresh();
    expect(read.mock.calls.length).toBeLessThanOrEqual(1);
    expect(conversations.rows).toBeUndefined();
});
