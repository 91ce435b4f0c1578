// The room: who is here, what was said, and what to say.

import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Icon } from '../../icons';
import type { Link } from '../../link';
import { useStore } from '../../store';
import type { AppProps } from '../app';
import { useQuestion } from '../../question';
import { Refused } from '../../refused';
import { apiOf, type Message } from './api';
import { AvatarPanel } from './avatar_panel';
import { undoneWords } from './changes';
import { Composer, textKeyOf } from './composer';
import { Door } from './door';
import { me } from './me';
import { MessageList } from './message_list';
import { MoodFace, toneOf } from './moods';
import { OtherRooms } from './other_rooms';
import { People } from './people';
import { Room, type Ending } from './room';

/** Who comes by a link is asked first; who was asked, or came from the lobby, sits, after a reload as well. */
export function RoomView(props: AppProps & { sessionId: string }) {
    const { sessionId } = props;
    const [isIn, setIn] = useState(me.room === sessionId);
    const enter = () => {
        me.room = sessionId;
        setIn(true);
    };
    return isIn ? <Seated {...props} /> : <Door {...props} enter={enter} />;
}

/** Where one wrote is gone with the room, and with it the focus. */
function focusOnce(heading: HTMLElement | null): void {
    heading?.focus();
}

/** The next room may have been chosen already. */
function forget(sessionId: string): void {
    if (me.room === sessionId) {
        me.room = '';
    }
}

const TITLES: Record<Ending['kind'], string> = {
    removed: 'You are out of this room',
    full: 'This room is full',
    closed: 'This room is closed',
    missing: 'This room is not there',
    refused: 'This did not work',
};

function Seated(props: AppProps & { sessionId: string }) {
    const { person, link, log, sessionId, go } = props;
    const [attempt, setAttempt] = useState(0);
    const room = useMemo(
        () => new Room({ person, link, log, sessionId, name: me.name || undefined, mood: me.mood || undefined }),
        [person, link, log, sessionId, attempt],
    );
    useStore(room);
    useEffect(() => {
        void room.enter();
        // A page that goes away keeps the seat for a while, for the reload; who goes elsewhere on the page leaves.
        return () => {
            if (room.ending) {
                room.close();
            } else {
                forget(sessionId);
                void room.leave();
            }
        };
    }, [room]);
    const hasEnded = room.ending !== undefined;
    useEffect(() => {
        if (hasEnded) {
            forget(sessionId);
        }
    }, [hasEnded, sessionId]);
    useTitle(room);
    const api = useMemo(() => apiOf(person.client), [person]);
    const [found, setFound] = useState<string>();
    const mood = room.session?.category ?? found;
    useEffect(() => {
        if (hasEnded && !room.session) {
            // A full room is to be seen from outside. Without its mood, others are offered.
            api.room(sessionId).then(
                (outside) => setFound(typeof outside === 'object' ? outside.category : undefined),
                () => undefined,
            );
        }
    }, [api, room, hasEnded, sessionId]);

    if (room.ending) {
        return (
            <section class="ending" aria-labelledby="ending-title">
                <MoodFace mood={room.session?.category ?? 'lonely'} size={72} />
                <h1 id="ending-title" tabIndex={-1} ref={focusOnce}>
                    {TITLES[room.ending.kind]}
                </h1>
                <p role="alert">{room.ending.words}</p>
                <Unsent room={room} />
                <OtherRooms api={api} mood={mood} go={go} />
                <div class="row">
                    <button
                        type="button"
                        class="plain"
                        onClick={() => {
                            me.room = sessionId;
                            setAttempt(attempt + 1);
                        }}
                    >
                        Try to come back
                    </button>
                    <button type="button" class="quiet" onClick={() => go('')}>
                        Back to the moods
                    </button>
                </div>
            </section>
        );
    }
    return <Inside room={room} {...props} />;
}

/** What one wrote and the room did not take: it is not lost with the room. */
function Unsent({ room }: { room: Room }) {
    const texts = [
        ...[sessionStorage.getItem(textKeyOf(room.id)) ?? ''].filter((text) => text.trim() !== ''),
        ...room.outbox.drafts.map(({ content }) => content),
        ...room.changes.items.flatMap((change) => (change.kind === 'edit' ? [change.content] : [])),
    ];
    return texts.length === 0 ? null : (
        <div class="unsent">
            <h2>What you wrote, and was not sent</h2>
            <ul>
                {texts.map((text, index) => (
                    <li key={index}>{text}</li>
                ))}
            </ul>
        </div>
    );
}

function Inside({ person, room, link, go }: AppProps & { room: Room }) {
    const [replyTo, setReplyTo] = useState<Message>();
    const [editing, setEditing] = useState<string>();
    const composer = useRef<HTMLTextAreaElement>(null);
    const { session, mySeat } = room;
    const { state } = useStore(link);

    if (!session || !mySeat) {
        return (
            <div class="waiting" role="status">
                <p>{room.notice ?? 'Taking a seat…'}</p>
            </div>
        );
    }
    const write = () => composer.current?.focus();
    return (
        <div class={`room tone-${toneOf(session.category)}`}>
            <RoomBar room={room} leave={() => go('')} />
            <div class="side">
                <People room={room} />
                <AvatarPanel room={room} />
            </div>
            <section class="talk" aria-label="Conversation">
                {!session.is_active && (
                    <div class="delay closed">
                        <p>This room is closed. You can still read what was said.</p>
                        <OtherRooms api={apiOf(person.client)} mood={session.category} go={go} />
                    </div>
                )}
                {state !== 'connected' && <p class="delay">{delayOf(link)}</p>}
                <MessageList
                    room={room}
                    isReachable={link.isReachable}
                    editing={editing}
                    field={composer}
                    edit={(id) => {
                        setEditing(id);
                        if (id === undefined) {
                            write();
                        }
                    }}
                    reply={(message) => {
                        setReplyTo(message);
                        write();
                    }}
                />
                <RefusedWishes room={room} />
                <RoomNotice room={room} />
                <Composer
                    room={room}
                    field={composer}
                    replyTo={replyTo}
                    endReply={() => setReplyTo(undefined)}
                    editLast={() => setEditing(lastOfMine(room)?.id)}
                />
            </section>
            <div class="sr" role="log" aria-live="polite" aria-label="New messages">
                {room.announcement}
            </div>
        </div>
    );
}

