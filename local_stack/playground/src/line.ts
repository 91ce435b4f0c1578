// One private Realtime channel that is kept open: joined again after every loss, on a new topic when the room moves to one.

import type { RealtimeChannel, SupabaseClient } from '@supabase/supabase-js';

export type Payload = Readonly<Record<string, unknown>>;

export interface LineHandlers {
    event(name: string, payload: Payload): void;
    /** The user ids whose pages are connected. Without this, nobody asks, and the page does not say that it is there. */
    presence?(connected: ReadonlySet<string>): void;
    /** Joined, for the first time or again: what was said before may have been missed. */
    joined(): void;
    /** Not joined, and why. Joining goes on by itself; the topic may not be the right one any more. */
    lost(reason: string): void;
}

const REOPEN_MS = 2_000;

export class Line {
    readonly #client: SupabaseClient;
    readonly #me: string;
    readonly #handlers: LineHandlers;
    #topic: string | undefined;
    #channel: RealtimeChannel | undefined;
    /** Counts the channels, so that a late word of an earlier one is not taken for the present one's. */
    #generation = 0;
    #isJoined = false;
    #isClosed = false;
    #timer: ReturnType<typeof setTimeout> | undefined;
    #disconnecting: Promise<unknown> | undefined;

    constructor(client: SupabaseClient, me: string, handlers: LineHandlers) {
        this.#client = client;
        this.#me = me;
        this.#handlers = handlers;
    }

    get isJoined(): boolean {
        return this.#isJoined;
    }

    /** Listens on this topic, and no longer on another. */
    follow(topic: string): void {
        if (topic !== this.#topic && !this.#isClosed) {
            this.#topic = topic;
            void this.#open();
        }
    }

    /** Starts over with a new socket: the old one may be dead without having noticed. */
    renew(): void {
        if (this.#topic === undefined || this.#isClosed) {
            return;
        }
        this.#drop('starting over');
        this.#disconnecting ??= this.#client.realtime.disconnect().finally(() => {
            this.#disconnecting = undefined;
        });
        void this.#open();
    }

    /** Tells the others something that is not kept. Says nothing when nobody would hear it. */
    say(event: string, payload: Payload): void {
        if (this.#isJoined) {
            void this.#channel?.send({ type: 'broadcast', event, payload });
        }
    }

    close(): void {
        this.#isClosed = true;
        this.#drop('closed');
    }

    async #open(): Promise<void> {
        this.#drop('moving');
        this.#generation += 1;
        const generation = this.#generation;
        const isCurrent = () => generation === this.#generation && !this.#isClosed;
        await this.#disconnecting;
        await this.#client.realtime.setAuth();
        if (!isCurrent() || this.#topic === undefined) {
            return;
        }
        const hasPresence = this.#handlers.presence !== undefined;
        const channel = this.#client.channel(this.#topic, {
            config: { private: true, ...(hasPresence ? { presence: { key: this.#me, enabled: true } } : {}) },
        });
        this.#channel = channel;
        if (hasPresence) {
            channel.on('presence', { event: 'sync' }, () => {
                if (isCurrent()) {
                    this.#handlers.presence?.(new Set(Object.keys(channel.presenceState())));
                }
            });
        }
        channel
            .on('broadcast', { event: '*' }, (message) => {
                if (isCurrent()) {
                    this.#handlers.event(message.event, (message['payload'] ?? {}) as Payload);
                }
            })
            .subscribe((status, error) => {
                if (isCurrent()) {
                    this.#heard(status, error);
                }
            });
    }

    #heard(status: string, error?: Error): void {
        if (status === 'SUBSCRIBED') {
            this.#isJoined = true;
            if (this.#handlers.presence) {
                void this.#channel?.track({ since: new Date().toISOString() });
            }
            this.#handlers.joined();
            return;
        }
        this.#isJoined = false;
        if (status === 'CLOSED') {
            // The server closed the channel. realtime-js joins again after an error, not after this.
            this.#drop('closed by the server');
            this.#timer = setTimeout(() => void this.#open(), REOPEN_MS);
        }
        this.#handlers.lost(error?.message ?? status.toLowerCase().replace('_', ' '));
    }

    #drop(reason: string): void {
        clearTimeout(this.#timer);
        const channel = this.#channel;
        const wasJoined = this.#isJoined;
        this.#channel = undefined;
        this.#isJoined = false;
        this.#generation += 1;
        if (channel) {
            void this.#client.removeChannel(channel);
        }
        if (wasJoined && !this.#isClosed) {
            this.#handlers.lost(reason);
        }
    }
}
