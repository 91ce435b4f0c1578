// The conversation. One message is in the tab order at a time; the arrow keys move between them.

import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Icon } from '../../icons';
import { useKeptFocus } from '../../kept_focus';
import { useQuestion } from '../../question';
import type { Message } from './api';
import { MessageItem, RefusedChange, wordsOf } from './message_item';
import { PendingItem } from './pending_item';
import type { Room } from './room';

/** Messages of one person closer together than this share a heading. */
const GROUP_MS = 5 * 60_000;
/** So close to the end, the list follows what is said. */
const NEAR_PX = 80;

interface MessageListProps {
    readonly room: Room;
    readonly isReachable: boolean;
    readonly editing: string | undefined;
    edit(id: string | undefined): void;
    reply(message: Message): void;
    /** Where one writes: it takes the focus that has no other place. */
    readonly field: RefObject<HTMLTextAreaElement | null>;
}

export function MessageList({ room, isReachable, editing, edit, reply, field }: MessageListProps) {
    const rows = room.messages;
    const { drafts } = room.outbox;
    const [question, ask] = useQuestion();
    // Changes of messages that are further back than what is loaded.
    const elsewhere = room.changes.items.filter((change) => 'message_id' in change && !room.stream.get(change.message_id));
    const list = useRef<HTMLOListElement>(null);
    const [current, setCurrent] = useState<string>();
    const { scroller, isBelow, toEnd } = useFollow(rows, drafts.length);
    useKeptFocus(list, field);
    const inTabOrder = rows.some(({ id }) => id === current) ? current : rows.at(-1)?.id;

    const onKeyDown = (event: KeyboardEvent) => {
        // Only from the message itself: its buttons and fields have keys of their own.
        if (!(event.target instanceof HTMLLIElement)) {
            return;
        }
        const index = rows.findIndex(({ id }) => id === inTabOrder);
        const target = { ArrowUp: index - 1, ArrowDown: index + 1, Home: 0, End: rows.length - 1 }[event.key];
        const next = target === undefined ? undefined : rows[target];
        if (next) {
            event.preventDefault();
            setCurrent(next.id);
            list.current?.querySelector<HTMLElement>(`[data-id="${next.id}"]`)?.focus();
        }
    };

    return (
        <div class="scroller" ref={scroller}>
            {room.stream.hasEarlier ? (
                <button type="button" class="plain earlier" onClick={() => void room.loadEarlier()}>
                    Earlier messages
                </button>
            ) : (
                <p class="beginning">{rows.length === 0 ? 'Nobody has said anything yet. Say hello!' : 'Here it began.'}</p>
            )}
            <ol ref={list} class="messages" aria-label="Messages" onKeyDown={onKeyDown}>
                {rows.map((message, index) => (
                    <MessageItem
                        key={message.id}
                        room={room}
                        message={message}
                        isFirst={!belongsTo(rows[index - 1], message)}
                        isInTabOrder={message.id === inTabOrder}
                        isEditing={message.id === editing}
                        focused={() => setCurrent(message.id)}
                        edit={edit}
                        reply={reply}
                        ask={ask}
                        isReachable={isReachable}
                    />
                ))}
                {drafts.map((draft) => (
                    <PendingItem key={draft.client_id} room={room} draft={draft} isReachable={isReachable} ask={ask} write={() => field.current?.focus()} />
                ))}
                {elsewhere.map((change) => (
                    <li key={change.id} class="message mine first pending">
                        <div class="message-body">
                            {change.refusal === null ? (
                                <p class="waiting-mark">
                                    <Icon name="clock" size={14} /> An earlier message, waiting to be sent: {wordsOf(change)}
                                </p>
                            ) : (
                                <RefusedChange room={room} change={change} ask={ask} />
                            )}
                        </div>
                    </li>
                ))}
            </ol>
            {question}
            {isBelow && (
                <button type="button" class="to-end" onClick={toEnd}>
                    <Icon name="arrowDown" size={16} /> New messages
                </button>
            )}
        </div>
    );
}

function belongsTo(before: Message | undefined, message: Message): boolean {
    return (
        before !== undefined &&
        before.user_id === message.user_id &&
        before.sender_name === message.sender_name &&
        message.reply_to === null &&
        Date.parse(message.created_at) - Date.parse(before.created_at) < GROUP_MS
    );
}

/** Stays at the end while one is there; keeps the place when history comes in above, and says when something came in below. */
function useFollow(rows: readonly Message[], drafts: number) {
    const scroller = useRef<HTMLDivElement>(null);
    const isAtEnd = useRef(true);
    const before = useRef({ first: rows[0]?.id, last: rows.at(-1)?.id, height: 0 });
    const [isBelow, setBelow] = useState(false);

    const toEnd = () => {
        const element = scroller.current;
        if (element) {
            element.scrollTop = element.scrollHeight;
        }
        isAtEnd.current = true;
        setBelow(false);
    };

    useEffect(() => {
        const element = scroller.current;
        if (!element) {
            return undefined;
        }
        const scrolled = () => {
            isAtEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_PX;
            if (isAtEnd.current) {
                setBelow(false);
            }
        };
        // The keyboard of a phone, a new line in the field: the end stays in sight.
        const observer = new ResizeObserver(() => {
            if (isAtEnd.current) {
                element.scrollTop = element.scrollHeight;
            }
        });
        element.addEventListener('scroll', scrolled, { passive: true });
        observer.observe(element);
        return () => {
            element.removeEventListener('scroll', scrolled);
            observer.disconnect();
        };
    }, []);

    useLayoutEffect(() => {
        const element = scroller.current;
        if (!element) {
            return;
        }
        const { first, last, height } = before.current;
        const hasHistory = first !== undefined && rows[0]?.id !== first;
        const hasNews = rows.at(-1)?.id !== last;
        if (hasHistory && !isAtEnd.current) {
            element.scrollTop += element.scrollHeight - height;
        } else if (isAtEnd.current) {
            element.scrollTop = element.scrollHeight;
        } else if (hasNews) {
            setBelow(true);
        }
        before.current = { first: rows[0]?.id, last: rows.at(-1)?.id, height: element.scrollHeight };
    }, [rows, drafts]);

    // What I wrote myself I want to see.
    useLayoutEffect(() => {
        if (drafts > 0) {
            toEnd();
        }
    }, [drafts]);

    return { scroller, isBelow, toEnd };
}
