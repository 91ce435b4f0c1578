// An avatar of a room, as its row in the table says: where it is, and that in plain words.

/** What was said in the call. The role is open: whoever is not known is shown under their role. */
export interface Said {
    readonly role: string;
    readonly content: string;
}

export interface Conversation {
    readonly id: string;
    readonly mood: string;
    readonly status: 'starting' | 'active' | 'ended' | 'failed';
    readonly conversation_url: string | null;
    readonly replica_joined_at: string | null;
    readonly end_requested_at: string | null;
    readonly shutdown_reason: string | null;
    readonly failure: string | null;
    readonly transcript: readonly Said[] | null;
    readonly created_at: string;
}

export type Phase = 'starting' | 'joining' | 'there' | 'ending' | 'ended' | 'failed';

/** A start that takes longer than this deserves a word. */
const LONG_MS = 15_000;

export function phaseOf({ status, replica_joined_at, conversation_url, end_requested_at }: Conversation): Phase {
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
export function isOpen(conversation: Conversation): boolean {
    return conversation.status === 'starting' || conversation.status === 'active';
}

/** Whether something more is about to be said of it, by an event that may be lost. */
export function isUnsettled(conversation: Conversation): boolean {
    const phase = phaseOf(conversation);
    return phase === 'starting' || phase === 'joining' || phase === 'ending' || (phase === 'ended' && !conversation.transcript);
}

/** The call, where there is one to go to. */
export function callOf({ status, conversation_url }: Conversation): string | undefined {
    return status === 'active' && conversation_url && /^https?:\/\//.test(conversation_url) ? conversation_url : undefined;
}

/** Where it is, in a few words. */
export function wordsOf(conversation: Conversation, now: number): string {
    switch (phaseOf(conversation)) {
        case 'starting':
            return now - Date.parse(conversation.created_at) > LONG_MS ? 'on its way; this takes longer than usual…' : 'on its way…';
        case 'joining':
            return 'joining the call…';
        case 'there':
            return 'here, in the call';
        case 'ending':
            return 'leaving…';
        case 'ended':
            return reasonOf(conversation.shutdown_reason);
        case 'failed':
            return `could not come. ${conversation.failure ?? 'Nobody knows why.'}`;
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

/** Who said something. */
export function speakerOf({ role }: Said, mood: string): string {
    return role === 'assistant' ? `${mood} avatar` : role === 'user' ? 'Somebody in the call' : role;
}
