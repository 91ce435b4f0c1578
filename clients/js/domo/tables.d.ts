// Made by tests/js/client_tables.mjs from what the Supabase CLI finds in the database. Do not edit.

import type { Json } from '../schema.js';

export type GeneratedTables = {
    "audit_logs": {
        Row: {
            "action": string;
            "created_at": string;
            "demo_id": string;
            "id": string;
            "new_values": Json | null;
            "old_values": Json | null;
            "owner_id": string;
            "record_id": string | null;
            "table_name": string;
            "user_id": string | null;
        };
        ComputedFields: never;
        Insert: {
            "action": string;
            "created_at"?: string;
            "demo_id": string;
            "id"?: string;
            "new_values"?: Json | null;
            "old_values"?: Json | null;
            "owner_id": string;
            "record_id"?: string | null;
            "table_name": string;
            "user_id"?: string | null;
        };
        Update: {
            "action"?: string;
            "created_at"?: string;
            "demo_id"?: string;
            "id"?: string;
            "new_values"?: Json | null;
            "old_values"?: Json | null;
            "owner_id"?: string;
            "record_id"?: string | null;
            "table_name"?: string;
            "user_id"?: string | null;
        };
        Relationships: [
        ];
    };
    "conversation_messages": {
        Row: {
            "confidence": number | null;
            "content": string | null;
            "content_length": number | null;
            "conversation": string;
            "conversation_id": string;
            "created_at": string;
            "demo_id": string;
            "id": string;
            "intent": string | null;
            "message_id": string | null;
            "position": number;
            "role": string;
            "sentiment": string | null;
            "timestamp": string | null;
        };
        ComputedFields: never;
        Insert: {
            "confidence"?: number | null;
            "content"?: string | null;
            "content_length"?: number | null;
            "conversation": string;
            "conversation_id": string;
            "created_at"?: string;
            "demo_id": string;
            "id"?: string;
            "intent"?: string | null;
            "message_id"?: string | null;
            "position": number;
            "role": string;
            "sentiment"?: string | null;
            "timestamp"?: string | null;
        };
        Update: {
            "confidence"?: number | null;
            "content"?: string | null;
            "content_length"?: number | null;
            "conversation"?: string;
            "conversation_id"?: string;
            "created_at"?: string;
            "demo_id"?: string;
            "id"?: string;
            "intent"?: string | null;
            "message_id"?: string | null;
            "position"?: number;
            "role"?: string;
            "sentiment"?: string | null;
            "timestamp"?: string | null;
        };
        Relationships: [
            {
                foreignKeyName: "conversation_messages_conversation_fkey";
                columns: [
                    "conversation"
                ];
                isOneToOne: false;
                referencedRelation: "conversations";
                referencedColumns: [
                    "id"
                ];
            },
            {
                foreignKeyName: "conversation_messages_demo_id_fkey";
                columns: [
                    "demo_id"
                ];
                isOneToOne: false;
                referencedRelation: "demos";
                referencedColumns: [
                    "id"
                ];
            }
        ];
    };
    "conversations": {
        Row: {
            "attempted_at": string | null;
            "claimed_until": string | null;
            "client_id": string | null;
            "conversation_id": string | null;
            "conversation_url": string | null;
            "created_at": string;
            "demo_id": string | null;
            "end_requested_at": string | null;
            "ended_at": string | null;
            "failure": string | null;
            "id": string;
            "perception_analysis": string | null;
            "persona_id": string;
            "recording": Json | null;
            "replica_id": string | null;
            "replica_joined_at": string | null;
            "shutdown_reason": string | null;
            "started_by": string | null;
            "status": string;
            "transcript_ready_at": string | null;
            "updated_at": string;
        };
        ComputedFields: never;
        Insert: {
            "attempted_at"?: string | null;
            "claimed_until"?: string | null;
            "client_id"?: string | null;
            "conversation_id"?: string | null;
            "conversation_url"?: string | null;
            "created_at"?: string;
            "demo_id"?: string | null;
            "end_requested_at"?: string | null;
            "ended_at"?: string | null;
            "failure"?: string | null;
            "id"?: string;
            "perception_analysis"?: string | null;
            "persona_id": string;
            "recording"?: Json | null;
            "replica_id"?: string | null;
            "replica_joined_at"?: string | null;
            "shutdown_reason"?: string | null;
            "started_by"?: string | null;
            "status"?: string;
            "transcript_ready_at"?: string | null;
            "updated_at"?: string;
        };
        Update: {
            "attempted_at"?: string | null;
            "claimed_until"?: string | null;
            "client_id"?: string | null;
            "conversation_id"?: string | null;
            "conversation_url"?: string | null;
            "created_at"?: string;
            "demo_id"?: string | null;
            "end_requested_at"?: string | null;
            "ended_at"?: string | null;
            "failure"?: string | null;
            "id"?: string;
            "perception_analysis"?: string | null;
            "persona_id"?: string;
            "recording"?: Json | null;
            "replica_id"?: string | null;
            "replica_joined_at"?: string | null;
            "shutdown_reason"?: string | null;
            "started_by"?: string | null;
            "status"?: string;
            "transcript_ready_at"?: string | null;
            "updated_at"?: string;
        };
        Relationships: [
            {
                foreignKeyName: "conversations_demo_id_fkey";
                columns: [
                    "demo_id"
                ];
                isOneToOne: false;
                referencedRelation: "demos";
                referencedColumns: [
                    "id"
                ];
            }
        ];
    };
    "demo_documents": {
        Row: {
            "created_at": string;
            "deleted_at": string | null;
            "demo_id": string;
            "failure": string | null;
            "id": string;
            "processing_started_at": string | null;
            "processing_status": string;
            "progress": number | null;
            "storage_url": string;
            "title": string;
            "updated_at": string;
        };
        ComputedFields: never;
        Insert: {
            "created_at"?: string;
            "deleted_at"?: string | null;
            "demo_id": string;
            "failure"?: string | null;
            "id"?: string;
            "processing_started_at"?: string | null;
            "processing_status"?: string;
            "progress"?: number | null;
            "storage_url": string;
            "title": string;
            "updated_at"?: string;
        };
        Update: {
            "created_at"?: string;
            "deleted_at"?: string | null;
            "demo_id"?: string;
            "failure"?: string | null;
            "id"?: string;
            "processing_started_at"?: string | null;
            "processing_status"?: string;
            "progress"?: number | null;
            "storage_url"?: string;
            "title"?: string;
            "updated_at"?: string;
        };
        Relationships: [
            {
                foreignKeyName: "demo_documents_demo_id_fkey";
                columns: [
                    "demo_id"
                ];
                isOneToOne: false;
                referencedRelation: "demos";
                referencedColumns: [
                    "id"
                ];
            }
        ];
    };
    "demo_stats": {
        Row: {
            "conversation_count": number;
            "demo_id": string;
            "embedded_chunk_count": number;
            "epoch": number;
            "knowledge_chunk_count": number;
            "last_conversation_at": string | null;
            "last_seq": number;
            "total_video_duration": number;
            "user_id": string;
            "video_count": number;
        };
        ComputedFields: never;
        Insert: {
            "conversation_count"?: number;
            "demo_id": string;
            "embedded_chunk_count"?: number;
            "epoch"?: number;
            "knowledge_chunk_count"?: number;
            "last_conversation_at"?: string | null;
            "last_seq"?: number;
            "total_video_duration"?: number;
            "user_id": string;
            "video_count"?: number;
        };
        Update: {
            "conversation_count"?: number;
            "demo_id"?: string;
            "embedded_chunk_count"?: number;
            "epoch"?: number;
            "knowledge_chunk_count"?: number;
            "last_conversation_at"?: string | null;
            "last_seq"?: number;
            "total_video_duration"?: number;
            "user_id"?: string;
            "video_count"?: number;
        };
        Relationships: [
            {
                foreignKeyName: "demo_stats_demo_id_fkey";
                columns: [
                    "demo_id"
                ];
                isOneToOne: true;
                referencedRelation: "demos";
                referencedColumns: [
                    "id"
                ];
            }
        ];
    };
    "demo_stream": {
        Row: {
            "created_at": string;
            "demo_id": string;
            "event": string;
            "payload": NonNullable<Json>;
            "seq": number;
        };
        ComputedFields: never;
        Insert: {
            "created_at"?: string;
            "demo_id": string;
            "event": string;
            "payload": NonNullable<Json>;
            "seq": number;
        };
        Update: {
            "created_at"?: string;
            "demo_id"?: string;
            "event"?: string;
            "payload"?: NonNullable<Json>;
            "seq"?: number;
        };
        Relationships: [
            {
                foreignKeyName: "demo_stream_demo_id_fkey";
                columns: [
                    "demo_id"
                ];
                isOneToOne: false;
                referencedRelation: "demo_stats";
                referencedColumns: [
                    "demo_id"
                ];
            }
        ];
    };
    "demo_videos": {
        Row: {
            "created_at": string;
            "deleted_at": string | null;
            "demo_id": string;
            "duration_seconds": number | null;
            "failure": string | null;
            "id": string;
            "order_index": number;
            "processing_started_at": string | null;
            "processing_status": string;
            "progress": number | null;
            "storage_url": string;
            "title": string;
            "transcript": string | null;
            "updated_at": string;
        };
        ComputedFields: never;
        Insert: {
            "created_at"?: string;
            "deleted_at"?: string | null;
            "demo_id": string;
            "duration_seconds"?: number | null;
            "failure"?: string | null;
            "id"?: string;
            "order_index": number;
            "processing_started_at"?: string | null;
            "processing_status"?: string;
            "progress"?: number | null;
            "storage_url": string;
            "title": string;
            "transcript"?: string | null;
            "updated_at"?: string;
        };
        Update: {
            "created_at"?: string;
            "deleted_at"?: string | null;
            "demo_id"?: string;
            "duration_seconds"?: number | null;
            "failure"?: string | null;
            "id"?: string;
            "order_index"?: number;
            "processing_started_at"?: string | null;
            "processing_status"?: string;
            "progress"?: number | null;
            "storage_url"?: string;
            "title"?: string;
            "transcript"?: string | null;
            "updated_at"?: string;
        };
        Relationships: [
            {
                foreignKeyName: "demo_videos_demo_id_fkey";
                columns: [
                    "demo_id"
                ];
                isOneToOne: false;
                referencedRelation: "demos";
                referencedColumns: [
                    "id"
                ];
            }
        ];
    };
    "demos": {
        Row: {
            "agent_greeting": string;
            "agent_name": string;
            "agent_personality": string;
            "created_at": string;
            "cta_link": string | null;
            "cta_text": string | null;
            "deleted_at": string | null;
            "description": string | null;
            "id": string;
            "metadata": NonNullable<Json>;
            "name": string;
            "published_at": string | null;
            "published_url": string | null;
            "status": string;
            "tavus_conversation_id": string | null;
            "tavus_persona_id": string | null;
            "updated_at": string;
            "user_id": string;
            "video_storage_path": string;
        };
        ComputedFields: never;
        Insert: {
            "agent_greeting"?: string;
            "agent_name"?: string;
            "agent_personality"?: string;
            "created_at"?: string;
            "cta_link"?: string | null;
            "cta_text"?: string | null;
            "deleted_at"?: string | null;
            "description"?: string | null;
            "id"?: string;
            "metadata"?: NonNullable<Json>;
            "name": string;
            "published_at"?: string | null;
            "published_url"?: string | null;
            "status"?: string;
            "tavus_conversation_id"?: string | null;
            "tavus_persona_id"?: string | null;
            "updated_at"?: string;
            "user_id"?: string;
            "video_storage_path"?: string;
        };
        Update: {
            "agent_greeting"?: string;
            "agent_name"?: string;
            "agent_personality"?: string;
            "created_at"?: string;
            "cta_link"?: string | null;
            "cta_text"?: string | null;
            "deleted_at"?: string | null;
            "description"?: string | null;
            "id"?: string;
            "metadata"?: NonNullable<Json>;
            "name"?: string;
            "published_at"?: string | null;
            "published_url"?: string | null;
            "status"?: string;
            "tavus_conversation_id"?: string | null;
            "tavus_persona_id"?: string | null;
            "updated_at"?: string;
            "user_id"?: string;
            "video_storage_path"?: string;
        };
        Relationships: [
        ];
    };
    "knowledge_chunks": {
        Row: {
            "answer": string | null;
            "chunk_index": number | null;
            "content": string;
            "content_digest": string;
            "created_at": string;
            "deleted_at": string | null;
            "demo_id": string;
            "document_id": string | null;
            "embedded_at": string | null;
            "embedding_model": string | null;
            "end_seconds": number | null;
            "id": string;
            "question": string | null;
            "source": string | null;
            "start_seconds": number | null;
            "updated_at": string;
            "vector_embedding": string | null;
            "video_id": string | null;
        };
        ComputedFields: never;
        Insert: {
            "answer"?: string | null;
            "chunk_index"?: number | null;
            "content": string;
            "content_digest": string;
            "created_at"?: string;
            "deleted_at"?: string | null;
            "demo_id": string;
            "document_id"?: string | null;
            "embedded_at"?: string | null;
            "embedding_model"?: string | null;
            "end_seconds"?: number | null;
            "id"?: string;
            "question"?: string | null;
            "source"?: string | null;
            "start_seconds"?: number | null;
            "updated_at"?: string;
            "vector_embedding"?: string | null;
            "video_id"?: string | null;
        };
        Update: {
            "answer"?: string | null;
            "chunk_index"?: number | null;
            "content"?: string;
            "content_digest"?: string;
            "created_at"?: string;
            "deleted_at"?: string | null;
            "demo_id"?: string;
            "document_id"?: string | null;
            "embedded_at"?: string | null;
            "embedding_model"?: string | null;
            "end_seconds"?: number | null;
            "id"?: string;
            "question"?: string | null;
            "source"?: string | null;
            "start_seconds"?: number | null;
            "updated_at"?: string;
            "vector_embedding"?: string | null;
            "video_id"?: string | null;
        };
        Relationships: [
            {
                foreignKeyName: "knowledge_chunks_demo_id_document_id_fkey";
                columns: [
                    "demo_id",
                    "document_id"
                ];
                isOneToOne: false;
                referencedRelation: "demo_documents";
                referencedColumns: [
                    "demo_id",
                    "id"
                ];
            },
            {
                foreignKeyName: "knowledge_chunks_demo_id_fkey";
                columns: [
                    "demo_id"
                ];
                isOneToOne: false;
                referencedRelation: "demos";
                referencedColumns: [
                    "id"
                ];
            },
            {
                foreignKeyName: "knowledge_chunks_demo_id_video_id_fkey";
                columns: [
                    "demo_id",
                    "video_id"
                ];
                isOneToOne: false;
                referencedRelation: "demo_videos";
                referencedColumns: [
                    "demo_id",
                    "id"
                ];
            }
        ];
    };
    "processed_webhook_events": {
        Row: {
            "conversation": string;
            "conversation_id": string;
            "demo_id": string;
            "event_data": NonNullable<Json>;
            "event_hash": string;
            "event_type": string;
            "id": string;
            "is_conflicting": boolean;
            "processed_at": string;
            "processing_duration_ms": number | null;
        };
        ComputedFields: never;
        Insert: {
            "conversation": string;
            "conversation_id": string;
            "demo_id": string;
            "event_data": NonNullable<Json>;
            "event_hash": string;
            "event_type": string;
            "id"?: string;
            "is_conflicting"?: boolean;
            "processed_at"?: string;
            "processing_duration_ms"?: number | null;
        };
        Update: {
            "conversation"?: string;
            "conversation_id"?: string;
            "demo_id"?: string;
            "event_data"?: NonNullable<Json>;
            "event_hash"?: string;
            "event_type"?: string;
            "id"?: string;
            "is_conflicting"?: boolean;
            "processed_at"?: string;
            "processing_duration_ms"?: number | null;
        };
        Relationships: [
            {
                foreignKeyName: "processed_webhook_events_conversation_fkey";
                columns: [
                    "conversation"
                ];
                isOneToOne: false;
                referencedRelation: "conversations";
                referencedColumns: [
                    "id"
                ];
            },
            {
                foreignKeyName: "processed_webhook_events_demo_id_fkey";
                columns: [
                    "demo_id"
                ];
                isOneToOne: false;
                referencedRelation: "demos";
                referencedColumns: [
                    "id"
                ];
            }
        ];
    };
};
