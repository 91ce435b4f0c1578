// A call with an avatar, as its row in a table says: where it is, and that in plain words. The apps keep such rows alike.

export interface Call {
    readonly id: string;
    readonly status: 'starting' | 'active' | 'ended' | 'failed';
    readonly conversation_url: string | null;
    readonly replica_joined_at: string | null;
    readonly end_requested_at: string | null;
    readonly shutdown_reason: string | null;
    readonly failure: string | null;
    readonly created_at: string;
}

export type Phase = 'starting' | 'joining' | 'there' | 'ending' | 'ended' | 'failed';

/** A start that takes longer than this deserves a word. */
const LONG_MS = 15_000;

export function phaseOf({ status, replica_joined_at, conversation_url, end_requested_at }: Call): Phase {
    if (status === 'ended' || status === 'failed') {
        return status;
    }
    if (end_requested_at) {
        return 'ending';
    }
    if (status === 'starting') {
        return 'starting';
    }
    // The avatar may be in the call before anybody knows the way to it.
    return replica_joined_at && conversation_url ? 'there' : 'joining';
}

/** Whether it is here or on its way, so that there is no second one. */
export function isOpen(call: Call): boolean {
    return call.status === 'starting' || call.status === 'active';
}

/** The call, where there is one to go to. */
export function callOf({ status, conversation_url }: Call): string | undefined {
    return status === 'active' && conversation_url && /^https?:\/\//.test(conversation_url) ? conversation_url : undefined;
}

/** Where it is, in a few words. */
export function wordsOf(call: Call, now: number): string {
    switch (phaseOf(call)) {
        case 'starting':
            return now - Date.parse(call.created_at) > LONG_MS ? 'on its way; this takes longer than usual…' : 'on its way…';
        case 'joining':
            return 'joining the call…';
        case 'there':
            return 'here, in the call';
        case 'ending':
            return 'leaving…';
        case 'ended':
            return reasonOf(call.shutdown_reason);
        case 'failed':
            return `could not come. ${call.failure ?? 'Nobody knows why.'}`;
    }
}

/** The beginnings of the reasons that are known: some come with and without more words. */
const REASONS: readonly (readonly [string, string])[] = [
    ['end_conversation_endpoint_hit', 'somebody ended the call'],
    ['requested', 'somebody ended the call'],
    ['room_empty', 'the room was empty'],
    ['room_closed', 'the room was closed'],
    ['room_deleted', 'the room was deleted'],
    ['max_call_duration', 'the call had reached its longest time'],
    ['participant_left_timeout', 'everybody had left the call'],
    ['participant_absent_timeout', 'nobody came into the call'],
];

function reasonOf(reason: string | null): string {
    const known = REASONS.find(([begin]) => reason?.startsWith(begin))?.[1];
    return known ? `gone: ${known}` : 'gone';
}
