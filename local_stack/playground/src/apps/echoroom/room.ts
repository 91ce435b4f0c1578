// A room as one of its members has it: seats, messages, who types and who is connected, kept true over losses of the connection.
//
// What is kept comes from the tables. Events only say that something changed, or hurry what `room_state` says anyway.

import { Refusal, judge, notDoneWords, wordsFor } from '../../errors';
import type { EventLog } from '../../event_log';
import { Keeper } from '../../keeper';
import { Line, type Payload } from '../../line';
import type { Link } from '../../link';
import { Outbox } from '../../outbox';
import { Queue, type Judgement } from '../../queue';
import { LATE_MS, delayAfter } from '../../pause';
import type { Person } from '../../person';
import { Store } from '../../store';
import { Stream } from '../../stream';
import { apiOf, type Api, type Message, type Removed, type RoomState, type Seat, type Session } from './api';
import { isChange, isOvertaken, messageAfter, perform, seatAfter, undoneWords, type Change, type Wish } from './changes';
import { Conversations } from './conversations';
import { seatsAfter, withSeat, withoutSeat, type Seats } from './seats';
import { Typing } from './typing';

/** How long a seat is kept without a heartbeat. */
const LEASE_MS = 60_000;
const PAGE = 50;
const NOTICE_MS = 8_000;

/** Why somebody is not in the room any more. */
export interface Ending {
    readonly kind: 'removed' | 'full' | 'closed' | 'missing' | 'refused';
    readonly words: string;
}

export interface RoomOptions {
    readonly person: Person;
    readonly link: Link;
    readonly log: EventLog;
    readonly sessionId: string;
    readonly name: string | undefined;
    readonly mood: string | undefined;
}

export class Room extends Store {
    readonly id: string;
    readonly me: string;
    readonly stream: Stream<Message>;
    readonly outbox: Outbox<Message>;
    readonly changes: Queue<Change, Message | Seat | undefined>;
    readonly typing: Typing;
    readonly conversations: Conversations;
    /** The moods that there are avatars of. */
    moods: readonly string[] = [];
    session: Session | undefined;
    seats: Seats = new Map();
    /** Who may not come back; known to who opened the room. */
    removed: readonly Removed[] = [];
    /** Whose pages are connected; undefined while nobody says. */
    connected: ReadonlySet<string> | undefined;
    ending: Ending | undefined;
    /** Something that went wrong, in plain words. */
    notice: string | undefined;
    /** What a screen reader reads out. */
    announcement = '';

    readonly #options: RoomOptions;
    readonly #api: Api;
    readonly #line: Line;
    readonly #keeper: Keeper;
    #isOver = false;
    #failures = 0;
    #beats = 0;
    #lastBeat = 0;
    #announced = 0;
    #noticeTimer: ReturnType<typeof setTimeout> | undefined;
    #retryTimer: ReturnType<typeof setTimeout> | undefined;
    #secondLook: ReturnType<typeof setTimeout> | undefined;

