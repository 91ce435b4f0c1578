// Domo's part of a Database.

import type { AppSchema } from '../schema.js';
import type { GeneratedTables } from './tables.js';
import type {
    AuditLog,
    Conversation,
    ConversationMessage,
    Demo,
    DemoDocument,
    DemoStats,
    DemoVideo,
    Embedding,
    Functions,
    KnowledgeChunk,
    ProcessedWebhookEvent,
    StreamEvent,
} from './types.js';

export type * from './types.js';

/** The rows of the tables, by table. */
export type Rows = {
    demos: Demo;
    demo_videos: DemoVideo;
    demo_documents: DemoDocument;
    knowledge_chunks: KnowledgeChunk;
    conversations: Conversation;
    processed_webhook_events: ProcessedWebhookEvent;
    conversation_messages: ConversationMessage;
    audit_logs: AuditLog;
    demo_stats: DemoStats;
    demo_stream: StreamEvent & { demo_id: string };
};

/** The schema `domo`. */
export type Schema = AppSchema<GeneratedTables, Rows, Functions, { knowledge_chunks: { vector_embedding: Embedding | null } }>;

/** A database with Domo alone: `createClient<Database>(url, key)`. */
export type Database = { domo: Schema };
