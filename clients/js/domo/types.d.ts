// Domo: what its tables hold, what its functions take and return, and what a demo's channel says. docs/domo.md tells the rest.
//
// Times are ISO 8601 strings, ids are UUIDs as strings.

import type { Json, JsonObject, NoArguments } from '../schema.js';

// Rows ------------------------------------------------------------------------------------------------------------------------

export type DemoStatus = 'draft' | 'published' | 'archived';

/** A demo: an agent, what it knows, and how it introduces itself. */
export type Demo = {
    id: string;
    name: string;
    description: string | null;
    created_at: string;
    updated_at: string;
    /** The owner. */
    user_id: string;
    agent_name: string;
    agent_personality: string;
    agent_greeting: string;
    /** The call to action: both halves, or none. */
    cta_text: string | null;
    cta_link: string | null;
    status: DemoStatus;
    published_url: string | null;
    tavus_persona_id: string | null;
    /** The latest call that is running, by Tavus' id. */
    tavus_conversation_id: string | null;
    /** Path in the bucket `demo-videos`; empty without one. */
    video_storage_path: string;
    metadata: JsonObject;
    published_at: string | null;
    /** Set to delete, null to restore. */
    deleted_at: string | null;
};

/** Clients may set `pending` to have a file processed again; the rest is the server's to say. */
export type ProcessingStatus = 'pending' | 'processing' | 'completed' | 'failed';

/** A document that the agent has read. */
export type DemoDocument = {
    id: string;
    demo_id: string;
    title: string;
    /** Path in the bucket `demo-documents`: `<id of the demo>/...`. */
    storage_url: string;
    processing_status: ProcessingStatus;
    /** From 0 to 1; null while it waits. */
    progress: number | null;
    /** Why processing failed, in one sentence for people. */
    failure: string | null;
    processing_started_at: string | null;
    created_at: string;
    updated_at: string;
    deleted_at: string | null;
};

/** A video of a demo, in its bucket `demo-videos`. */
export type DemoVideo = DemoDocument & {
    order_index: number;
    duration_seconds: number | null;
    transcript: string | null;
};

/** An embedding: read as text, written as an array of 1,536 numbers or as text (`'[0.1,...]'`). */
export type Embedding = string | number[];

/** A piece of what the agent knows. */
export type KnowledgeChunk = {
    id: string;
    demo_id: string;
    content: string;
    question: string | null;
    answer: string | null;
    source: string | null;
    /** Null while it waits for its embedding. */
    vector_embedding: string | null;
    created_at: string;
    updated_at: string;
    video_id: string | null;
    document_id: string | null;
    /** Place within the video, document or source. */
    chunk_index: number | null;
    start_seconds: number | null;
    end_seconds: number | null;
    content_digest: string;
    embedding_model: string | null;
    embedded_at: string | null;
    deleted_at: string | null;
};

export type ConversationStatus = 'starting' | 'active' | 'ended' | 'failed';

/** A recording of a call. */
export type Recording = {
    /** When Tavus told of it; null where it does not say. */
    ready_at: string | null;
    /** What it tells of it. */
    properties: JsonObject;
};

