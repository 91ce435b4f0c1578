// What a person does to their demos. Each act says how something is to be, so doing it twice does no harm; it is written down first, shown at
// once, and marked until the server has done it. It waits for as long as the tab lives, whichever demo is open.

import { judge } from '../../errors';
import { Queue, type Refusable } from '../../queue';
import { Store } from '../../store';
import type { Person } from '../../person';
import { apiOf, type Api } from './api';
import { asPerson } from './as_person';
import type { Demo, DemoChange, DemoStatus, FileKind, NewDemo, NewKnowledge } from './rows';
import { domoWords } from './words';

interface OfDemo {
    readonly demo_id: string;
}

export type Wish = OfDemo &
    (
        | { readonly kind: 'create'; readonly demo: NewDemo }
        | { readonly kind: 'change'; readonly change: DemoChange }
        | { readonly kind: 'status'; readonly status: DemoStatus }
        | { readonly kind: 'delete'; readonly name: string }
        | { readonly kind: 'restore'; readonly name: string }
        | { readonly kind: 'erase'; readonly name: string }
        | { readonly kind: 'teach'; readonly knowledge: NewKnowledge }
        | { readonly kind: 'forget'; readonly chunk_id: string; readonly text: string }
        | { readonly kind: 'remove-file'; readonly file: FileKind; readonly file_id: string; readonly title: string }
        | { readonly kind: 'retry-file'; readonly file: FileKind; readonly file_id: string; readonly title: string }
    );

export type Act = Wish & Refusable & { readonly id: string };

/** What was not done, before the words that say why. */
const UNDONE: Record<Wish['kind'], string> = {
    create: 'Not created.',
    change: 'Not changed.',
    status: 'Its status was not changed.',
    delete: 'Not deleted.',
    restore: 'Not brought back.',
    erase: 'Not erased.',
    teach: 'Not added.',
    forget: 'Not deleted.',
    'remove-file': 'Not removed.',
    'retry-file': 'Not tried again.',
};

export function undoneWords(act: Act): string {
    return `${UNDONE[act.kind]} ${act.refusal ?? ''}`;
}

function isAct(value: unknown): value is Act {
    const act = value as Partial<Act> | null;
    return typeof act?.id === 'string' && typeof act.demo_id === 'string' && typeof act.kind === 'string' && act.kind in UNDONE;
}

/** Whether an act leaves nothing of an earlier one. */
export function isOvertaken(held: Wish, by: Wish): boolean {
    if (held.demo_id !== by.demo_id) {
        return false;
    }
    switch (by.kind) {
        case 'delete':
        case 'restore':
            return held.kind === 'delete' || held.kind === 'restore';
        case 'erase':
            return true;
        case 'status':
            return held.kind === 'status';
        case 'forget':
            return held.kind === 'forget' && held.chunk_id === by.chunk_id;
        case 'remove-file':
        case 'retry-file':
            return (held.kind === 'remove-file' || held.kind === 'retry-file') && held.file_id === by.file_id;
        default:
            return false;
    }
}

/** A status that was refused is no news any more when something else is done to the demo. */
function isOld(held: Act, by: Wish): boolean {
    return held.demo_id === by.demo_id && held.kind === 'status' && held.refusal !== null;
}

/** The demo as it will be when all that waits is done; its status is the server's to say. */
export function demoAfter(demo: Demo, acts: readonly Act[]): Demo {
    return acts.reduce((now, act) => (act.kind === 'change' && act.refusal === null ? { ...now, ...act.change } : now), demo);
}

async function perform(api: Api, wish: Wish): Promise<unknown> {
    const { demo_id } = wish;
    switch (wish.kind) {
        case 'create':
            return await api.createDemo(wish.demo);
        case 'change':
            return await api.changeDemo(demo_id, wish.change);
        case 'status':
            return await (wish.status === 'published' ? api.publish(demo_id) : wish.status === 'archived' ? api.archive(demo_id) : api.changeDemo(demo_id, { status: 'draft' }));
        case 'delete':
            return await api.changeDemo(demo_id, { deleted_at: new Date().toISOString() });
        case 'restore':
            return await api.changeDemo(demo_id, { deleted_at: null });
        case 'erase':
            return await api.eraseDemo(demo_id);
        case 'teach':
            return await api.addKnowledge(demo_id, wish.knowledge);
        case 'forget':
            return await api.deleteChunk(wish.chunk_id);
        case 'remove-file':
            return await api.changeFile({ kind: wish.file, id: wish.file_id }, { deleted_at: new Date().toISOString() });
        case 'retry-file':
            return await api.changeFile({ kind: wish.file, id: wish.file_id }, { processing_status: 'pending' });
    }
}

export type DoneListener = (act: Act, result: unknown) => void;
export type RefusedListener = (act: Act, words: string) => void;

export class Acts extends Store {
    readonly #queue: Queue<Act, unknown>;
    readonly #listeners = new Set<DoneListener>();
    readonly #refused = new Set<RefusedListener>();

    constructor(person: Person) {
        super();
        const api = apiOf(person);
        this.#queue = new Queue<Act, unknown>({
            storage: sessionStorage,
            key: `parley.domo.acts.${person.id}`,
            idOf: ({ id }) => id,
            isItem: isAct,
            send: (act) => asPerson(person, () => perform(api, act)),
            done: (act, result) => this.#listeners.forEach((listener) => listener(act, result)),
            judge: (error) => judge(error, domoWords),
            refused: (act, words) => this.#refused.forEach((listener) => listener(act, undoneWords({ ...act, refusal: words }))),
            changed: () => this.changed(),
        });
    }

    get all(): readonly Act[] {
        return this.#queue.items;
    }

    of(demoId: string): readonly Act[] {
        return this.all.filter(({ demo_id }) => demo_id === demoId);
    }

    want(wish: Wish): void {
        this.#queue.add({ ...wish, id: crypto.randomUUID(), refusal: null }, (held) => isOvertaken(held, wish) || isOld(held, wish));
    }

    /** Is told of each act when it is done. */
    onDone(listener: DoneListener): () => void {
        this.#listeners.add(listener);
        return () => void this.#listeners.delete(listener);
    }

    /** Is told of each act that is refused for good, in words. */
    onRefused(listener: RefusedListener): () => void {
        this.#refused.add(listener);
        return () => void this.#refused.delete(listener);
    }

    retry(id: string): void {
        this.#queue.retry(id);
    }

    discard(id: string): void {
        this.#queue.discard(id);
    }

    /** The server may be back. */
    flush(): void {
        this.#queue.flush();
    }

    stop(): void {
        this.#queue.stop();
    }
}
