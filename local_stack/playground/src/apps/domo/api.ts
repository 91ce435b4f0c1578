// The tables, RPCs and routes of Domo that the page uses.

import type { Functions } from '../../../../../clients/js/domo';
import { Refusal, dataOf } from '../../errors';
import type { Person } from '../../person';
import { bucketOf, pathOf, typeOf } from './files';
import type {
    Analytics,
    Call,
    Chunk,
    DashboardRow,
    DeletedDemo,
    Demo,
    DemoChange,
    DemoFile,
    EventsPage,
    FileKind,
    Hit,
    NewDemo,
    NewKnowledge,
    Quality,
} from './rows';
import type { WantedFile } from './uploads';

const DEMO =
    'id, name, status, agent_name, agent_greeting, tavus_persona_id, description, agent_personality, cta_text, cta_link';
const CHUNK = 'id, content, question, answer, source, embedded_at, embedding_model';
const FILE = 'id, title, processing_status, progress, failure';
const CALL = 'id, status, conversation_url, replica_joined_at, end_requested_at, shutdown_reason, failure, created_at';
export const CHUNKS_SHOWN = 100;
const CALLS_SHOWN = 5;
const HITS = 5;
const DELETED_SHOWN = 20;
const FILES_A_TIME = 100;
/** The worker waits for Tavus before it answers. */
const ROUTE_TIMEOUT_MS = 60_000;

const tables = { video: 'demo_videos', document: 'demo_documents' } as const;

export type Api = ReturnType<typeof apiOf>;

export function apiOf(person: Person) {
    const { client } = person;
    const domo = client.schema('domo');
    const call = <Name extends keyof Functions>(name: Name, args: Functions[Name]['Args']) =>
        dataOf<Functions[Name]['Returns']>(domo.rpc(name, args));
    const files = async (kind: FileKind, demo_id: string): Promise<DemoFile[]> => {
        const rows = await dataOf<Omit<DemoFile, 'kind'>[]>(
            domo.from(tables[kind]).select(FILE).eq('demo_id', demo_id).is('deleted_at', null).order('created_at', { ascending: false }),
        );
        return rows.map((row) => ({ ...row, kind }));
    };
    return {
        dashboard: (): Promise<DashboardRow[]> => call('demo_dashboard', {}),
        /** Once, however often: the id is of the demo that is wanted. */
        createDemo: (demo: NewDemo) => onceThere(dataOf<unknown>(domo.from('demos').insert(demo))),
        deletedDemos: () =>
            dataOf<DeletedDemo[]>(
                domo.from('demos').select('id, name').not('deleted_at', 'is', null).order('deleted_at', { ascending: false }).limit(DELETED_SHOWN),
            ),
        /** For good, with its files. */
        eraseDemo: (id: string) => eraseDemo(person, id),
        demo: (id: string) => dataOf<Demo | null>(domo.from('demos').select(DEMO).eq('id', id).is('deleted_at', null).maybeSingle()),
        changeDemo: (id: string, change: DemoChange & { deleted_at?: string | null }) =>
            dataOf<unknown>(domo.from('demos').update(change).eq('id', id).select('id').single()),
        publish: (demo_id: string): Promise<Demo> => call('publish_demo', { demo_id }),
        archive: (demo_id: string): Promise<Demo> => call('archive_demo', { demo_id }),

        addKnowledge: (demo_id: string, knowledge: NewKnowledge): Promise<{ is_new: boolean }> => call('add_knowledge', { demo_id, ...knowledge }),
        deleteChunk: (id: string) =>
            dataOf<unknown>(domo.from('knowledge_chunks').update({ deleted_at: new Date().toISOString() }).eq('id', id)),
        chunks: (demo_id: string) =>
            dataOf<Chunk[]>(
                domo
                    .from('knowledge_chunks')
                    .select(CHUNK)
                    .eq('demo_id', demo_id)
                    .is('deleted_at', null)
                    .order('created_at', { ascending: false })
                    .order('chunk_index')
                    .limit(CHUNKS_SHOWN),
            ),

        files: async (demo_id: string) => (await Promise.all([files('document', demo_id), files('video', demo_id)])).flat(),
        /** A video has a place among the videos. */
        upload: (wanted: WantedFile) => upload(person, wanted),
        changeFile: ({ kind, id }: Pick<DemoFile, 'kind' | 'id'>, change: { processing_status?: 'pending'; deleted_at?: string }) =>
            dataOf<unknown>(domo.from(tables[kind]).update(change).eq('id', id)),

        /** By words, and by nearness where the worker makes an embedding of the query: it says which. */
        search: (demo_id: string, query: string) =>
            post<{ results: Hit[]; is_by_nearness: boolean }>(person, `/api/domo/demos/${demo_id}/knowledge`, { query, match_count: HITS }),
        /** The search of the agent in a call: the worker makes an embedding of the query. */
        searchInCall: async (id: string, query: string) =>
            (await post<{ results: Hit[] }>(person, `/api/domo/conversations/${id}/knowledge`, { query, match_count: HITS })).results,
        quality: (demo_id: string): Promise<Quality> => call('search_quality', { demo_id }),

        startCall: (demo_id: string, client_id: string) => startCall(person, demo_id, client_id),
        endCall: (id: string) => post<unknown>(person, `/api/domo/conversations/${id}/end`, {}),
        calls: (demo_id: string) =>
            dataOf<Call[]>(
                domo.from('conversations').select(CALL).eq('demo_id', demo_id).order('created_at', { ascending: false }).limit(CALLS_SHOWN),
            ),
        analytics: (demo_id: string): Promise<Analytics> => call('conversation_analytics', { demo_id }),
        eventsSince: (demo_id: string, after_seq: number | null = null): Promise<EventsPage> => call('events_since', { demo_id, after_seq }),
    };
}