/** A call with the agent of a demo, at Tavus. */
export type Conversation = {
    id: string;
    /** Null when the demo is gone. */
    demo_id: string | null;
    persona_id: string;
    status: ConversationStatus;
    /** Tavus' id; null until there is a call. */
    conversation_id: string | null;
    /** The call itself. */
    conversation_url: string | null;
    started_by: string | null;
    /** Chosen by the caller: the same twice is one call. */
    client_id: string | null;
    replica_id: string | null;
    /** When the agent was there. */
    replica_joined_at: string | null;
    end_requested_at: string | null;
    ended_at: string | null;
    shutdown_reason: string | null;
    /** When the transcript came; it is in `conversation_messages`. */
    transcript_ready_at: string | null;
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

/** Something that Tavus told of a call. */
export type ProcessedWebhookEvent = {
    id: string;
    conversation_id: string;
    event_type: string;
    /** The event as it came. */
    event_data: JsonObject;
    processed_at: string;
    processing_duration_ms: number | null;
    event_hash: string;
    demo_id: string;
    /** The call, by the id of its row. */
    conversation: string;
    /** An earlier event of the same key said something else. */
    is_conflicting: boolean;
};

/** What was said in a call. */
export type ConversationMessage = {
    id: string;
    conversation_id: string;
    message_id: string | null;
    role: 'user' | 'assistant' | 'system';
    content: string | null;
    content_length: number | null;
    timestamp: string | null;
    sentiment: string | null;
    intent: string | null;
    confidence: number | null;
    created_at: string;
    demo_id: string;
    /** The call, by the id of its row. */
    conversation: string;
    /** Place in the transcript, from 1. */
    position: number;
};

/** Who changed what. */
export type AuditLog = {
    id: string;
    /** Who did it; null for the server. */
    user_id: string | null;
    action: 'insert' | 'update' | 'delete';
    table_name: string;
    record_id: string | null;
    /** What changed, as it was. */
    old_values: JsonObject | null;
    /** What changed, as it is. */
    new_values: JsonObject | null;
    created_at: string;
    /** Whose demo it was. */
    owner_id: string;
    demo_id: string;
};

/** Counts of a demo, and where its stream is. */
export type DemoStats = {
    demo_id: string;
    user_id: string;
    video_count: number;
    knowledge_chunk_count: number;
    embedded_chunk_count: number;
    total_video_duration: number;
    conversation_count: number;
    last_conversation_at: string | null;
    epoch: number;
    last_seq: number;
};

// Answers ---------------------------------------------------------------------------------------------------------------------

/** The counts of a demo, as `get_demo_stats` returns them. */
export type DemoCounts = {
    video_count: number;
    knowledge_chunk_count: number;
    /** Seconds. */
    total_video_duration: number;
    last_conversation_at: string | null;
};

/** A demo in the list of one's demos. */
export type DashboardRow = Omit<Demo, 'deleted_at'> & {
    video_count: number;
    knowledge_count: number;
    /** Chunks without an embedding. */
    pending_count: number;
    /** Seconds. */
    total_video_duration: number;
    conversation_count: number;
    last_activity: string | null;
};

/** A chunk that was added, without its embedding; `is_new` is false for one that was there already. */
export type AddedKnowledge = {
    id: string;
    demo_id: string;
    content: string;
    question: string | null;
    answer: string | null;
    source: string | null;
    content_digest: string;
    is_embedded: boolean;
    created_at: string;
    updated_at: string;
    is_new: boolean;
};

/** A call that was asked for; `is_new` is false for the one that the same `client_id` started. */
export type StartedConversation = Conversation & { is_new: boolean };

/** What calls were like. Times are in seconds. */
export type Analytics = {
    conversations: { total: number; starting: number; active: number; ended: number; failed: number };
    /** Null without a call that has ended. */
    durations: {
        total_seconds: number;
        average_seconds: number | null;
        median_seconds: number | null;
        longest_seconds: number | null;
    };
    messages: { total: number; user: number; assistant: number; user_characters: number; assistant_characters: number };
    shutdown_reasons: { reason: string; count: number }[];
    /** Days of UTC, from the first call to today, none left out. */
    per_day: { day: string; conversations: number; messages: number; seconds: number }[];
};

/** A chunk that is near an embedding. */
export type NearChunk = {
    id: string;
    content: string;
    question: string | null;
    answer: string | null;
    source: string | null;
    /** Cosine of the angle between them. */
    similarity: number;
};

/** A chunk before or after one that was found. */
export type Neighbour = {
    id: string;
    content: string;
    chunk_index: number;
    start_seconds: number | null;
    end_seconds: number | null;
};

/** A chunk that fits a text. */
export type FoundChunk = {
    id: string;
    content: string;
    question: string | null;
    answer: string | null;
    source: string | null;
    score: number;
    /** Null where it was found by its words alone. */
    similarity: number | null;
    /** Its place among those found by words. */
    text_rank: number | null;
    /** Its place among those found by embedding. */
    vector_rank: number | null;
    video_id: string | null;
    chunk_index: number | null;
    start_seconds: number | null;
    end_seconds: number | null;
    neighbours: Neighbour[];
};

/** How a demo is searched, and how well. */
export type SearchQuality = {
    rows: number;
    embedded: number;
    waiting: number;
    models: { model: string | null; rows: number }[];
    kernel: 'native' | 'portable';
    /** Null without an embedding. */
    method: string | null;
    exact_up_to: number;
    sample: number;
    recall_at_5: number | null;
};

/** A page of what the channel of a demo was told. */
export type EventPage = {
    /** The Realtime topic, a private channel. */
    topic: string;
    events: StreamEvent[];
    /** The next `after_seq`. */
    last_seq: number;
    has_more: boolean;
    /** False when some of what was asked for is forgotten: load everything anew. */
    is_complete: boolean;
};

/** A line of an export. */
export type ExportLine =
    | { line: 'header'; format: 'domo'; version: 1; exported_at: string; demos: string[] }
    | ExportRow<'demos', Demo>
    | ExportRow<'demo_videos', DemoVideo>
    | ExportRow<'demo_documents', DemoDocument>
    | ExportRow<'knowledge_chunks', KnowledgeChunk>
    | ExportRow<'conversations', Conversation>
    | ExportRow<'processed_webhook_events', ProcessedWebhookEvent>
    | ExportRow<'conversation_messages', ConversationMessage>
    | ExportRow<'audit_logs', AuditLog>
    | { line: 'end' };

type ExportRow<Table extends string, Row> = { line: string; table: Table; row: Row };

// Functions -------------------------------------------------------------------------------------------------------------------

/** The RPCs. Arguments that may be left out may be null as well, which means their default. */
export type Functions = {
    publish_demo: { Args: { demo_id: string }; Returns: Demo };
    /** Its running calls are ended. */
    archive_demo: { Args: { demo_id: string }; Returns: Demo };
    /** One row. */
    get_demo_stats: { Args: { demo_uuid: string }; Returns: DemoCounts[] };
    /** The caller's demos, the latest changed first. */
    demo_dashboard: { Args: NoArguments; Returns: DashboardRow[] };
    /** The same from the same source twice is one chunk. */
    add_knowledge: {
        Args: { demo_id: string; content: string; question?: string | null; answer?: string | null; source?: string | null };
        Returns: AddedKnowledge;
    };
    /** Its status is `starting` until the worker has made the call. */
    start_conversation: { Args: { demo_id: string; client_id?: string | null }; Returns: StartedConversation };
    /** By Tavus' id or the row's. */
    end_conversation: { Args: { conversation_id: string }; Returns: Conversation };
    /** Of the calls that began at or after `since`, or of all. */
    conversation_analytics: { Args: { demo_id: string; since?: string | null }; Returns: Analytics };
    /** The chunks nearest to an embedding. */
    search_knowledge_chunks: {
        Args: { query_embedding: Embedding; demo_id: string; match_threshold?: number | null; match_count?: number | null };
        Returns: NearChunk[];
    };
    /** The chunks that fit a text by their words, and by their embedding where one is sent. */
    search_knowledge: {
        Args: {
            demo_id: string;
            query_text: string;
            query_embedding?: Embedding | null;
            match_count?: number | null;
            source?: string | null;
            neighbours?: number | null;
        };
        Returns: FoundChunk[];
    };
    search_quality: { Args: { demo_id: string }; Returns: SearchQuality };
    /** What the channel was told after a number; without one only the topic and where it is now. */
    events_since: { Args: { demo_id: string; after_seq?: number | null; page_limit?: number | null }; Returns: EventPage };
    /** One demo, or all of the caller's. */
    export_demo_data: {
        Args: { demo_id?: string | null; after_line?: string | null; page_limit?: number | null };
        Returns: ExportLine[];
    };
};

// Events ----------------------------------------------------------------------------------------------------------------------

type FileChange = Pick<DemoDocument, 'id' | 'title' | 'processing_status' | 'progress' | 'failure' | 'deleted_at'>;

/** How things are now, by event, as the stream keeps it. */
export type EventPayloads = {
    'demo-changed': Pick<Demo, 'id' | 'name' | 'status' | 'deleted_at' | 'updated_at'>;
    'video-changed': FileChange & Pick<DemoVideo, 'order_index' | 'duration_seconds'>;
    'video-deleted': { id: string };
    'document-changed': FileChange;
    'document-deleted': { id: string };
    /** Once a statement, however many chunks. */
    'knowledge-changed': { knowledge_chunk_count: number; embedded_chunk_count: number };
    'conversation-changed': Pick<
        Conversation,
        | 'id'
        | 'conversation_id'
        | 'conversation_url'
        | 'status'
        | 'replica_joined_at'
        | 'end_requested_at'
        | 'ended_at'
        | 'shutdown_reason'
        | 'failure'
        | 'transcript_ready_at'
    >;
    'conversation-event': Pick<
        ProcessedWebhookEvent,
        'id' | 'conversation' | 'conversation_id' | 'event_type' | 'processed_at'
    >;
    /** Where the demo goes on; the last event of the old topic. */
    'topic-rotated': { topic: string; epoch: number };
};

/** An event of `events_since`: `event` says which payload it has. */
export type StreamEvent = {
    [Name in keyof EventPayloads]: { seq: number; event: Name; payload: EventPayloads[Name]; created_at: string };
}[keyof EventPayloads];

/**
 * Payloads of the broadcasts of a demo, by event: `channel.on<Events['demo-changed']>('broadcast', { event: 'demo-changed' }, ...)`. `id` is of what
 * changed, else the broadcast's own.
 */
export type Events = { [Name in keyof EventPayloads]: EventPayloads[Name] & { id: string; seq: number } };
