// A seat in a room that is found or opened for it: again when the room filled up meanwhile, and for as long as the server is away.

import { Refusal, wordsFor } from '../../errors';
import { Pause, delayAfter } from '../../pause';
import type { Api, Session } from './api';
import { me } from './me';

const FULL_TRIES = 5;

export interface SeatWanted {
    readonly api: Pick<Api, 'joinRoom'>;
    readonly mood: string;
    find(): Promise<Pick<Session, 'id'>>;
    /** Is told why it takes longer. */
    waits(words: string): void;
    readonly signal: AbortSignal;
}

/** The id of the room; undefined when nobody waits for it any more. */
export async function takeSeat({ api, mood, find, waits, signal }: SeatWanted): Promise<string | undefined> {
    let full = 0;
    let failures = 0;
    const pause = new Pause();
    signal.addEventListener('abort', () => pause.end());
    const again = () => pause.end();
    window.addEventListener('online', again);
    try {
        while (!signal.aborted) {
            try {
                const { id } = await find();
                if (!signal.aborted) {
                    await api.joinRoom(id, { ...(me.name ? { user_name: me.name } : {}), mood });
                    me.mood = mood;
                    me.room = id;
                    return id;
                }
            } catch (error) {
                const reason = error instanceof Refusal ? error.reason : '';
                full += reason === 'room_full' || reason === 'room_not_found' ? 1 : 0;
                if (full > 0 && full < FULL_TRIES && (reason === 'room_full' || reason === 'room_not_found')) {
                    continue;
                }
                if (!(error instanceof Refusal && error.isPassing)) {
                    throw error;
                }
                failures += 1;
                waits(wordsFor(error));
                await pause.wait(error.secondsToWait === undefined ? delayAfter(failures) : error.secondsToWait * 1000);
            }
        }
        return undefined;
    } finally {
        window.removeEventListener('online', again);
    }
}
