// An avatar of a room, as its row in the table says.

import { phaseOf, type Call } from '../../call';

export { callOf, isOpen, phaseOf, wordsOf, type Phase } from '../../call';

/** What was said in the call. The role is open: whoever is not known is shown under their role. */
export interface Said {
    readonly role: string;
    readonly content: string;
}

export interface Conversation extends Call {
    readonly mood: string;
    readonly transcript: readonly Said[] | null;
}

/** Whether something more is about to be said of it, by an event that may be lost. */
export function isUnsettled(conversation: Conversation): boolean {
    const phase = phaseOf(conversation);
    return phase === 'starting' || phase === 'joining' || phase === 'ending' || (phase === 'ended' && !conversation.transcript);
}

/** Who said something. */
export function speakerOf({ role }: Said, mood: string): string {
    return role === 'assistant' ? `${mood} avatar` : role === 'user' ? 'Somebody in the call' : role;
}