/** The file, then the row that has the server look at it. A file without its row would lie there for nothing. */
async function upload({ client }: Person, { id, demo_id, kind, file, place }: WantedFile): Promise<void> {
    const bucket = client.storage.from(bucketOf(kind));
    const path = pathOf(demo_id, id, file.name);
    const { error } = await bucket.upload(path, file, { contentType: typeOf(kind, file) });
    const refusal = error && refusalOfStorage(error);
    // An earlier try may have brought it there.
    if (refusal && refusal.status !== 409) {
        throw refusal;
    }
    const row = { id, demo_id, title: file.name, storage_url: path };
    try {
        const rows = client.schema('domo').from(tables[kind]);
        await onceThere(dataOf<unknown>(kind === 'video' ? rows.insert({ ...row, order_index: place }) : rows.insert(row)));
    } catch (error) {
        if (!(error instanceof Refusal && error.isPassing)) {
            await bucket.remove([path]);
        }
        throw error;
    }
}

/** Files lie in Storage until somebody removes them there, and only while the demo is there may its owner. */
async function eraseDemo({ client }: Person, id: string): Promise<void> {
    for (const name of [bucketOf('document'), bucketOf('video')]) {
        const bucket = client.storage.from(name);
        for (;;) {
            const { data, error } = await bucket.list(id, { limit: FILES_A_TIME });
            if (error) {
                throw refusalOfStorage(error);
            }
            if (data.length === 0) {
                break;
            }
            const removed = await bucket.remove(data.map((file) => `${id}/${file.name}`));
            if (removed.error) {
                throw refusalOfStorage(removed.error);
            }
            if (removed.data.length === 0) {
                throw new Refusal(409, '', '', 'Its files could not be removed.', '');
            }
        }
    }
    await dataOf<unknown>(client.schema('domo').from('demos').delete().eq('id', id));
}

/** A row whose id is there already was made by an earlier try: ids are made here, and nobody else has them. */
async function onceThere(pending: Promise<unknown>): Promise<void> {
    try {
        await pending;
    } catch (error) {
        if (!(error instanceof Refusal && error.code === '23505' && error.message.includes('_pkey'))) {
            throw error;
        }
    }
}

/** Starts a call. The table may say that it is there before this is answered, and somebody may have ended it by then: that is no error. */
async function startCall(person: Person, demo_id: string, client_id: string): Promise<void> {
    try {
        await post<unknown>(person, '/api/domo/conversations', { demo_id, client_id });
    } catch (error) {
        if (!(error instanceof Refusal && error.reason === 'conversation_over')) {
            throw error;
        }
    }
}

/** What Storage says, under the names that `words.ts` knows. */
function refusalOfStorage(error: { message: string; status?: number | undefined; statusCode?: string | undefined }): Refusal {
    const status = Number(error.statusCode ?? error.status ?? 0) || 0;
    const reason = { 403: 'file_refused', 413: 'file_too_large', 415: 'file_type_refused' }[status] ?? '';
    return new Refusal(status, '', reason, error.message, '');
}

/** A route of the worker. Its errors have the body of PostgREST's. */
async function post<Data>({ client, server }: Person, path: string, body: unknown): Promise<Data> {
    const { data } = await client.auth.getSession();
    let response: Response;
    try {
        response = await fetch(`${server.url}${path}`, {
            method: 'POST',
            headers: { authorization: `Bearer ${data.session?.access_token ?? ''}`, 'content-type': 'application/json' },
            body: JSON.stringify(body),
            signal: AbortSignal.timeout(ROUTE_TIMEOUT_MS),
        });
    } catch (error) {
        throw new Refusal(0, '', '', String(error), '');
    }
    const answer = (await response.json().catch(() => ({}))) as Readonly<Record<string, unknown>>;
    if (!response.ok) {
        const text = (name: string) => (typeof answer[name] === 'string' ? answer[name] : '');
        throw new Refusal(response.status, text('code'), text('details'), text('message'), text('hint'));
    }
    return answer as Data;
}
