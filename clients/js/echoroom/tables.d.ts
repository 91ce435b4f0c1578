// Made by tests/js/client_tables.mjs from what the Supabase CLI finds in the database. Do not edit.

import type { Json } from '../schema.js';

export type GeneratedTables = {
    "chat_messages": {
        Row: {
            "client_id": string | null;
            "content": string;
            "created_at": string;
            "deleted_at": string | null;
            "edited_at": string | null;
            "id": string;
            "is_edited": boolean;
            "message_type": string;
            "reply_to": string | null;
            "sender_name": string;
            "seq": number;
            "session_id": string;
            "updated_at": string;
            "user_id": string | null;
        };
        ComputedFields: never;
        Insert: {
            "client_id"?: string | null;
            "content": string;
            "created_at"?: string;
            "deleted_at"?: string | null;
            "edited_at"?: string | null;
            "id"?: string;
            "is_edited"?: boolean;
            "message_type"?: string;
            "reply_to"?: string | null;
            "sender_name": string;
            "seq": number;
            "session_id": string;
            "updated_at"?: string;
            "user_id"?: string | null;
        };
        Update: {
            "client_id"?: string | null;
            "content"?: string;
            "created_at"?: string;
            "deleted_at"?: string | null;
            "edited_at"?: string | null;
            "id"?: string;
            "is_edited"?: boolean;
            "message_type"?: string;
            "reply_to"?: string | null;
            "sender_name"?: string;
            "seq"?: number;
            "session_id"?: string;
            "updated_at"?: string;
            "user_id"?: string | null;
        };
        Relationships: [
            {
                foreignKeyName: "chat_messages_reply_to_fkey";
                columns: [
                    "reply_to"
                ];
                isOneToOne: false;
                referencedRelation: "chat_messages";
                referencedColumns: [
                    "id"
                ];
            },
            {
                foreignKeyName: "chat_messages_session_id_fkey";
                columns: [
                    "session_id"
                ];
                isOneToOne: false;
                referencedRelation: "sessions";
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
            "conversation_id": string | null;
            "conversation_url": string | null;
            "created_at": string;
            "end_requested_at": string | null;
            "ended_at": string | null;
            "failure": string | null;
            "id": string;
            "mood": string;
            "perception_analysis": string | null;
            "persona_id": string;
            "recording": Json | null;
            "recordings": Json | null;
            "replica_id": string | null;
            "replica_joined_at": string | null;
            "session_id": string | null;
            "shutdown_reason": string | null;
            "started_by": string | null;
            "status": string;
            "transcript": Json | null;
            "updated_at": string;
        };
        ComputedFields: never;
        Insert: {
            "attempted_at"?: string | null;
            "claimed_until"?: string | null;
            "conversation_id"?: string | null;
            "conversation_url"?: string | null;
            "created_at"?: string;
            "end_requested_at"?: string | null;
            "ended_at"?: string | null;
            "failure"?: string | null;
            "id"?: string;
            "mood": string;
            "perception_analysis"?: string | null;
            "persona_id": string;
            "recording"?: Json | null;
            "recordings"?: Json | null;
            "replica_id"?: string | null;
            "replica_joined_at"?: string | null;
            "session_id"?: string | null;
            "shutdown_reason"?: string | null;
            "started_by"?: string | null;
            "status"?: string;
            "transcript"?: Json | null;
            "updated_at"?: string;
        };
        Update: {
            "attempted_at"?: string | null;
            "claimed_until"?: string | null;
            "conversation_id"?: string | null;
            "conversation_url"?: string | null;
            "created_at"?: string;
            "end_requested_at"?: string | null;
            "ended_at"?: string | null;
            "failure"?: string | null;
            "id"?: string;
            "mood"?: string;
            "perception_analysis"?: string | null;
            "persona_id"?: string;
            "recording"?: Json | null;
            "recordings"?: Json | null;
            "replica_id"?: string | null;
            "replica_joined_at"?: string | null;
            "session_id"?: string | null;
            "shutdown_reason"?: string | null;
            "started_by"?: string | null;
            "status"?: string;
            "transcript"?: Json | null;
            "updated_at"?: string;
        };
        Relationships: [
            {
                foreignKeyName: "conversations_session_id_fkey";
                columns: [
                    "session_id"
                ];
                isOneToOne: false;
                referencedRelation: "sessions";
                referencedColumns: [
                    "id"
                ];
            }
        ];
    };
    "message_reactions": {
        Row: {
            "created_at": string;
            "emoji": string;
            "id": string;
            "message_id": string;
            "session_id": string;
            "user_id": string;
        };
        ComputedFields: never;
        Insert: {
            "created_at"?: string;
            "emoji": string;
            "id"?: string;
            "message_id": string;
            "session_id": string;
            "user_id": string;
        };
        Update: {
            "created_at"?: string;
            "emoji"?: string;
            "id"?: string;
            "message_id"?: string;
            "session_id"?: string;
            "user_id"?: string;
        };
        Relationships: [
            {
                foreignKeyName: "message_reactions_message_id_fkey";
                columns: [
                    "message_id"
                ];
                isOneToOne: false;
                referencedRelation: "chat_messages";
                referencedColumns: [
                    "id"
                ];
            },
            {
                foreignKeyName: "message_reactions_session_id_fkey";
                columns: [
                    "session_id"
                ];
                isOneToOne: false;
                referencedRelation: "sessions";
                referencedColumns: [
                    "id"
                ];
            }
        ];
    };
    "participants": {
        Row: {
            "avatar": string | null;
            "is_muted": boolean;
            "is_speaking": boolean;
            "joined_at": string;
            "last_seen_at": string;
            "mood": string | null;
            "session_id": string;
            "user_id": string;
            "user_name": string;
        };
        ComputedFields: never;
        Insert: {
            "avatar"?: string | null;
            "is_muted"?: boolean;
            "is_speaking"?: boolean;
            "joined_at"?: string;
            "last_seen_at"?: string;
            "mood"?: string | null;
            "session_id": string;
            "user_id": string;
            "user_name"?: string;
        };
        Update: {
            "avatar"?: string | null;
            "is_muted"?: boolean;
            "is_speaking"?: boolean;
            "joined_at"?: string;
            "last_seen_at"?: string;
            "mood"?: string | null;
            "session_id"?: string;
            "user_id"?: string;
            "user_name"?: string;
        };
        Relationships: [
            {
                foreignKeyName: "participants_session_id_fkey";
                columns: [
                    "session_id"
                ];
                isOneToOne: false;
                referencedRelation: "sessions";
                referencedColumns: [
                    "id"
                ];
            }
        ];
    };
    "persona": {
        Row: {
            "created_at": string;
            "id": number;
            "mood": string | null;
            "persona_id": string;
            "updated_at": string;
        };
        ComputedFields: never;
        Insert: {
            "created_at"?: string;
            "id"?: never;
            "mood"?: string | null;
            "persona_id": string;
            "updated_at"?: string;
        };
        Update: {
            "created_at"?: string;
            "id"?: never;
            "mood"?: string | null;
            "persona_id"?: string;
            "updated_at"?: string;
        };
        Relationships: [
        ];
    };
    "removed_participants": {
        Row: {
            "removed_at": string;
            "session_id": string;
            "user_id": string;
            "user_name": string;
        };
        ComputedFields: never;
        Insert: {
            "removed_at"?: string;
            "session_id": string;
            "user_id": string;
            "user_name": string;
        };
        Update: {
            "removed_at"?: string;
            "session_id"?: string;
            "user_id"?: string;
            "user_name"?: string;
        };
        Relationships: [
            {
                foreignKeyName: "removed_participants_session_id_fkey";
                columns: [
                    "session_id"
                ];
                isOneToOne: false;
                referencedRelation: "sessions";
                referencedColumns: [
                    "id"
                ];
            }
        ];
    };
    "sessions": {
        Row: {
            "category": string;
            "created_at": string;
            "created_by": string | null;
            "current_participants": number;
            "description": string | null;
            "epoch": number;
            "id": string;
            "is_active": boolean;
            "last_seq": number;
            "max_participants": number;
            "updated_at": string;
        };
        ComputedFields: never;
        Insert: {
            "category": string;
            "created_at"?: string;
            "created_by"?: string | null;
            "current_participants"?: number;
            "description"?: string | null;
            "epoch"?: number;
            "id"?: string;
            "is_active"?: boolean;
            "last_seq"?: number;
            "max_participants"?: number;
            "updated_at"?: string;
        };
        Update: {
            "category"?: string;
            "created_at"?: string;
            "created_by"?: string | null;
            "current_participants"?: number;
            "description"?: string | null;
            "epoch"?: number;
            "id"?: string;
            "is_active"?: boolean;
            "last_seq"?: number;
            "max_participants"?: number;
            "updated_at"?: string;
        };
        Relationships: [
        ];
    };
};
