// Files on their way. No storage of the browser holds them safely, so they wait in the page, which asks before it goes away.

import { judge } from '../../errors';
import type { Person } from '../../person';
import { Queue, type Refusable } from '../../queue';
import { Store } from '../../store';
import { asPerson } from './as_person';
import { apiOf } from './api';
import type { FileKind } from './rows';
import { domoWords } from './words';

export interface WantedFile extends Refusable {
    /** Of its row: a second try makes no second one. */
    readonly id: string;
    readonly demo_id: string;
    readonly kind: FileKind;
    readonly file: File;
    /** A video has a place among the videos. */
    readonly place: number;
}

const nowhere = { getItem: () => null, setItem: () => undefined, removeItem: () => undefined };

export class Uploads extends Store {
    readonly #queue: Queue<WantedFile, void>;
    readonly #listeners = new Set<(demoId: string) => void>();

    constructor(person: Person) {
        super();
        const api = apiOf(person);
        this.#queue = new Queue<WantedFile, void>({
            storage: nowhere,
            key: '',
            idOf: ({ id }) => id,
            isItem: (value): value is WantedFile => value instanceof Object,
            send: (wanted) => asPerson(person, () => api.upload(wanted)),
            done: ({ demo_id }) => this.#listeners.forEach((listener) => listener(demo_id)),
            judge: (error) => judge(error, domoWords),
            changed: () => {
                // Browsers ask, in words of their own, whether to leave.
                window.onbeforeunload = this.#queue.items.length > 0 ? (event) => event.preventDefault() : null;
                this.changed();
            },
        });
    }

    of(demoId: string): readonly WantedFile[] {
        return this.#queue.items.filter(({ demo_id }) => demo_id === demoId);
    }

    send(demo_id: string, kind: FileKind, file: File, place: number): void {
        this.#queue.add({ id: crypto.randomUUID(), demo_id, kind, file, place, refusal: null });
    }

    onDone(listener: (demoId: string) => void): () => void {
        this.#listeners.add(listener);
        return () => void this.#listeners.delete(listener);
    }

    retry(id: string): void {
        this.#queue.retry(id);
    }

    discard(id: string): void {
        this.#queue.discard(id);
    }

    flush(): void {
        this.#queue.flush();
    }

    stop(): void {
        this.#queue.stop();
        window.onbeforeunload = null;
    }
}
