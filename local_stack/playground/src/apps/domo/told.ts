// What the channel of a demo says, applied to what is shown. An event says how something is now, so hearing it twice does no harm.

import type { DemoFile, FileKind, Told } from './rows';

/** How many pieces of knowledge there are, and how many of them are embedded. */
export interface Counts {
    readonly chunks: number;
    readonly embedded: number;
}

/** What events change by themselves. */
export interface Shown {
    readonly files: readonly DemoFile[];
    readonly counts: Counts;
}

/** What has to be read anew when an event does not say all of it. */
export type Part = 'demo' | 'files' | 'chunks' | 'quality' | 'calls' | 'analytics';

export const PARTS: readonly Part[] = ['demo', 'files', 'chunks', 'quality', 'calls', 'analytics'];

type Payload = Told['payload'];

export function afterEvent(shown: Shown, { event, payload }: Told): Shown {
    switch (event) {
        case 'video-changed':
        case 'document-changed':
            return { ...shown, files: withFile(shown.files, event === 'video-changed' ? 'video' : 'document', payload) };
        case 'video-deleted':
        case 'document-deleted':
            return { ...shown, files: shown.files.filter(({ id }) => id !== payload['id']) };
        case 'knowledge-changed':
            return { ...shown, counts: countsFrom(payload) ?? shown.counts };
        default:
            return shown;
    }
}

/** The parts that an event leaves to be read. */
export function partsOf({ event, payload }: Told): readonly Part[] {
    switch (event) {
        case 'demo-changed':
            return ['demo'];
        case 'knowledge-changed': {
            const counts = countsFrom(payload);
            // How good the search is costs a search, so it is asked when all embeddings are there and not at each of them.
            return !counts || counts.embedded === counts.chunks ? ['chunks', 'quality'] : ['chunks'];
        }
        case 'conversation-changed':
            return ['calls', 'analytics'];
        case 'conversation-event':
            return ['analytics'];
        default:
            return [];
    }
}

function withFile(files: readonly DemoFile[], kind: FileKind, payload: Payload): readonly DemoFile[] {
    const { id, title, processing_status, progress, failure, deleted_at } = payload;
    if (typeof id !== 'string' || typeof title !== 'string' || !isProcessing(processing_status)) {
        return files;
    }
    if (deleted_at) {
        return files.filter((file) => file.id !== id);
    }
    const file: DemoFile = {
        kind,
        id,
        title,
        processing_status,
        progress: typeof progress === 'number' ? progress : null,
        failure: textOf(failure),
    };
    return files.some((held) => held.id === id) ? files.map((held) => (held.id === id ? file : held)) : [file, ...files];
}

function isProcessing(value: unknown): value is DemoFile['processing_status'] {
    return value === 'pending' || value === 'processing' || value === 'completed' || value === 'failed';
}

function countsFrom({ knowledge_chunk_count: chunks, embedded_chunk_count: embedded }: Payload): Counts | undefined {
    return typeof chunks === 'number' && typeof embedded === 'number' ? { chunks, embedded } : undefined;
}

function textOf(value: unknown): string | null {
    return typeof value === 'string' ? value : null;
}
