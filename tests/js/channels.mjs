// Ears on Realtime: through the unmodified realtime-js, and through a bare WebSocket for what a well-behaved client never sends.

import assert from 'node:assert/strict';
import { after } from 'node:test';
import WebSocket from 'ws';
import { stack } from './stack.mjs';

/** Both protocol versions that realtime-js speaks. */
export const versions = ['1.0.0', '2.0.0'];

/** Waits until `condition` gives something truthy, and gives that. Fails with `what` after a while that is long even on a busy machine. */
export async function eventually(condition, what, patience = 20_000) {
    const deadline = Date.now() + patience;
    for (;;) {
        const found = await condition();
        if (found) {
            return found;
        }
        assert.ok(Date.now() < deadline, `still waiting: ${typeof what === 'function' ? what() : what}`);
        await new Promise((resolve) => setTimeout(resolve, 10));
    }
}

/**
 * A channel of realtime-js with everything that it heard, in order. `presence` is the key to be present under (or true, for one that the
 * server makes), `changes` what to follow of tables; everything else is the channel's config.
 */
export class Ear {
    constructor(client, topic, { presence = false, changes = [], ...config } = {}) {
        this.heard = [];
        this.systems = [];
        this.changes = [];
        this.statuses = [];
        const key = typeof presence === 'string' ? { presence: { key: presence } } : {};
        this.channel = client.channel(topic, { config: { private: true, ...key, ...config } });
        this.channel.on('broadcast', { event: '*' }, (message) => this.heard.push(message));
        this.channel.on('system', {}, (message) => this.systems.push(message));
        if (presence) {
            this.presences = [];
            for (const event of ['sync', 'join', 'leave']) {
                this.channel.on('presence', { event }, (message) => this.presences.push({ ...message, event }));
            }
        }
        for (const change of changes) {
            this.channel.on('postgres_changes', change, (message) => this.changes.push(message));
        }
    }

    /** Joins; whether it worked is in `statuses`. */
    subscribe() {
        this.channel.subscribe((status, error) => this.statuses.push(error ? `${status}: ${error.message}` : status));
        return this;
    }

    /** What was broadcast, without the wrapping. */
    get events() {
        return this.heard.map(({ event, payload }) => ({ event, payload }));
    }

    /** Waits for the status to be `status`. */
    async status(status) {
        await eventually(() => this.statuses.some((seen) => seen.startsWith(status)), () => `${status} of ${this.channel.topic}, seen: ${this.statuses}`);
        return this.statuses.find((seen) => seen.startsWith(status));
    }

    /** Waits for a broadcast of that event (and of which the test holds), and gives it. */
    hears(event, test = () => true) {
        return eventually(
            () => this.heard.find((message) => message.event === event && test(message.payload)),
            () => `${event} on ${this.channel.topic}, heard: ${JSON.stringify(this.heard.map((message) => message.event))}`,
        );
    }

    send(event, payload = {}) {
        return this.channel.send({ type: 'broadcast', event, payload });
    }
}

/** Joins a channel and waits until it is joined. */
export async function listen({ client }, topic, config) {
    const ear = new Ear(client, topic, config).subscribe();
    await ear.status('SUBSCRIBED');
    return ear;
}

/** Tries to join a channel and gives the message of the refusal. */
export async function refusedToListen({ client }, topic, config) {
    const ear = new Ear(client, topic, config).subscribe();
    const refusal = await ear.status('CHANNEL_ERROR');
    assert.ok(!ear.statuses.includes('SUBSCRIBED'), `${topic} was joined`);
    await client.removeChannel(ear.channel);
    return refusal.slice('CHANNEL_ERROR: '.length);
}

const bare = [];
after(() => bare.forEach((socket) => socket.terminate()));

/** A WebSocket without a client library. `frames` holds what came, parsed where it is JSON. */
export class BareSocket {
    constructor({ vsn = '2.0.0', key = stack.anonKey } = {}) {
        this.frames = [];
        this.vsn = vsn;
        this.url = `${stack.url.replace(/^http/, 'ws')}/realtime/v1/websocket?apikey=${encodeURIComponent(key)}&vsn=${vsn}`;
        this.socket = new WebSocket(this.url);
        bare.push(this.socket);
        this.socket.on('message', (data, isBinary) => this.frames.push(isBinary ? data : this.#read(JSON.parse(data.toString()))));
        this.closed = new Promise((resolve) => this.socket.once('close', (code) => resolve(code)));
        this.opened = new Promise((resolve, reject) => {
            this.socket.once('open', () => resolve(this));
            this.socket.once('error', reject);
            this.socket.once('unexpected-response', (_, response) => {
                let body = '';
                response.on('data', (part) => (body += part));
                response.on('end', () => reject(Object.assign(new Error(`HTTP ${response.statusCode}`), { status: response.statusCode, body })));
            });
        });
        // Errors after the opening show in `closed`.
        this.socket.on('error', () => {});
    }

    #read(frame) {
        if (this.vsn === '1.0.0') {
            return frame;
        }
        const [join_ref, ref, topic, event, payload] = frame;
        return { join_ref, ref, topic, event, payload };
    }

    /** Sends one frame, well-formed for the version. */
    push(topic, event, payload, ref = null, join_ref = null) {
        const frame = this.vsn === '1.0.0' ? { topic, event, payload, ref, join_ref } : [join_ref, ref, topic, event, payload];
        this.socket.send(JSON.stringify(frame));
    }

    /** Sends one frame and waits for its reply. */
    async ask(topic, event, payload, ref, join_ref = ref) {
        this.push(topic, event, payload, ref, join_ref);
        const reply = await this.gets((frame) => frame.event === 'phx_reply' && frame.ref === ref);
        return reply.payload;
    }

    gets(test) {
        return eventually(() => this.frames.find(test), () => `a frame; there are ${JSON.stringify(this.frames).slice(0, 2000)}`);
    }

    /** Whether the server still answers this socket. */
    async isAnswered(ref = `beat ${Math.random()}`) {
        const { status } = await this.ask('phoenix', 'heartbeat', {}, ref, null);
        return status === 'ok';
    }
}

/** The config of a join. */
export function joinPayload({ access_token, ...config } = {}) {
    return {
        config: { broadcast: { ack: false, self: false }, presence: { key: '', enabled: false }, postgres_changes: [], private: false, ...config },
        ...(access_token ? { access_token } : {}),
    };
}
