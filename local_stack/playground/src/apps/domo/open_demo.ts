// A demo as its owner has it open: what it knows, its files, its calls and their numbers, kept true over losses of the connection.
//
// What is shown comes from the tables and from `events_since`. What arrives live only says that the stream of the demo moved on.

import { Refusal } from '../../errors';
import type { EventLog } from '../../event_log';
import { Keeper } from '../../keeper';
import { Line, type Payload } from '../../line';
import type { Link } from '../../link';
import { delayAfter } from '../../pause';
import type { Person } from '../../person';
import { Store } from '../../store';
import { Stream, type Numbered, type Verdict } from '../../stream';
import { demoAfter, type Act, type Acts, type Wish } from './acts';
import { oneAtATime } from './again';
import { apiOf, type Api } from './api';
import type { Analytics, Call, Chunk, Demo, EventsPage, FileKind, Quality } from './rows';
import { PARTS, afterEvent, partsOf, type Part, type Shown } from './told';
import type { Uploads, WantedFile } from './uploads';
import { domoWords, domoWordsNotDone } from './words';

/** How good the search is costs a search, and the server allows five in ten seconds to somebody without an account. */
const QUALITY_MS = 3_000;

export interface OpenDemoOptions {
    readonly person: Person;
    readonly link: Link;
    readonly log: EventLog;
    readonly demoId: string;
    readonly acts: Acts;
    readonly uploads: Uploads;
}

export class OpenDemo extends Store {
    readonly id: string;
    readonly api: Api;
    demo: Demo | undefined;
    calls: readonly Call[] = [];
    shown: Shown = { files: [], counts: { chunks: 0, embedded: 0 } };
    chunks: readonly Chunk[] = [];
    analytics: Analytics | undefined;
    quality: Quality | undefined;
    /** Something that was done otherwise than asked for. */
    said = '';
    /** Why there is nothing to show. */
    ending: string | undefined;
    /** Something that went wrong, in plain words. */
    notice: string | undefined;

    readonly #options: OpenDemoOptions;
    readonly #line: Line;
    readonly #keeper: Keeper;
    readonly #stream: Stream<Numbered>;
    readonly #reads: Record<Part, () => Promise<void>>;
    /** What was to be read and could not be. */
    readonly #stale = new Set<Part>();
    #isOver = false;
    #failures = 0;
    #retryTimer: ReturnType<typeof setTimeout> | undefined;
    readonly #stops: readonly (() => void)[];
    #qualityAt = 0;
    #qualityTimer: ReturnType<typeof setTimeout> | undefined;

