// Who this tab is, for the apps in which every tab is a person of its own: the session lives in the tab's own storage, so that two tabs are
// two people, and a reload keeps them. `account.ts` is for the apps in which a browser is one person.

import { createClient, type Session, type SupabaseClient } from '@supabase/supabase-js';
import { Refusal } from './errors';
import metronomeUrl from './metronome?worker&url';

/** What the server says about itself at `/playground.json`. */
export interface Server {
    readonly url: string;
    readonly publishable_key: string;
}

export interface Person {
    readonly id: string;
    readonly client: SupabaseClient;
    readonly server: Server;
}

const TAB = 'parley.tab';
const REQUEST_TIMEOUT_MS = 15_000;
/** A file of 100 MB takes its time. */
const FILE_TIMEOUT_MS = 600_000;

/** Asks the server what it is. */
export async function findServer(): Promise<Server> {
    const response = await answered(fetch('playground.json', { cache: 'no-store' }));
    if (!response.ok) {
        throw new Refusal(response.status, '', '', 'This server does not say where its APIs are.', '');
    }
    return (await response.json()) as Server;
}

/** The person of this tab: the one of before a reload, or a new one. */
export async function becomePerson(server: Server): Promise<Person> {
    const tab = await ownTab();
    // Tabs that share the key would be told of each other's sign-ins, and take over each other's token.
    const client = clientOf(server, sessionStorage, `parley.session.${tab}`);
    const kept = await client.auth.getSession();
    const session = (await stillKnown(client, kept.data.session)) ?? (await newcomer(client));
    return { id: session.user.id, client, server };
}

/** A client whose session lies there, under this key. */
export function clientOf(server: Server, storage: Storage, storageKey: string): SupabaseClient {
    return createClient(server.url, server.publishable_key, {
        auth: { storage, storageKey, detectSessionInUrl: false },
        global: { fetch: fetchInTime },
        realtime: realtimeOptions(),
    });
}

/** A request that nobody answers ends, so that it can be tried again. */
function fetchInTime(input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> {
    const address = input instanceof Request ? input.url : String(input);
    const timeout = AbortSignal.timeout(address.includes('/storage/v1/') ? FILE_TIMEOUT_MS : REQUEST_TIMEOUT_MS);
    const signal = init.signal ? AbortSignal.any([init.signal, timeout]) : timeout;
    return fetch(input, { ...init, signal });
}

/** A hidden tab slows its timers down to one a minute; a worker's go on, so the connection lives. */
function realtimeOptions() {
    return import.meta.env.PROD ? { worker: true, workerUrl: new URL(metronomeUrl, location.href).href } : {};
}

/** A browser that duplicates a tab copies its storage: the copy finds the name taken, and becomes somebody else. */
async function ownTab(): Promise<string> {
    const kept = sessionStorage.getItem(TAB);
    if (kept && (await isFree(kept))) {
        return kept;
    }
    if (kept) {
        // What waits to be done in Domo is of the browser's person, whichever tab does it.
        Object.keys(sessionStorage)
            .filter((key) => !key.startsWith('parley.domo.'))
            .forEach((key) => sessionStorage.removeItem(key));
    }
    const fresh = crypto.randomUUID();
    sessionStorage.setItem(TAB, fresh);
    await isFree(fresh);
    return fresh;
}

/** Takes a name for as long as this page lives. The page before a reload may still be about to let go of it. */
function isFree(name: string): Promise<boolean> {
    if (!('locks' in navigator)) {
        return Promise.resolve(true);
    }
    return new Promise((resolve) => {
        const held = navigator.locks.request(`parley.tab.${name}`, { signal: AbortSignal.timeout(1500) }, () => {
            resolve(true);
            return new Promise(() => undefined);
        });
        held.catch(() => resolve(false));
    });
}

/** The session, when the server still knows it. */
export async function stillKnown(client: SupabaseClient, session: Session | null): Promise<Session | null> {
    if (!session) {
        return null;
    }
    const { error } = await client.auth.getUser();
    if (!error) {
        return session;
    }
    if (error.status === 401 || error.status === 403 || error.status === 404) {
        // The database was thrown away, or the account deleted.
        await client.auth.signOut({ scope: 'local' });
        return null;
    }
    throw new Refusal(error.status ?? 0, error.code ?? '', '', error.message, '');
}

/** Somebody new, without an account. */
export async function newcomer(client: SupabaseClient): Promise<Session> {
    const { data, error } = await client.auth.signInAnonymously();
    if (error || !data.session) {
        throw new Refusal(error?.status ?? 0, error?.code ?? '', '', error?.message ?? 'No session came back.', '');
    }
    return data.session;
}

async function answered(pending: Promise<Response>): Promise<Response> {
    try {
        return await pending;
    } catch (error) {
        throw new Refusal(0, '', '', String(error), '');
    }
}
