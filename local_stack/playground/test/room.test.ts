import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Seat } from '../src/apps/echoroom/api';
import { seatsAfter, withSeat } from '../src/apps/echoroom/seats';
import { Typing } from '../src/apps/echoroom/typing';
import { EventLog } from '../src/event_log';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const ben: Seat = { user_id: 'ben', user_name: 'Ben', mood: 'Calm', is_speaking: false, is_muted: false };

test('events move the seats, twice as once', () => {
    const joined = { user_name: 'Ben', avatar: null, mood: 'Calm', is_speaking: false, is_muted: false };
    let seats = seatsAfter(new Map(), 'user-joined', 'ben', joined);
    seats = seatsAfter(seats, 'user-joined', 'ben', joined);
    expect([...seats.values()]).toEqual([ben]);
    seats = seatsAfter(seats, 'voice-status', 'ben', { isSpeaking: true, isMuted: false });
    expect(seats.get('ben')).toEqual({ ...ben, is_speaking: true });
    seats = seatsAfter(seats, 'user-left', 'ben', {});
    expect(seatsAfter(seats, 'user-left', 'ben', {})).toBe(seats);
    expect(seats.size).toBe(0);
});

test('events that make no sense change nothing and break nothing', () => {
    const seats = withSeat(new Map(), ben);
    expect(seatsAfter(seats, 'voice-status', 'nobody', { isSpeaking: true })).toBe(seats);
    expect(seatsAfter(seats, 'made-up', 'ben', { user_name: 'Eve' })).toBe(seats);
    const odd = seatsAfter(seats, 'user-updated', 'ben', { user_name: 7, mood: {}, is_speaking: 'yes' });
    expect(odd.get('ben')).toEqual({ user_id: 'ben', user_name: '', mood: null, is_speaking: false, is_muted: false });
});

test('writing is said when it begins, repeated while it goes on, and ended by sending or by a pause', () => {
    const tell = vi.fn();
    const typing = new Typing({ tell, changed: () => undefined });
    for (let key = 0; key < 80; key += 1) {
        typing.mine('Ada');
        vi.advanceTimersByTime(100);
    }
    expect(tell.mock.calls).toEqual([1, 2, 3].map(() => ['typing-start', { username: 'Ada' }]));
    typing.done();
    typing.done();
    expect(tell.mock.calls.slice(3)).toEqual([['typing-stop', {}]]);
    typing.mine('Ada');
    vi.advanceTimersByTime(4_000);
    expect(tell.mock.calls.slice(4).map(([event]) => event)).toEqual(['typing-start', 'typing-stop']);
});

test('somebody who writes is believed until they stop, or say nothing for a while', () => {
    const typing = new Typing({ tell: () => undefined, changed: () => undefined });
    typing.started('ben');
    typing.started('cleo');
    vi.advanceTimersByTime(5_000);
    typing.started('cleo');
    expect(typing.others).toEqual(['ben', 'cleo']);
    vi.advanceTimersByTime(3_000);
    expect(typing.others).toEqual(['cleo']);
    typing.stopped('cleo');
    expect(typing.others).toEqual([]);
});

test('the log keeps the latest entries and counts events, not calls, by second', () => {
    vi.setSystemTime(1_000_000);
    const log = new EventLog();
    for (let index = 0; index < 400; index += 1) {
        log.add({ kind: 'event', name: `event ${index}` });
    }
    log.add({ kind: 'call', name: 'a call' });
    expect(log.entries).toHaveLength(300);
    expect(log.entries[0]?.name).toBe('a call');
    expect(log.perSecond().at(-1)).toBe(400);
    vi.advanceTimersByTime(2_500);
    log.add({ kind: 'event', name: 'later' });
    expect(log.perSecond().slice(-3)).toEqual([400, 0, 1]);
    vi.advanceTimersByTime(120_000);
    expect(log.perSecond()).toEqual(new Array(60).fill(0));
});
