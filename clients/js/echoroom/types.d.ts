// EchoRoom: what its tables hold, what its functions take and return, and what a room's channel says. docs/echoroom.md tells the rest.
//
// Times are ISO 8601 strings, ids are UUIDs as strings.

import type { Json, JsonObject, NoArguments } from '../schema.js';

// Rows ------------------------------------------------------------------------------------------------------------------------

/** A room of one mood. */
export type Session = {
    id: string;
    /** The mood, compared without regard to case. */
    category: string;
    description: string | null;
    /** False once the room is closed: its members can read and leave, no more. */
    is_active: boolean;
    max_participants: number;
    /** Seats taken. Functions leave overdue seats out; the table counts them until they are given back. */
    current_participants: number;
    /** Third part of the Realtime topic. */
    epoch: number;
    /** Number of the room's latest change. */
    last_seq: number;
    /** Who opened it; null for the rooms that come with the migration, and when the account is gone. */
    created_by: string | null;
    created_at: string;
    updated_at: string;
};

/** A seat. It is a lease: call `heartbeat` every 20 seconds. */
export type Participant = {
    user_id: string;
    session_id: string;
    user_name: string;
    /** A path of your site, or an https address. */
    avatar: string | null;
    mood: string | null;
    is_speaking: boolean;
    is_muted: boolean;
    joined_at: string;
    /** The latest heartbeat. */
    last_seen_at: string;
};

/** `system` and `ai-prompt` come from the server only. */
export type MessageType = 'text' | 'system' | 'ai-prompt' | 'mood-check';

/** A row of `chat_messages`. */
export type ChatMessage = {
    id: string;
    session_id: string;
    /** Null for messages of the server, and when the account is gone. */
    user_id: string | null;
    sender_name: string;
    /** Empty when the message is deleted. */
    content: string;
    message_type: MessageType;
    /** The message that this one answers. */
    reply_to: string | null;
    is_edited: boolean;
    edited_at: string | null;
    deleted_at: string | null;
    /** Number of the change that made it. */
    seq: number;
    /** Chosen by the sender: the same twice is one message. */
    client_id: string | null;
    created_at: string;
    updated_at: string;
};

/** A row of `message_reactions`: one person, one emoji. */
export type MessageReaction = {
    id: string;
    message_id: string;
    session_id: string;
    user_id: string;
    emoji: string;
    created_at: string;
};

/** The persona of the avatars of a mood. */
export type Persona = {
    id: number;
    /** Tavus' id. */
    persona_id: string;
    mood: string | null;
    created_at: string;
    updated_at: string;
};

/** Somebody whom the creator of a room removed. */
export type RemovedParticipant = {
    session_id: string;
    user_id: string;
    /** The name that they had. */
    user_name: string;
    removed_at: string;
};

export type ConversationStatus = 'starting' | 'active' | 'ended' | 'failed';

/** What somebody spoke in a call, as Tavus writes it down. */
export type TranscriptEntry = {
    role: 'user' | 'assistant';
    content: string;
    timestamp?: Json;
    seconds_from_start?: Json;
    duration?: Json;
};

/** A recording of a call. */
export type Recording = {
    /** When Tavus told of it; null where it does not say. */
    ready_at: string | null;
    /** What it tells of it. */
    properties: JsonObject;
};

/** The AI avatar of a room: a call at Tavus. */
export type Conversation = {
    id: string;
    /** Null when the room is gone. */
    session_id: string | null;
    persona_id: string;
    mood: string;
    status: ConversationStatus;
    /** Tavus' id; null until there is a call. */
    conversation_id: string | null;
    /** The call itself. */
    conversation_url: string | null;
    started_by: string | null;
    replica_id: string | null;
    /** When the avatar was there. */
    replica_joined_at: string | null;
    end_requested_at: string | null;
    ended_at: string | null;
    shutdown_reason: string | null;
    transcript: TranscriptEntry[] | null;
    perception_analysis: string | null;
    /** What Tavus tells of the latest recording. */
    recording: JsonObject | null;
    /** All of them, by the time of their events, the latest last. */
    recordings: Recording[] | null;
    /** Why it could not be started, in one sentence for people. */
    failure: string | null;
    claimed_until: string | null;
    attempted_at: string | null;
    created_at: string;
    updated_at: string;
};

// Answers ---------------------------------------------------------------------------------------------------------------------

/** The reactions to a message with one emoji. */
export type Reaction = {
    emoji: string;
    count: number;
    /** Whether one of them is mine. */
    reacted: boolean;
};

/** A message with its reactions, the oldest emoji first. */
export type Message = ChatMessage & {
    /** Number of its latest change: edit, deletion, reaction. */
    changed_seq: number;
    reactions: Reaction[];
};

/** A room, who sits there, and where to listen. */
export type Room = {
    session: Session;
    participants: Participant[];
    /** The Realtime topic, a private channel. */
    topic: string;
    /** Number of the room's latest change. */
    last_seq: number;
};

/** A room in the list of rooms. */
export type ListedSession = {
    id: string;
    category: string;
    description: string | null;
    is_active: boolean;
    max_participants: number;
    current_participants: number;
    free_seats: number;
    created_at: string;
    updated_at: string;
};

/** What a heartbeat answers. */
export type Heartbeat = {
    /** When the seat is free unless another heartbeat comes. */
    expires_at: string;
    last_seq: number;
    topic: string;
};

/** What changed after a number. */
export type MessagePage = {
    /** In order of their latest change. */
    messages: Message[];
    /** The next `after_seq`. */
    last_seq: number;
    has_more: boolean;
};

/** An avatar that was asked for; `is_new` is false for the one that was there already. */
export type StartedConversation = Conversation & { is_new: boolean };

