// What the page reads of Domo. docs/domo.md describes the tables and the RPCs.

import type { Call } from '../../call';

export type DemoStatus = 'draft' | 'published' | 'archived';

export interface Demo {
    readonly id: string;
    readonly name: string;
    readonly status: DemoStatus;
    readonly agent_name: string;
    readonly agent_greeting: string;
    readonly tavus_persona_id: string | null;
    readonly description: string | null;
    readonly agent_personality: string;
    readonly cta_text: string | null;
    readonly cta_link: string | null;
}

/** What its owner changes of a demo. */
export type DemoChange = Partial<Omit<Demo, 'id'>>;

/** A demo that was deleted, and can be brought back or erased. */
export interface DeletedDemo {
    readonly id: string;
    readonly name: string;
}

/** A demo in the list of one's demos. */
export interface DashboardRow extends Pick<Demo, 'id' | 'name' | 'status' | 'agent_name' | 'agent_greeting' | 'tavus_persona_id'> {
    readonly video_count: number;
    readonly knowledge_count: number;
    readonly pending_count: number;
    readonly conversation_count: number;
    readonly last_activity: string | null;
}

export interface NewDemo {
    /** Made here, so that a second try does not make a second demo. */
    readonly id: string;
    readonly name: string;
    readonly agent_name?: string;
    readonly agent_greeting?: string;
    readonly tavus_persona_id?: string;
}

export interface NewKnowledge {
    readonly content: string;
    readonly question?: string;
    readonly answer?: string;
    readonly source?: string;
}

/** A piece of what the agent knows. */
export interface Chunk {
    readonly id: string;
    readonly content: string;
    readonly question: string | null;
    readonly answer: string | null;
    readonly source: string | null;
    readonly embedded_at: string | null;
    readonly embedding_model: string | null;
}

export type FileKind = 'video' | 'document';

/** A file that the server makes knowledge of. */
export interface DemoFile {
    readonly kind: FileKind;
    readonly id: string;
    readonly title: string;
    readonly processing_status: 'pending' | 'processing' | 'completed' | 'failed';
    /** From 0 to 1; null while it waits. */
    readonly progress: number | null;
    readonly failure: string | null;
}

/** What a search found, best first. */
export interface Hit {
    readonly id: string;
    readonly content: string;
    readonly question: string | null;
    readonly answer: string | null;
    readonly source: string | null;
    readonly score: number;
    readonly text_rank: number | null;
    readonly vector_rank: number | null;
}

export interface Quality {
    readonly rows: number;
    readonly embedded: number;
    readonly waiting: number;
    readonly models: readonly { readonly model: string | null; readonly rows: number }[];
    readonly kernel: string;
    readonly method: string | null;
    readonly exact_up_to: number;
    readonly recall_at_5: number | null;
}

export interface Day {
    /** A day of UTC, as 2026-11-21. */
    readonly day: string;
    readonly conversations: number;
    readonly messages: number;
    readonly seconds: number;
}

export interface Analytics {
    readonly conversations: { readonly total: number; readonly starting: number; readonly active: number; readonly ended: number; readonly failed: number };
    readonly durations: { readonly total_seconds: number; readonly average_seconds: number | null; readonly longest_seconds: number | null };
    readonly messages: { readonly total: number; readonly user: number; readonly assistant: number };
    readonly per_day: readonly Day[];
}

/** What the channel of a demo said. */
export interface Told {
    readonly event: string;
    readonly payload: Readonly<Record<string, unknown>>;
}

export interface EventsPage {
    readonly topic: string;
    readonly events: readonly Told[];
    readonly last_seq: number;
    readonly has_more: boolean;
    readonly is_complete: boolean;
}

export type { Call };