function RoomBar({ room, leave }: { room: Room; leave: () => void }) {
    const { session, seats, mySeat } = room;
    const [isCopied, setCopied] = useState(false);
    const [question, ask] = useQuestion();
    const leaveOrAsk = () => {
        if (room.outbox.drafts.length + room.changes.items.length === 0) {
            leave();
            return;
        }
        ask({
            title: 'Leave before all is sent?',
            text: 'What waits here is kept in this tab, and sent when you come back to this room.',
            yes: 'Leave',
            no: 'Stay',
            act: leave,
        });
    };
    if (!session || !mySeat) {
        return null;
    }
    const { is_speaking, is_muted } = mySeat;
    const copy = async () => {
        await navigator.clipboard.writeText(location.href).then(
            () => setCopied(true),
            () => window.prompt('The address of this room:', location.href),
        );
        setTimeout(() => setCopied(false), 3000);
    };
    return (
        <header class="room-bar">
            <MoodFace mood={session.category} size={44} />
            <div class="room-title">
                <h1>{session.category}</h1>
                <p>
                    {seats.size} of {session.max_participants} seats
                    <span class="wide-only"> taken{session.description && ` · ${session.description}`}</span>
                </p>
            </div>
            <div class="room-actions">
                <div class="voice" role="group" aria-label="My voice">
                    <button
                        type="button"
                        class="toggle"
                        aria-pressed={is_speaking}
                        onClick={() => room.setVoice(is_speaking ? { is_speaking: false } : { is_speaking: true, is_muted: false })}
                    >
                        <Icon name="mic" />
                        <span class="wide-text">Speaking</span>
                    </button>
                    <button
                        type="button"
                        class="toggle"
                        aria-pressed={is_muted}
                        onClick={() => room.setVoice(is_muted ? { is_muted: false } : { is_muted: true, is_speaking: false })}
                    >
                        <Icon name="micOff" />
                        <span class="wide-text">Muted</span>
                    </button>
                </div>
                <button type="button" class="quiet" onClick={() => void copy()}>
                    <Icon name={isCopied ? 'check' : 'link'} />
                    <span class="wide-text">{isCopied ? 'Copied' : 'Copy link'}</span>
                </button>
                <button type="button" class="quiet" onClick={leaveOrAsk}>
                    <Icon name="door" />
                    <span class="wide-text">Leave</span>
                </button>
            </div>
            {question}
        </header>
    );
}

function delayOf({ state, isReachable }: Link): string {
    if (state === 'offline') {
        return 'You are offline. What you write and change is kept here and sent when you are back.';
    }
    return isReachable
        ? 'The live connection is being made. Until then, news comes with a few seconds of delay.'
        : 'The server does not answer. What you write and change is kept here and sent when it is back.';
}

/** What one wanted of one's seat, or of somebody else's, and was refused. */
function RefusedWishes({ room }: { room: Room }) {
    const refused = room.changes.items.filter((change) => change.refusal !== null && !('message_id' in change));
    return (
        <div class="notice-place">
            {refused.map((change) => (
                <Refused
                    key={change.id}
                    words={`${undoneWords(change)} ${change.refusal}`}
                    retry={() => room.changes.retry(change.id)}
                    discard={() => room.changes.discard(change.id)}
                />
            ))}
        </div>
    );
}

function RoomNotice({ room }: { room: Room }) {
    return (
        <div class="notice-place" role="alert">
            {room.notice && (
                <p class="notice">
                    <Icon name="warning" size={18} />
                    <span>{room.notice}</span>
                    <button type="button" class="quiet square" aria-label="Dismiss" onClick={() => room.dismissNotice()}>
                        <Icon name="close" size={16} />
                    </button>
                </p>
            )}
        </div>
    );
}

function lastOfMine(room: Room): Message | undefined {
    return room.messages.findLast(({ user_id, deleted_at }) => user_id === room.me && !deleted_at);
}

/** The title counts what was said while nobody looked. */
function useTitle(room: Room): void {
    const seen = useRef(0);
    const last = room.stream.rows.at(-1)?.seq ?? 0;
    const category = room.session?.category ?? 'EchoRoom';
    useEffect(() => {
        const show = () => {
            const isVisible = document.visibilityState === 'visible';
            if (isVisible) {
                seen.current = last;
            }
            const count = room.stream.rows.filter(({ seq, user_id }) => seq > seen.current && user_id !== room.me).length;
            document.title = `${!isVisible && count > 0 ? `(${count}) ` : ''}${category} · Parley playground`;
        };
        show();
        document.addEventListener('visibilitychange', show);
        return () => document.removeEventListener('visibilitychange', show);
    }, [room, last, category]);
}
