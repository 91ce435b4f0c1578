// The RPCs of EchoRoom that the page calls. docs/echoroom.md describes them.

import type { SupabaseClient } from '@supabase/supabase-js';
import type { Functions } from '../../../../../clients/js/echoroom';
import { Refusal, dataOf } from '../../errors';
import type { Numbered, Page } from '../../stream';
import type { Conversation } from './conversation';

export interface Session {
    readonly id: string;
    readonly category: string;
    readonly description: string | null;
    readonly is_active: boolean;
    readonly max_participants: number;
    readonly current_participants: number;
    readonly created_by?: string | null;
}

export interface Seat {
    readonly user_id: string;
    readonly user_name: string;
    readonly mood: string | null;
    readonly is_speaking: boolean;
    readonly is_muted: boolean;
}

export interface RoomState {
    readonly session: Session;
    readonly participants: readonly Seat[];
    readonly topic: string;
    readonly last_seq: number;
}

export interface Reaction {
    readonly emoji: string;
    readonly count: number;
    readonly reacted: boolean;
}

export interface Message extends Numbered {
    readonly user_id: string | null;
    readonly sender_name: string;
    readonly content: string;
    readonly message_type: string;
    readonly reply_to: string | null;
    readonly is_edited: boolean;
    readonly deleted_at: string | null;
    readonly client_id: string | null;
    readonly created_at: string;
    readonly reactions: readonly Reaction[];
}

/** Somebody who was removed from a room. */
export interface Removed {
    readonly user_id: string;
    readonly user_name: string;
}

export interface Beat {
    readonly last_seq: number;
    readonly topic: string;
}

/** What the page shows of an avatar. */
const CONVERSATION =
    'id, mood, status, conversation_url, replica_joined_at, end_requested_at, shutdown_reason, failure, transcript, created_at';
const CONVERSATIONS = 5;

export type Api = ReturnType<typeof apiOf>;

export function apiOf(client: SupabaseClient) {
    const echoroom = client.schema('echoroom');
    const call = <Name extends keyof Functions>(name: Name, args: Functions[Name]['Args']) =>
        dataOf<Functions[Name]['Returns']>(echoroom.rpc(name, args));
    return {
        listSessions: (): Promise<Session[]> => call('list_sessions', {}),
        /**
         * A room as who is not in it sees it: what the list of rooms says of it, `unlisted` where it is open and not among the rooms that are
         * listed, and nothing where it is closed or there is none.
         */
        room: async (session_id: string): Promise<Session | 'unlisted' | undefined> => {
            const [listed] = await dataOf<Session[]>(echoroom.rpc('list_sessions', {}).eq('id', session_id));
            if (listed) {
                return listed;
            }
            try {
                return (await call('room_state', { session_id })).session;
            } catch (error) {
                if (error instanceof Refusal && error.reason === 'not_a_member') {
                    return 'unlisted';
                }
                if (error instanceof Refusal && error.reason === 'room_not_found') {
                    return undefined;
                }
                throw error;
            }
        },
        createSession: (category: string, max_participants: number): Promise<Session> =>
            call('create_session', { category, max_participants }),
        findRoom: (mood: string): Promise<Session> => call('find_room', { mood }),
        joinRoom: (session_id: string, who: { user_name?: string; mood?: string }): Promise<RoomState> =>
            call('join_room', { session_id, ...who }),
        roomState: (session_id: string): Promise<RoomState> => call('room_state', { session_id }),
        leaveRoom: (session_id: string): Promise<boolean> => call('leave_room', { session_id }),
        heartbeat: (session_id: string): Promise<Beat> => call('heartbeat', { session_id }),
        removeParticipant: (session_id: string, user_id: string): Promise<boolean> =>
            call('remove_participant', { session_id, user_id }),
        readmitParticipant: (session_id: string, user_id: string): Promise<boolean> =>
            call('readmit_participant', { session_id, user_id }),
        listRemoved: (session_id: string) =>
            dataOf<Removed[]>(echoroom.from('removed_participants').select('user_id, user_name').eq('session_id', session_id)),
        setVoiceStatus: (session_id: string, voice: { is_speaking?: boolean; is_muted?: boolean }): Promise<Seat> =>
            call('set_voice_status', { session_id, ...voice }),
        updateParticipant: (session_id: string, who: { mood?: string; user_name?: string }): Promise<Seat> =>
            call('update_participant', { session_id, ...who }),
        sendMessage: (session_id: string, message: { content: string; reply_to: string | null; client_id: string }): Promise<Message> =>
            call('send_message', { session_id, ...message }),
        editMessage: (message_id: string, content: string): Promise<Message> => call('edit_message', { message_id, content }),
        deleteMessage: (message_id: string): Promise<Message> => call('delete_message', { message_id }),
        addReaction: (message_id: string, emoji: string): Promise<Message> => call('add_reaction', { message_id, emoji }),
        removeReaction: (message_id: string, emoji: string): Promise<Message> => call('remove_reaction', { message_id, emoji }),
        getMessages: (session_id: string, page_limit: number, before_seq: number | null = null): Promise<Message[]> =>
            call('get_messages', { session_id, page_limit, before_seq }),
        startConversation: (session_id: string, mood: string): Promise<unknown> => call('start_conversation', { session_id, mood }),
        endConversation: (conversation_id: string): Promise<unknown> => call('end_conversation', { conversation_id }),
        conversations: (session_id: string) =>
            dataOf<Conversation[]>(
                echoroom
                    .from('conversations')
                    .select(CONVERSATION)
                    .eq('session_id', session_id)
                    .order('created_at', { ascending: false })
                    .limit(CONVERSATIONS),
            ),
        personas: () => dataOf<{ mood: string | null }[]>(echoroom.from('persona').select('mood').order('mood')),
        messagesSince: (session_id: string, after_seq: number): Promise<Page<Message>> =>
            call('messages_since', { session_id, after_seq }),
    };
}