// Functions -------------------------------------------------------------------------------------------------------------------

/** The RPCs. Arguments that may be left out may be null as well, which means their default. */
export type Functions = {
    /** Opens a room. The caller is not seated. */
    create_session: {
        Args: { category: string; description?: string | null; max_participants?: number | null };
        Returns: Session;
    };
    /** The fullest active room of a mood with a free seat, or a new one. The seat is not held. */
    find_room: { Args: { mood: string }; Returns: Session };
    /** All active rooms. Visitors may ask too. */
    list_sessions: { Args: NoArguments; Returns: ListedSession[] };
    /** For members. */
    room_state: { Args: { session_id: string }; Returns: Room };
    /** Visitors may ask too. */
    persona_by_mood: { Args: { mood: string }; Returns: Persona };
    /** Takes a seat, or renews the one that the caller has. */
    join_room: {
        Args: { session_id: string; user_name?: string | null; mood?: string | null; avatar?: string | null };
        Returns: Room;
    };
    /** Whether there was a seat to give back. */
    leave_room: { Args: { session_id: string }; Returns: boolean };
    /** For the room's creator. Whether there was somebody to remove. */
    remove_participant: { Args: { session_id: string; user_id: string }; Returns: boolean };
    /** For the room's creator. Whether they were removed. */
    readmit_participant: { Args: { session_id: string; user_id: string }; Returns: boolean };
    /** Keeps the seat for another 60 seconds. */
    heartbeat: { Args: { session_id: string }; Returns: Heartbeat };
    set_voice_status: {
        Args: { session_id: string; is_speaking?: boolean | null; is_muted?: boolean | null };
        Returns: Participant;
    };
    update_participant: {
        Args: { session_id: string; user_name?: string | null; avatar?: string | null; mood?: string | null };
        Returns: Participant;
    };
    /** The room's avatar: the one that is there, or a new one. Its status is `starting` until the worker has made the call. */
    start_conversation: { Args: { session_id: string; mood?: string | null }; Returns: StartedConversation };
    /** By Tavus' id or the row's. */
    end_conversation: { Args: { conversation_id: string }; Returns: Conversation };
    /** With a `client_id` a retry returns the first one. */
    send_message: {
        Args: {
            session_id: string;
            content: string;
            message_type?: MessageType | null;
            reply_to?: string | null;
            client_id?: string | null;
        };
        Returns: Message;
    };
    edit_message: { Args: { message_id: string; content: string }; Returns: Message };
    /** Returns the tombstone. */
    delete_message: { Args: { message_id: string }; Returns: Message };
    add_reaction: { Args: { message_id: string; emoji: string }; Returns: Message };
    remove_reaction: { Args: { message_id: string; emoji: string }; Returns: Message };
    /** Newest first. */
    get_messages: {
        Args: {
            session_id: string;
            page_limit?: number | null;
            page_offset?: number | null;
            before_timestamp?: string | null;
            /** The seq of the oldest message so far: the page before it. */
            before_seq?: number | null;
        };
        Returns: Message[];
    };
    /** At most 500 at once. */
    messages_since: { Args: { session_id: string; after_seq: number }; Returns: MessagePage };
};

// Events ----------------------------------------------------------------------------------------------------------------------

/** What every payload has. */
type Event<Payload> = Payload & {
    /** The message's or conversation's id where the event is about one, else the broadcast's. */
    id: string;
    /** The change's own number, or the room's present one. */
    seq: number;
};

type Seat = Pick<Participant, 'user_id' | 'user_name' | 'avatar' | 'mood' | 'is_speaking' | 'is_muted'>;

/** Payloads of what clients say to each other on the channel; nothing of it is kept. */
export type ClientEvents = {
    'typing-start': { user_id: string; username: string };
    'typing-stop': { user_id: string };
};

/**
 * Payloads of the broadcasts of a room, by event: `channel.on<Events['receiveMessage']>('broadcast', { event: 'receiveMessage' }, ...)`.
 * A member can forge any of them, so take one as a hint and show what `messages_since` and `room_state` return.
 */
export type Events = {
    'user-joined': Event<Seat>;
    'user-updated': Event<Seat>;
    'user-left': Event<{ user_id: string }>;
    'voice-status': Event<{ user_id: string; isSpeaking: boolean; isMuted: boolean }>;
    receiveMessage: Event<{
        user_id: string | null;
        sender: string;
        text: string;
        type: MessageType;
        timestamp: string;
        reactions: { emoji: string; count: number }[];
        reply_to: string | null;
        client_id: string | null;
    }>;
    'message-edited': Event<{ user_id: string | null; text: string; edited_at: string }>;
    'message-deleted': Event<{ user_id: string | null; deleted_at: string }>;
    'message-reaction': Event<{
        messageId: string;
        userId: string;
        reaction: string;
        added: boolean;
        /** All of them as they are now. */
        reactions: { emoji: string; count: number }[];
    }>;
    'room-changed': Event<{
        session_id: string;
        category: string;
        description: string | null;
        is_active: boolean;
        max_participants: number;
        topic_changed: boolean;
    }>;
    /** Where the room goes on; the last event of the old topic. */
    'topic-rotated': Event<{ session_id: string; topic: string; epoch: number }>;
    'avatar-starting': Event<{ user_id: string | null; persona_id: string; mood: string }>;
    'avatar-started': Event<{
        conversation_id: string;
        conversation_url: string | null;
        persona_id: string;
        replica_id: string | null;
        mood: string;
    }>;
    'avatar-ended': Event<{ conversation_id: string | null; reason: string | null; failed: boolean }>;
    /** How many entries; the text is in `conversations`. */
    'avatar-transcript': Event<{ conversation_id: string | null; entries: number }>;
};
