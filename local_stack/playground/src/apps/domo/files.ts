// Files of a demo: where they go, and how far the server is with them.

import type { DemoFile, FileKind } from './rows';

const BUCKETS: Record<FileKind, string> = { video: 'demo-videos', document: 'demo-documents' };

/** What the file dialog offers. */
export const ACCEPTED: Record<FileKind, string> = { video: 'video/*,audio/*', document: '.txt,.md,.markdown,.html,.htm,.xhtml,.pdf' };

/** Browsers do not know all of these. */
const TYPES: Readonly<Record<string, string>> = {
    txt: 'text/plain',
    md: 'text/markdown',
    markdown: 'text/markdown',
    html: 'text/html',
    htm: 'text/html',
    xhtml: 'application/xhtml+xml',
    pdf: 'application/pdf',
};

export function bucketOf(kind: FileKind): string {
    return BUCKETS[kind];
}

/** A place of its own in the demo's folder, with as much of the name as a path may hold. */
export function pathOf(demoId: string, id: string, name: string): string {
    const safe = name.replace(/[^\w.-]+/g, '-').replace(/^[.-]+/, '').slice(-80);
    return `${demoId}/${id}-${safe || 'file'}`;
}

/** Its type as the bucket knows it; for a document by its ending, which is all that some browsers go by. */
export function typeOf(kind: FileKind, file: { readonly name: string; readonly type: string }): string {
    const ending = file.name.toLowerCase().split('.').at(-1) ?? '';
    const byEnding = kind === 'document' ? TYPES[ending] : undefined;
    return byEnding ?? (file.type || 'application/octet-stream');
}

/** A progress bar's place, from 0 to 100; undefined for one that only moves. */
export function percentOf({ processing_status, progress }: DemoFile): number | undefined {
    switch (processing_status) {
        case 'pending':
            return undefined;
        case 'processing':
            return Math.round((progress ?? 0) * 100);
        case 'completed':
            return 100;
        case 'failed':
            return Math.round((progress ?? 0) * 100);
    }
}

/** How far it is, in a few words. */
export function stateOf(file: DemoFile): string {
    switch (file.processing_status) {
        case 'pending':
            return 'waits for the worker';
        case 'processing':
            return `${file.kind === 'video' ? 'is being listened to' : 'is being read'}: ${percentOf(file) ?? 0}%`;
        case 'completed':
            return 'done';
        case 'failed':
            return `failed. ${file.failure ?? 'Nobody knows why.'}`;
    }
}

export function isUnderWay({ processing_status }: DemoFile): boolean {
    return processing_status === 'pending' || processing_status === 'processing';
}