    constructor(options: OpenDemoOptions) {
        super();
        const { person, link, log, demoId } = options;
        this.#options = options;
        this.id = demoId;
        this.api = apiOf(person);
        this.#line = new Line(person.client, person.id, {
            event: (name, payload) => this.#event(name, payload),
            joined: () => {
                this.#log('link', 'joined the channel');
                this.#keeper.lineChanged();
                void this.#stream.catchUp();
            },
            lost: (reason) => {
                this.#log('link', `not joined: ${reason}`);
                this.#keeper.lineChanged();
            },
        });
        this.#keeper = new Keeper({
            line: this.#line,
            link,
            log,
            beat: () => this.#look(),
            back: () => {
                options.acts.flush();
                options.uploads.flush();
                void this.#look();
            },
        });
        this.#stream = new Stream({
            since: (after) => this.#since(after),
            changed: () => this.changed(),
            failed: (error) => this.#mayGoOn(error),
        });
        const { acts, uploads } = options;
        const done = (ofDemo: string) => {
            if (ofDemo === this.id && this.demo) {
                void this.#stream.catchUp();
            }
        };
        this.#stops = [
            acts.subscribe(() => this.changed()),
            uploads.subscribe(() => this.changed()),
            uploads.onDone(done),
            // It stands where it belongs as well, which may be far from what one looks at by then.
            acts.onRefused((act, words) => act.demo_id === this.id && this.tell(words)),
            acts.onDone((act, result) => this.#actDone(act, result, done)),
        ];
        this.#reads = Object.fromEntries(PARTS.map((part) => [part, oneAtATime(() => this.#readPart(part))])) as Record<Part, () => Promise<void>>;
    }

    /** What is to be done to this demo and is not, or was refused. */
    get acts(): readonly Act[] {
        return this.#options.acts.of(this.id);
    }

    /** Its files that are on their way. */
    get uploads(): readonly WantedFile[] {
        return this.#options.uploads.of(this.id);
    }

    /** The demo as it will be when what was changed of it is stored. */
    get demoToBe(): Demo | undefined {
        return this.demo && demoAfter(this.demo, this.acts);
    }

    /** Has something done: shown at once, done as soon as it can be. */
    want(wish: Wish): void {
        this.said = '';
        this.dismissNotice();
        this.#options.acts.want(wish);
    }

    retry(id: string): void {
        this.dismissNotice();
        this.#options.acts.retry(id);
        this.#options.uploads.retry(id);
    }

    discard(id: string): void {
        this.dismissNotice();
        this.#options.acts.discard(id);
        this.#options.uploads.discard(id);
    }

    send(kind: FileKind, file: File): void {
        const place = this.shown.files.filter((held) => held.kind === 'video').length;
        this.#options.uploads.send(this.id, kind, file, place);
    }

    /** Reads all of it and begins to listen. */
    async open(): Promise<void> {
        try {
            // Before the tables, so that nothing that changes meanwhile is missed.
            const now = await this.#keeper.reach(this.api.eventsSince(this.id));
            await Promise.all(PARTS.map((part) => this.#read(part)));
            if (!this.#isOver) {
                this.notice = undefined;
                this.#stream.start([], now.last_seq, false);
                this.#line.follow(now.topic);
                this.#keeper.start();
            }
        } catch (error) {
            this.#notOpened(error);
        }
    }

    close(): void {
        this.#isOver = true;
        clearTimeout(this.#retryTimer);
        clearTimeout(this.#qualityTimer);
        this.#keeper.stop();
        this.#line.close();
        this.#stream.stop();
        this.#stops.forEach((stop) => stop());
    }

    /** What somebody wants done: true when it is. Otherwise the reason is shown. What it changed is read from the stream. */
    async attempt(wanted: () => Promise<unknown>): Promise<boolean> {
        this.dismissNotice();
        try {
            await this.#keeper.reach(wanted());
            return true;
        } catch (error) {
            this.#mayGoOn(error);
            this.tell(domoWordsNotDone(error));
            return false;
        } finally {
            // The live connection may be away.
            void this.#stream.catchUp();
        }
    }

    #actDone(act: Act, result: unknown, done: (ofDemo: string) => void): void {
        if (act.kind === 'teach' && act.demo_id === this.id) {
            this.said = (result as { is_new?: boolean } | null)?.is_new === false ? 'The agent knew that already.' : '';
        }
        if (act.kind === 'change' && this.demo && act.demo_id === this.id) {
            // Until the table is read, so that it does not show the old one in between.
            this.demo = { ...this.demo, ...act.change };
        }
        if (act.kind === 'forget') {
            this.chunks = this.chunks.filter(({ id }) => id !== act.chunk_id);
        }
        if (act.kind === 'remove-file') {
            this.shown = { ...this.shown, files: this.shown.files.filter(({ id }) => id !== act.file_id) };
        }
        done(act.demo_id);
    }

    tell(words: string): void {
        if (!this.#isOver) {
            this.notice = words;
            this.changed();
        }
    }

    dismissNotice(): void {
        this.notice = undefined;
        this.changed();
    }

    async #look(): Promise<void> {
        await this.#stream.catchUp();
        await Promise.all([...this.#stale].map((part) => this.#read(part)));
    }

    async #since(after: number) {
        const page: EventsPage = await this.#keeper.reach(this.api.eventsSince(this.id, after));
        this.#log('call', 'events_since', { after, events: page.events.length, last_seq: page.last_seq });
        if (this.#isOver) {
            return { messages: [], last_seq: after, has_more: false };
        }
        this.#line.follow(page.topic);
        if (!page.is_complete) {
            await Promise.all(PARTS.map((part) => this.#read(part)));
            return { messages: [], last_seq: page.last_seq, has_more: false };
        }
        const parts = new Set(page.events.flatMap(partsOf));
        this.shown = page.events.reduce(afterEvent, this.shown);
        parts.forEach((part) => (part === 'quality' ? this.#readQualitySoon() : void this.#read(part)));
        return { messages: [], last_seq: page.last_seq, has_more: page.has_more };
    }

    /** Now, or when the last time is long enough ago: many events that ask for it are answered together. */
    #readQualitySoon(): void {
        clearTimeout(this.#qualityTimer);
        const wait = this.#qualityAt + QUALITY_MS - Date.now();
        if (wait > 0) {
            this.#qualityTimer = setTimeout(() => this.#readQualitySoon(), wait);
        } else {
            this.#qualityAt = Date.now();
            void this.#read('quality');
        }
    }

    /** Reads a part; where that fails, the next look reads it. */
    async #read(part: Part): Promise<void> {
        this.#stale.add(part);
        try {
            await this.#reads[part]();
            this.#stale.delete(part);
        } catch (error) {
            // Without the demo itself there is nothing to show.
            if (part === 'demo' && !this.demo) {
                throw error;
            }
            this.#mayGoOn(error);
            this.#log('call', `${part}: ${domoWords(error)}`);
        }
    }

    async #readPart(part: Part): Promise<void> {
        const { api, id } = this;
        const reach = <Data>(pending: Promise<Data>) => this.#keeper.reach(pending);
        switch (part) {
            case 'demo': {
                const demo = await reach(api.demo(id));
                if (!demo) {
                    throw new Refusal(404, 'PT404', 'demo_not_found', 'There is no such demo.', '');
                }
                this.demo = demo;
                break;
            }
            case 'files':
                this.shown = { ...this.shown, files: await reach(api.files(id)) };
                break;
            case 'chunks':
                this.chunks = await reach(api.chunks(id));
                break;
            case 'quality': {
                const { counts } = this.shown;
                const quality = await reach(api.quality(id));
                this.quality = quality;
                // An event that came meanwhile knows better.
                if (counts === this.shown.counts) {
                    this.shown = { ...this.shown, counts: { chunks: quality.rows, embedded: quality.embedded } };
                }
                break;
            }
            case 'calls':
                this.calls = await reach(api.calls(id));
                break;
            case 'analytics':
                this.analytics = await reach(api.analytics(id));
                break;
        }
        this.changed();
    }

    #notOpened(error: unknown): void {
        if (this.#isOver) {
            return;
        }
        if (error instanceof Refusal && error.isPassing) {
            this.#failures += 1;
            this.notice = domoWords(error);
            const wait = (error.secondsToWait ?? 0) * 1000 || delayAfter(this.#failures);
            this.#retryTimer = setTimeout(() => void this.open(), wait);
            this.changed();
        } else {
            this.#end(error);
        }
    }

    /** Ends it where the demo was deleted; says whether the same call may succeed later. */
    #mayGoOn(error: unknown): boolean {
        if (!this.#isOver && error instanceof Refusal && error.reason === 'demo_not_found') {
            this.#end(error);
        }
        return !this.#isOver && error instanceof Refusal && error.isPassing;
    }

    #end(error: unknown): void {
        this.close();
        // The server has answered, and nothing is waited for.
        this.#options.link.set({ isLive: true, isReachable: true });
        this.ending = domoWords(error);
        this.changed();
    }

    #event(name: string, payload: Payload): void {
        const { seq } = payload;
        const verdict = this.#stream.heard(seq);
        this.#log('event', name, payload, { verdict, ...(typeof seq === 'number' ? { seq } : {}) });
    }

    #log(kind: 'event' | 'call' | 'link', name: string, detail?: unknown, more: { seq?: number; verdict?: Verdict } = {}): void {
        this.#options.log.add({ kind, name, ...more, ...(detail === undefined ? {} : { detail }) });
    }
}
