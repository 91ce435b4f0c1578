// EchoRoom's part of a Database.

import type { AppSchema } from '../schema.js';
import type { GeneratedTables } from './tables.js';
import type {
    ChatMessage,
    Conversation,
    Functions,
    MessageReaction,
    Participant,
    Persona,
    RemovedParticipant,
    Session,
} from './types.js';

export type * from './types.js';

/** The rows of the tables, by table. */
export type Rows = {
    sessions: Session;
    participants: Participant;
    chat_messages: ChatMessage;
    message_reactions: MessageReaction;
    persona: Persona;
    removed_participants: RemovedParticipant;
    conversations: Conversation;
};

/** The schema `echoroom`. */
export type Schema = AppSchema<GeneratedTables, Rows, Functions>;

/** A database with EchoRoom alone: `createClient<Database>(url, key)`. */
export type Database = { echoroom: Schema };
