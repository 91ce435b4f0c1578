// What went wrong, in plain words: what happened, and what to do.

import type { Judgement } from './queue';

/** A call that did not succeed: an answer that says no, or no answer at all. */
export class Refusal extends Error {
    constructor(
        /** The HTTP status; 0 when there was no answer. */
        readonly status: number,
        /** The SQLSTATE, or PostgREST's own code. */
        readonly code: string,
        /** The stable word for programs, such as `room_full`. */
        readonly reason: string,
        message: string,
        readonly hint: string,
    ) {
        super(message);
        this.name = 'Refusal';
    }

    /** Whether the same call may succeed later without anybody changing it. A token that ran out is renewed meanwhile. */
    get isPassing(): boolean {
        const isTokenGone = this.status === 401 && this.reason !== 'not_signed_in';
        return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500 || isTokenGone;
    }

    /** The seconds after which a caller that was too fast may go on. */
    get secondsToWait(): number | undefined {
        const found = this.status === 429 ? `${this.hint} ${this.message}`.match(/(\d+(?:\.\d+)?)\s*second/) : null;
        return found ? Math.max(1, Math.ceil(Number(found[1]))) : undefined;
    }
}

interface Answer<Data> {
    readonly data: Data | null;
    readonly error: { readonly code?: string; readonly details?: unknown; readonly message: string; readonly hint?: unknown } | null;
    readonly status: number;
}

/** The data of an answer of PostgREST; throws a [`Refusal`] where there is none. */
export async function dataOf<Data>(pending: PromiseLike<Answer<Data>>): Promise<Data> {
    const { data, error, status } = await pending;
    if (error) {
        const text = (value: unknown) => (typeof value === 'string' ? value : '');
        throw new Refusal(status, error.code ?? '', text(error.details), error.message, text(error.hint));
    }
    return data as Data;
}

const WORDS: Record<string, string> = {
    cannot_remove_yourself: 'You cannot remove yourself. Leave the room instead.',
    capacity_exceeded: 'There is no free seat left.',
    conversation_not_found: 'This avatar is gone.',
    invalid_content: 'A message has 1 to 4,000 characters. Shorten it, or split it.',
    invalid_description: 'A description has at most 500 characters. Shorten it.',
    invalid_emoji: 'That is not one emoji.',
    invalid_max_participants: 'A room has 1 to 100 seats.',
    invalid_mood: 'A mood has 1 to 64 characters.',
    invalid_user_name: 'A name has 1 to 40 characters and no hidden ones. Choose another.',
    message_not_found: 'This message is gone.',
    not_a_member: 'You have no seat in this room any more.',
    not_the_creator: 'Only the person who opened this room can do that.',
    not_signed_in: 'Your sign-in is no longer valid. Reload the page to get a new one.',
    not_your_message: 'Only its author can change this message.',
    participant_not_found: 'This person is not here any more.',
    persona_not_found: 'There is no avatar of this mood. Choose another.',
    removed_from_room: 'You were removed from this room by the person who opened it. They can let you back in.',
    room_closed: 'This room is closed: nothing more can be written here.',
    room_full: 'This room is full: all of its seats are taken.',
    room_not_found: 'There is no such room. It may have been closed or deleted.',
    too_many_reactions: 'You can put at most 10 different reactions on a message. Take one back first.',
};

/** One or two plain sentences about an error of any kind. An app has words of its own for what another app calls by the same name. */
export function wordsFor(error: unknown, own: Readonly<Record<string, string>> = {}): string {
    if (!(error instanceof Refusal)) {
        return `Something unexpected happened: ${error instanceof Error ? error.message : String(error)}`;
    }
    if (error.status === 0) {
        return 'The server cannot be reached. Check the connection; this page keeps trying.';
    }
    if (error.reason === 'rate_limited' || error.status === 429) {
        return `That was too fast. Wait ${spanOf(error.secondsToWait)} and try again.`;
    }
    const known = own[error.reason] ?? WORDS[error.reason];
    if (known) {
        return known;
    }
    if (error.reason === 'limit_reached') {
        // Which limit it is, and what helps, only the server knows.
        return `${error.message} ${error.hint}`.trim();
    }
    if (error.status === 401) {
        return 'You are not signed in any more. Reload the page.';
    }
    if (error.status === 403) {
        return 'You are not allowed to do that.';
    }
    if (error.code === 'PGRST202') {
        return 'This server does not know that function. Its database may be older than this page: start bin/dev again.';
    }
    if (error.status >= 500) {
        return `The server has a problem (${error.code || error.status}). Try again in a moment.`;
    }
    // Our own errors are one plain sentence already.
    return error.code.startsWith('PT') ? error.message : `The server refused that (${error.code || error.status}): ${error.message}`;
}

/** How long to wait, as one says it. */
function spanOf(seconds: number | undefined): string {
    if (seconds === undefined) {
        return 'a moment';
    }
    const [count, unit] = seconds < 90 ? [seconds, 'second'] : seconds < 5_400 ? [Math.ceil(seconds / 60), 'minute'] : [Math.ceil(seconds / 3_600), 'hour'];
    return count === 1 ? `a ${unit}` : `${count} ${unit}s`;
}

/** Longer than this nobody waits without being told: some limits are of a day. */
const LONGEST_WAIT_S = 60;

/** The same of something that is not kept to be tried again, such as a call. */
export function notDoneWords(error: unknown, own: Readonly<Record<string, string>> = {}): string {
    return error instanceof Refusal && error.status === 0
        ? 'Not done: the server cannot be reached. Try again when it is back.'
        : wordsFor(error, own);
}

/** Whether a message goes out again by itself. */
export function judge(error: unknown, words: (error: unknown) => string = wordsFor): Judgement {
    if (error instanceof Refusal && error.isPassing) {
        const seconds = error.secondsToWait;
        if (seconds === undefined) {
            return { again: true };
        }
        if (seconds <= LONGEST_WAIT_S) {
            return { again: true, afterMs: seconds * 1000 };
        }
    }
    return { again: false, words: words(error) };
}
