// What a person does to what is there already: edits, deletions, reactions, one's seat, other people's. Each says how something is to be,
// not what to turn round, so doing it twice does no harm; it is shown at once, and marked until the server has done it.

import type { Refusable } from '../../queue';
import type { Api, Message, Reaction, Seat } from './api';

export type Wish =
    | { readonly kind: 'edit'; readonly message_id: string; readonly content: string }
    | { readonly kind: 'delete'; readonly message_id: string }
    | { readonly kind: 'react'; readonly message_id: string; readonly emoji: string; readonly on: boolean }
    | { readonly kind: 'voice'; readonly is_speaking: boolean; readonly is_muted: boolean }
    | { readonly kind: 'rename'; readonly user_name: string }
    | { readonly kind: 'remove'; readonly user_id: string; readonly user_name: string }
    | { readonly kind: 'readmit'; readonly user_id: string; readonly user_name: string };

export type Change = Wish & Refusable & { readonly id: string };

const KINDS: Record<Wish['kind'], true> = { edit: true, delete: true, react: true, voice: true, rename: true, remove: true, readmit: true };

export function isChange(value: unknown): value is Change {
    const change = value as Partial<Change> | null;
    return typeof change?.id === 'string' && typeof change.kind === 'string' && change.kind in KINDS;
}

/** Does it, and answers with the message or the seat that it changed. */
export async function perform(api: Api, sessionId: string, wish: Wish): Promise<Message | Seat | undefined> {
    switch (wish.kind) {
        case 'edit':
            return await api.editMessage(wish.message_id, wish.content);
        case 'delete':
            return await api.deleteMessage(wish.message_id);
        case 'react':
            return await (wish.on ? api.addReaction(wish.message_id, wish.emoji) : api.removeReaction(wish.message_id, wish.emoji));
        case 'voice':
            return await api.setVoiceStatus(sessionId, { is_speaking: wish.is_speaking, is_muted: wish.is_muted });
        case 'rename':
            return await api.updateParticipant(sessionId, { user_name: wish.user_name });
        case 'remove':
            await api.removeParticipant(sessionId, wish.user_id);
            return undefined;
        case 'readmit':
            await api.readmitParticipant(sessionId, wish.user_id);
            return undefined;
    }
}

/** Whether a wish leaves nothing of an earlier one: its own kind about the same thing, and all about a message that is deleted. */
export function isOvertaken(held: Wish, by: Wish): boolean {
    const isOfMessage = 'message_id' in held && 'message_id' in by && held.message_id === by.message_id;
    switch (by.kind) {
        case 'delete':
            return isOfMessage;
        case 'edit':
            return isOfMessage && held.kind === 'edit';
        case 'react':
            return isOfMessage && held.kind === 'react' && held.emoji === by.emoji;
        case 'voice':
        case 'rename':
            return held.kind === by.kind;
        case 'remove':
        case 'readmit':
            return (held.kind === 'remove' || held.kind === 'readmit') && held.user_id === by.user_id;
    }
}

/** A message as it will be when all that waits is done. */
export function messageAfter(message: Message, changes: readonly Change[]): Message {
    return changes.filter((change) => change.refusal === null && 'message_id' in change && change.message_id === message.id).reduce(applied, message);
}

function applied(message: Message, wish: Wish): Message {
    switch (wish.kind) {
        case 'edit':
            return message.deleted_at ? message : { ...message, content: wish.content, is_edited: true };
        case 'delete':
            return { ...message, content: '', deleted_at: message.deleted_at ?? new Date(0).toISOString(), reactions: [] };
        case 'react':
            return message.deleted_at ? message : { ...message, reactions: reactionsAfter(message.reactions, wish.emoji, wish.on) };
        default:
            return message;
    }
}

function reactionsAfter(reactions: readonly Reaction[], emoji: string, on: boolean): readonly Reaction[] {
    const held = reactions.find((reaction) => reaction.emoji === emoji);
    if ((held?.reacted ?? false) === on) {
        return reactions;
    }
    if (!held) {
        return [...reactions, { emoji, count: 1, reacted: true }];
    }
    const count = held.count + (on ? 1 : -1);
    return reactions.flatMap((reaction) => (reaction !== held ? [reaction] : count > 0 ? [{ ...held, count, reacted: on }] : []));
}

/** One's own seat as it will be. */
export function seatAfter(seat: Seat, changes: readonly Change[]): Seat {
    return changes.reduce((now, change) => {
        if (change.refusal !== null) {
            return now;
        }
        return change.kind === 'voice'
            ? { ...now, is_speaking: change.is_speaking, is_muted: change.is_muted }
            : change.kind === 'rename'
              ? { ...now, user_name: change.user_name }
              : now;
    }, seat);
}

/** What was not done, before the words that say why. */
export function undoneWords(wish: Wish): string {
    switch (wish.kind) {
        case 'edit':
            return 'Not changed.';
        case 'delete':
            return 'Not deleted.';
        case 'react':
            return wish.on ? `${wish.emoji} was not added.` : `${wish.emoji} was not taken back.`;
        case 'voice':
            return 'Your voice was not changed.';
        case 'rename':
            return `You are not called ${wish.user_name}.`;
        case 'remove':
            return `${wish.user_name} was not removed.`;
        case 'readmit':
            return `${wish.user_name} was not let back in.`;
    }
}