    constructor(options: RoomOptions) {
        super();
        const { person, sessionId, link, log } = options;
        this.#options = options;
        this.id = sessionId;
        this.me = person.id;
        this.#api = apiOf(person.client);
        this.#line = new Line(person.client, this.me, {
            event: (name, payload) => this.#event(name, payload),
            presence: (connected) => {
                this.connected = connected;
                this.changed();
            },
            joined: () => this.#joined(),
            lost: (reason) => this.#lost(reason),
        });
        this.#keeper = new Keeper({
            line: this.#line,
            link,
            log,
            beat: () => this.#beat(),
            back: () => {
                this.outbox.flush();
                this.changes.flush();
                void this.stream.catchUp();
            },
        });
        this.stream = this.#newStream();
        this.outbox = this.#newOutbox();
        this.changes = this.#newChanges();
        this.typing = new Typing({
            tell: (event, payload) => this.#line.say(event, { user_id: this.me, ...payload }),
            changed: () => this.changed(),
        });
        this.conversations = this.#newConversations();
    }

    /** My seat as it will be when what I changed of it is stored. */
    get mySeat(): Seat | undefined {
        const seat = this.seats.get(this.me);
        return seat && seatAfter(seat, this.changes.items);
    }

    /** The messages as they will be when what I changed of them is stored. */
    get messages(): readonly Message[] {
        const { items } = this.changes;
        return items.length === 0 ? this.stream.rows : this.stream.rows.map((message) => messageAfter(message, items));
    }

    /** What I changed of a message and the server has not done yet, or refused. */
    changesOf(messageId: string): readonly Change[] {
        return this.changes.items.filter((change) => 'message_id' in change && change.message_id === messageId);
    }

    /** Whether I opened this room. */
    get isMine(): boolean {
        return this.session?.created_by === this.me;
    }

    /** Takes the seat and begins to listen. */
    async enter(): Promise<void> {
        const { name, mood } = this.#options;
        try {
            const who = { ...(name ? { user_name: name } : {}), ...(mood ? { mood } : {}) };
            const state = await this.#keeper.reach(this.#api.joinRoom(this.id, who));
            this.#lastBeat = Date.now();
            if (!this.session) {
                const newest = await this.#keeper.reach(this.#api.getMessages(this.id, PAGE));
                this.#announced = Math.max(0, ...newest.map(({ seq }) => seq));
                this.stream.start(newest, state.last_seq, newest.length === PAGE);
            }
            if (!this.#isOver) {
                this.#failures = 0;
                this.notice = undefined;
                this.#take(state);
                this.#keeper.start();
                this.outbox.flush();
                this.changes.flush();
                await this.#arrive();
            }
        } catch (error) {
            this.#notEntered(error);
        }
    }

    /** Gives the seat back. When that does not get through, the seat runs out by itself. */
    async leave(): Promise<void> {
        this.close();
        await this.#api.leaveRoom(this.id).catch(() => undefined);
    }

    /** Stops listening, and keeps the seat until its lease runs out. */
    close(): void {
        this.#isOver = true;
        clearTimeout(this.#noticeTimer);
        clearTimeout(this.#retryTimer);
        clearTimeout(this.#secondLook);
        this.#keeper.stop();
        this.#line.close();
        this.stream.stop();
        this.outbox.stop();
        this.changes.stop();
        this.typing.stop();
        this.conversations.stop();
    }

    // What a person does --------------------------------------------------------------------------------------------------------

    say(content: string, replyTo: string | null): void {
        this.typing.done();
        this.outbox.add(content, replyTo);
    }

    /** Has something changed: shown at once, done as soon as it can be. */
    want(wish: Wish): void {
        const change: Change = { ...wish, id: crypto.randomUUID(), refusal: null };
        this.changes.add(change, (held) => isOvertaken(held, wish));
    }

    /** Puts my reaction on a message, or takes it back. */
    react(message: Message, emoji: string): void {
        const isMine = message.reactions.some((reaction) => reaction.emoji === emoji && reaction.reacted);
        this.want({ kind: 'react', message_id: message.id, emoji, on: !isMine });
    }

    setVoice(voice: { is_speaking?: boolean; is_muted?: boolean }): void {
        const { is_speaking = false, is_muted = false } = this.mySeat ?? {};
        this.want({ kind: 'voice', is_speaking, is_muted, ...voice });
    }

    async loadEarlier(): Promise<void> {
        const oldest = this.stream.rows[0];
        const page = oldest && (await this.#attempt(this.#api.getMessages(this.id, PAGE, oldest.seq)));
        if (page) {
            this.stream.earlier(page, page.length === PAGE);
        }
    }

    dismissNotice(): void {
        this.notice = undefined;
        this.changed();
    }

    // Calls ---------------------------------------------------------------------------------------------------------------------

    #newStream(): Stream<Message> {
        return new Stream({
            since: async (after) => {
                const page = await this.#keeper.reach(this.#api.messagesSince(this.id, after));
                this.#log('call', 'messages_since', { after, rows: page.messages.length, last_seq: page.last_seq });
                return page;
            },
            changed: () => this.#streamChanged(),
            failed: (error) => this.#mayGoOn(error),
        });
    }

    #newOutbox(): Outbox<Message> {
        return new Outbox({
            storage: sessionStorage,
            key: `parley.outbox.${this.id}`,
            send: ({ content, reply_to, client_id }) =>
                this.#keeper.reach(this.#api.sendMessage(this.id, { content, reply_to, client_id })),
            stored: (message) => this.stream.put(message),
            judge: (error) => this.#judge(error),
            changed: () => this.changed(),
        });
    }

    #newChanges(): Queue<Change, Message | Seat | undefined> {
        return new Queue({
            storage: sessionStorage,
            key: `parley.changes.${this.id}`,
            idOf: ({ id }) => id,
            isItem: isChange,
            send: (change) => this.#keeper.reach(perform(this.#api, this.id, change)),
            done: (change, result) => this.#changeDone(change, result),
            judge: (error) => this.#judge(error),
            // It stands at its message as well, which may be far from what one looks at by then.
            refused: (change, words) => this.#tell(`${undoneWords(change)} ${words}`),
            changed: () => this.changed(),
        });
    }

    #changeDone(change: Change, result: Message | Seat | undefined): void {
        if (result && 'content' in result) {
            this.stream.put(result);
        } else if (result) {
            this.#showSeats(withSeat(this.seats, result));
        } else {
            if (change.kind === 'remove') {
                this.#showSeats(withoutSeat(this.seats, change.user_id));
            }
            void this.#readRemoved();
        }
    }

    /** Whether what a person did goes out again by itself. A seat that ran out is being taken again, and the rest can wait for it. */
    #judge(error: unknown): Judgement {
        const isLate = Date.now() - this.#lastBeat >= LEASE_MS;
        this.#mayGoOn(error);
        return isLate && isLostSeat(error) ? { again: true } : judge(error);
    }

    #newConversations(): Conversations {
        return new Conversations({
            read: async () => {
                const rows = await this.#keeper.reach(this.#api.conversations(this.id));
                this.#log('call', 'conversations', { rows: rows.length, latest: rows[0]?.status });
                return rows;
            },
            start: (mood) => this.#attempt(this.#api.startConversation(this.id, mood)),
            end: (id) => this.#attempt(this.#api.endConversation(id)),
            changed: () => this.changed(),
            failed: (error) => void this.#mayGoOn(error),
        });
    }

    /** The result; when there is none, the reason is shown. */
    async #attempt<Data>(pending: Promise<Data>): Promise<Data | undefined> {
        try {
            return await this.#keeper.reach(pending);
        } catch (error) {
            this.#mayGoOn(error);
            this.#tell(notDoneWords(error));
            return undefined;
        }
    }

    #tell(words: string): void {
        if (!this.#isOver) {
            clearTimeout(this.#noticeTimer);
            this.notice = words;
            this.#noticeTimer = setTimeout(() => this.dismissNotice(), NOTICE_MS);
            this.changed();
        }
    }

    #notEntered(error: unknown): void {
        if (this.#isOver) {
            return;
        }
        if (error instanceof Refusal && error.isPassing) {
            this.#failures += 1;
            this.notice = wordsFor(error);
            const wait = (error.secondsToWait ?? 0) * 1000 || delayAfter(this.#failures);
            this.#retryTimer = setTimeout(() => void this.enter(), wait);
            this.changed();
        } else {
            this.#end({ kind: kindOf(error), words: wordsFor(error) });
        }
    }

    /** Draws the consequence of an error for the room; says whether the same call may succeed later. */
    #mayGoOn(error: unknown): boolean {
        if (!this.#isOver && error instanceof Refusal) {
            if (error.reason === 'room_not_found') {
                this.#end({ kind: kindOf(error), words: wordsFor(error) });
            } else if (isLostSeat(error)) {
                this.#seatIsGone();
            }
        }
        return !this.#isOver && error instanceof Refusal && error.isPassing;
    }

    /** Who was silent for too long gets a seat again; who was not has been removed. */
    #seatIsGone(): void {
        if (Date.now() - this.#lastBeat < LEASE_MS) {
            this.#end({ kind: 'removed', words: 'You were removed from this room. Nothing more of it is sent to you.' });
        } else {
            this.#log('link', 'the seat ran out: taking it again');
            this.#lastBeat = Date.now();
            void this.enter();
        }
    }

    #end(ending: Ending): void {
        this.close();
        // The server has answered, and nothing is waited for.
        this.#options.link.set({ isLive: true, isReachable: true });
        this.ending = ending;
        this.changed();
    }

    // What comes in ---------------------------------------------------------------------------------------------------------------

    #joined(): void {
        this.#log('link', 'joined the channel');
        this.#keeper.lineChanged();
        void this.stream.catchUp();
        void this.#refresh();
    }

    #lost(reason: string): void {
        this.#log('link', `not joined: ${reason}`);
        this.connected = undefined;
        this.#keeper.lineChanged();
        this.changed();
    }

    /** Keeps the seat, and hears where the room is: a quiet connection may have lost the last event. */
    async #beat(): Promise<void> {
        try {
            const beat = await this.#keeper.reach(this.#api.heartbeat(this.id));
            this.#lastBeat = Date.now();
            this.#beats += 1;
            this.#line.follow(beat.topic);
            this.stream.heard(beat.last_seq);
            if (!this.#line.isJoined || this.#beats % 3 === 0) {
                await this.#refresh();
            } else if (this.conversations.isUnsettled) {
                await this.conversations.refresh();
            }
        } catch (error) {
            this.#mayGoOn(error);
        }
    }

    /** Reads seats, session and topic, and where the avatar is. */
    async #refresh(): Promise<void> {
        void this.conversations.refresh();
        try {
            this.#take(await this.#keeper.reach(this.#api.roomState(this.id)));
        } catch (error) {
            this.#mayGoOn(error);
        }
    }

    /** What can wait until somebody sits. */
    async #arrive(): Promise<void> {
        void this.conversations.refresh();
        void this.#readMoods();
        if (this.isMine) {
            await this.#readRemoved();
        }
        // Who followed a link has not said how they feel: as the room does, then.
        if (this.session && this.mySeat && !this.#options.mood) {
            const seat = await this.#attempt(this.#api.updateParticipant(this.id, { mood: this.session.category }));
            this.#showSeats(seat ? withSeat(this.seats, seat) : this.seats);
        }
    }

    async #readMoods(): Promise<void> {
        const personas = await this.#attempt(this.#api.personas());
        this.moods = personas?.flatMap(({ mood }) => mood ?? []) ?? this.moods;
        this.changed();
    }

    async #readRemoved(): Promise<void> {
        this.removed = (await this.#attempt(this.#api.listRemoved(this.id))) ?? this.removed;
        this.changed();
    }

    #event(name: string, payload: Payload): void {
        const { seq, user_id: userId } = payload;
        const verdict = this.stream.heard(seq);
        this.#options.log.add({ kind: 'event', name, verdict, detail: payload, ...(typeof seq === 'number' ? { seq } : {}) });
        if (name.startsWith('avatar-')) {
            this.conversations.heard();
        }
        const isAboutTheRoom = name === 'room-changed' || name === 'topic-rotated';
        if (isAboutTheRoom || (name === 'user-left' && userId === this.me)) {
            // Whether that is true, and what the room is now, the server knows; at once, or an instant later.
            void this.#refresh();
            clearTimeout(this.#secondLook);
            this.#secondLook = setTimeout(() => void this.#refresh(), LATE_MS);
        } else if (typeof userId === 'string') {
            if (name === 'typing-start' && userId !== this.me && this.seats.has(userId)) {
                this.typing.started(userId);
            } else if (name === 'typing-stop' || name === 'receiveMessage' || name === 'user-left') {
                this.typing.stopped(userId);
            }
            this.#showSeats(seatsAfter(this.seats, name, userId, payload));
        }
    }

    #take(state: RoomState): void {
        if (!this.#isOver) {
            this.session = state.session;
            this.#line.follow(state.topic);
            this.stream.heard(state.last_seq);
            this.#showSeats(new Map(state.participants.map((seat) => [seat.user_id, seat])));
        }
    }

    #showSeats(seats: Seats): void {
        this.seats = seats;
        this.changed();
    }

    #streamChanged(): void {
        const { rows } = this.stream;
        const drafts = new Set(this.outbox.drafts.map(({ client_id }) => client_id));
        for (const row of rows) {
            if (row.client_id !== null && drafts.has(row.client_id) && row.user_id === this.me) {
                this.outbox.arrived(row.client_id);
            }
        }
        const news = rows.filter(({ seq, user_id, deleted_at }) => seq > this.#announced && user_id !== this.me && !deleted_at);
        if (news.length > 0) {
            this.announcement = news.map(({ sender_name, content }) => `${sender_name}: ${content}`).join('\n');
        }
        this.#announced = Math.max(this.#announced, rows.at(-1)?.seq ?? 0);
        this.changed();
    }

    #log(kind: 'call' | 'link', name: string, detail?: unknown): void {
        this.#options.log.add({ kind, name, ...(detail === undefined ? {} : { detail }) });
    }
}

function kindOf(error: unknown): Ending['kind'] {
    switch (error instanceof Refusal ? error.reason : '') {
        case 'removed_from_room':
            return 'removed';
        case 'room_full':
            return 'full';
        case 'room_closed':
            return 'closed';
        case 'room_not_found':
            return 'missing';
        default:
            return 'refused';
    }
}

function isLostSeat(error: unknown): boolean {
    return error instanceof Refusal && error.reason === 'not_a_member';
}
