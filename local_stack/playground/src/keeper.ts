// Keeps a room alive: beats at intervals, more often while the live connection is away, at once when something says that it is back.

import { Refusal } from './errors';
import type { EventLog } from './event_log';
import type { Line } from './line';
import type { Link } from './link';
import metronomeUrl from './metronome?worker&url';

const BEAT_MS = 20_000;
/** How often to ask when nobody tells. */
const POLL_MS = 4_000;
/** Soon after a loss, but not once for each of a burst of them. */
const SOON_MS = 500;
/** A clock that jumps further than this was asleep. */
const SLEEP_MS = 30_000;

export interface KeeperOptions {
    readonly line: Line;
    readonly link: Link;
    readonly log: EventLog;
    /** Tells the server that somebody is here, and hears where things stand. Handles its own errors. */
    beat(): Promise<void>;
    /** The server can be reached again, or may be: send and fetch what waited. */
    back(): void;
}

export class Keeper {
    readonly #options: KeeperOptions;
    #metronome: Worker | undefined;
    #stopListening: (() => void) | undefined;
    #isReachable = true;
    #isBeating = false;
    #isStopped = false;
    #lastTick = 0;
    #nextBeat = 0;

    constructor(options: KeeperOptions) {
        this.#options = options;
    }

    start(): void {
        if (this.#metronome || this.#isStopped) {
            return;
        }
        this.#listen();
        this.#lastTick = Date.now();
        this.#nextBeat = this.#lastTick + BEAT_MS;
        this.#metronome = new Worker(metronomeUrl, { type: 'module' });
        this.#metronome.onmessage = () => this.#tick();
        this.#metronome.postMessage({ event: 'start', interval: 1000 });
    }

    stop(): void {
        this.#isStopped = true;
        this.#metronome?.terminate();
        this.#stopListening?.();
    }

    /** Waits for an answer, and notes by the way whether there are answers at all. */
    async reach<Data>(pending: Promise<Data>): Promise<Data> {
        try {
            const data = await pending;
            this.#reached(true);
            return data;
        } catch (error) {
            this.#reached(!(error instanceof Refusal && error.status === 0));
            throw error;
        }
    }

    /** The live connection came or went. */
    lineChanged(): void {
        this.#show();
        if (!this.#options.line.isJoined) {
            this.#nextBeat = Math.min(this.#nextBeat, Date.now() + SOON_MS);
        }
    }

    #reached(isReachable: boolean): void {
        if (this.#isStopped || isReachable === this.#isReachable) {
            return;
        }
        this.#isReachable = isReachable;
        this.#options.log.add({ kind: 'link', name: isReachable ? 'the server answers again' : 'the server does not answer' });
        this.#show();
        if (isReachable) {
            this.#options.back();
        }
    }

    #listen(): void {
        const online = () => {
            this.#options.line.renew();
            this.#hurry();
        };
        // A stack on this very machine is there without a network, so the browser's word is only a reason to look.
        const offline = () => {
            // What is known stays the same when the server was lost a moment earlier; what it is called does not.
            this.#show();
            void this.#beat();
        };
        const shown = () => {
            if (document.visibilityState === 'visible') {
                this.#hurry();
            }
        };
        window.addEventListener('online', online);
        window.addEventListener('offline', offline);
        document.addEventListener('visibilitychange', shown);
        this.#stopListening = () => {
            window.removeEventListener('online', online);
            window.removeEventListener('offline', offline);
            document.removeEventListener('visibilitychange', shown);
        };
    }

    #hurry(): void {
        void this.#beat();
        this.#options.back();
    }

    #tick(): void {
        const now = Date.now();
        const hasSlept = now - this.#lastTick > SLEEP_MS;
        this.#lastTick = now;
        if (hasSlept) {
            this.#options.log.add({ kind: 'link', name: 'this machine was asleep' });
            this.#options.line.renew();
        }
        if (hasSlept || now >= this.#nextBeat) {
            void this.#beat();
        }
    }

    async #beat(): Promise<void> {
        if (this.#isBeating || this.#isStopped) {
            return;
        }
        this.#isBeating = true;
        await this.#options.beat();
        this.#isBeating = false;
        this.#nextBeat = Date.now() + (this.#options.line.isJoined && this.#isReachable ? BEAT_MS : POLL_MS);
    }

    #show(): void {
        if (this.#isStopped) {
            return;
        }
        this.#options.link.set({ isLive: this.#options.line.isJoined, isReachable: this.#isReachable });
    }
}
