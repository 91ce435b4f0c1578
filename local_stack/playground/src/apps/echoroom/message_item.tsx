// One message, with what can be done to it.

import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Icon } from '../../icons';
import { lengthOf, lengthWords } from '../../length';
import type { Question } from '../../question';
import { Refused } from '../../refused';
import { LengthNote } from '../../text_field';
import type { Message } from './api';
import { Avatar } from './avatar';
import { undoneWords, type Change } from './changes';
import { MESSAGE_MAX } from './composer';
import type { Room } from './room';

const EMOJI = ['👍', '❤️', '😂', '🎉', '😮', '😢', '🙏', '👋'];

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

interface MessageItemProps {
    readonly room: Room;
    readonly message: Message;
    /** Whether it begins a group, and names who speaks. */
    readonly isFirst: boolean;
    readonly isInTabOrder: boolean;
    readonly isEditing: boolean;
    readonly isReachable: boolean;
    focused(): void;
    edit(id: string | undefined): void;
    reply(message: Message): void;
    ask(question: Question): void;
}

export function MessageItem(props: MessageItemProps) {
    const { room, message, isFirst, isInTabOrder, isEditing, focused } = props;
    const isMine = message.user_id === room.me;
    const time = new Date(message.created_at);
    const changes = room.changesOf(message.id);
    const waiting = changes.filter(({ refusal }) => refusal === null);
    const classes = ['message', isMine && 'mine', isFirst && 'first', message.deleted_at && 'deleted', waiting.length > 0 && 'waits'];
    return (
        <li
            class={classes.filter(Boolean).join(' ')}
            data-id={message.id}
            data-seq={message.seq}
            tabIndex={isInTabOrder ? 0 : -1}
            onFocus={focused}
        >
            {isFirst && !isMine && <Avatar userId={message.user_id} name={message.sender_name} />}
            <div class="message-body">
                <p class={isFirst ? 'message-head' : 'message-head sr'}>
                    <span class="sender">{isMine ? 'You' : message.sender_name}</span>{' '}
                    <time dateTime={message.created_at} title={full.format(time)}>
                        {clock.format(time)}
                    </time>
                </p>
                {isEditing ? <Editor {...props} /> : <Bubble {...props} isMine={isMine} />}
                {message.reactions.length > 0 && <Reactions room={room} message={message} waiting={waiting} />}
                {waiting.length > 0 && !props.isReachable && (
                    <p class="waiting-mark">
                        <Icon name="clock" size={14} /> Waiting to be sent: {waiting.map(wordsOf).join(', ')}
                    </p>
                )}
                <RefusedChanges {...props} changes={changes} />
            </div>
        </li>
    );
}

/** What is waiting, in a word. */
export function wordsOf(change: Change): string {
    switch (change.kind) {
        case 'edit':
            return 'edited';
        case 'delete':
            return 'deleted';
        case 'react':
            return change.on ? change.emoji : `${change.emoji} taken back`;
        default:
            return 'changed';
    }
}

function RefusedChanges({ room, message, changes, edit, ask }: MessageItemProps & { changes: readonly Change[] }) {
    return (
        <>
            {changes.map(
                (change) =>
                    change.refusal !== null && (
                        <RefusedChange
                            key={change.id}
                            room={room}
                            change={change}
                            ask={ask}
                            {...(message.deleted_at || change.kind !== 'edit' ? {} : { edit: () => edit(message.id) })}
                        />
                    ),
            )}
        </>
    );
}

/** What came of a change that was refused. A text is thrown away only after a question. */
export function RefusedChange({ room, change, ask, edit }: { room: Room; change: Change; ask: (question: Question) => void; edit?: () => void }) {
    const discard = () => room.changes.discard(change.id);
    const askFirst = () => ask({ title: 'Discard what you wrote?', text: 'It is kept nowhere else.', yes: 'Discard', act: discard });
    return (
        <Refused
            words={`${undoneWords(change)} ${change.refusal ?? ''}`}
            {...(change.kind === 'edit' ? { text: change.content } : {})}
            retry={() => room.changes.retry(change.id)}
            discard={change.kind === 'edit' ? askFirst : discard}
        >
            {edit && (
                <button type="button" class="plain small" onClick={edit}>
                    Edit it
                </button>
            )}
        </Refused>
    );
}

function Bubble(props: MessageItemProps & { isMine: boolean }) {
    const { room, message } = props;
    if (message.deleted_at) {
        return <p class="bubble">This message was deleted.</p>;
    }
    return (
        <div class="bubble-row">
            <div class="bubble">
                {message.reply_to !== null && <Quote message={room.stream.get(message.reply_to)} />}
                <p class="content">
                    {message.content}
                    {message.is_edited && <small class="edited"> (edited)</small>}
                </p>
            </div>
            {room.session?.is_active !== false && <Tools {...props} />}
        </div>
    );
}

function Quote({ message }: { message: Message | undefined }) {
    return (
        <p class="quote">
            {!message ? (
                'An earlier message'
            ) : message.deleted_at ? (
                'A deleted message'
            ) : (
                <>
                    <strong>{message.sender_name}</strong> {message.content}
                </>
            )}
        </p>
    );
}

function Tools({ room, message, isInTabOrder, isMine, edit, reply, ask }: MessageItemProps & { isMine: boolean }) {
    const [isPicking, setPicking] = useState(false);
    const opener = useRef<HTMLButtonElement>(null);
    const tabIndex = isInTabOrder ? 0 : -1;
    const close = () => {
        setPicking(false);
        opener.current?.focus();
    };
    const askToDelete = () =>
        ask({
            title: 'Delete this message?',
            text: (
                <>
                    <q>{message.content.length > 200 ? `${message.content.slice(0, 200)}…` : message.content}</q> Its text is gone for everybody, and does
                    not come back.
                </>
            ),
            yes: 'Delete',
            act: () => room.want({ kind: 'delete', message_id: message.id }),
        });
    return (
        <div class={isPicking ? 'tools open' : 'tools'} role="group" aria-label="For this message">
            <button
                ref={opener}
                type="button"
                class="quiet square"
                tabIndex={tabIndex}
                aria-label="React"
                aria-expanded={isPicking}
                onClick={() => setPicking(!isPicking)}
            >
                <Icon name="smile" size={18} />
            </button>
            <button type="button" class="quiet square" tabIndex={tabIndex} aria-label="Answer" onClick={() => reply(message)}>
                <Icon name="reply" size={18} />
            </button>
            {isMine && (
                <>
                    <button type="button" class="quiet square" tabIndex={tabIndex} aria-label="Edit" onClick={() => edit(message.id)}>
                        <Icon name="edit" size={18} />
                    </button>
                    <button
                        type="button"
                        class="quiet square"
                        tabIndex={tabIndex}
                        aria-label="Delete"
                        onClick={askToDelete}
                    >
                        <Icon name="trash" size={18} />
                    </button>
                </>
            )}
            {isPicking && (
                <Picker
                    pick={(emoji) => {
                        close();
                        room.react(message, emoji);
                    }}
                    close={close}
                    leave={() => setPicking(false)}
                />
            )}
        </div>
    );
}

function Picker({ pick, close, leave }: { pick: (emoji: string) => void; close: () => void; leave: () => void }) {
    const box = useRef<HTMLDivElement>(null);
    useLayoutEffect(() => box.current?.querySelector('button')?.focus(), []);
    return (
        <div
            ref={box}
            class="picker"
            role="group"
            aria-label="Reactions"
            onKeyDown={(event) => {
                if (event.key === 'Escape') {
                    event.stopPropagation();
                    close();
                }
            }}
            onFocusOut={(event) => {
                const next = event.relatedTarget;
                if (next instanceof Node && !box.current?.parentElement?.contains(next)) {
                    leave();
                }
            }}
        >
            {EMOJI.map((emoji) => (
                <button key={emoji} type="button" class="quiet square emoji" aria-label={`React with ${emoji}`} onClick={() => pick(emoji)}>
                    {emoji}
                </button>
            ))}
        </div>
    );
}

function Reactions({ room, message, waiting }: { room: Room; message: Message; waiting: readonly Change[] }) {
    const waits = (emoji: string) => waiting.some((change) => change.kind === 'react' && change.emoji === emoji);
    return (
        <ul class="reactions" aria-label="Reactions">
            {message.reactions.map(({ emoji, count, reacted }) => (
                <li key={emoji}>
                    <button
                        type="button"
                        class={waits(emoji) ? 'reaction waits' : 'reaction'}
                        aria-pressed={reacted}
                        aria-label={`${emoji}, ${count} ${count === 1 ? 'person' : 'people'}`}
                        onClick={() => room.react(message, emoji)}
                    >
                        <span class="emoji">{emoji}</span> {count}
                    </button>
                </li>
            ))}
        </ul>
    );
}

function Editor({ room, message, edit }: MessageItemProps) {
    const refused = room.changesOf(message.id).find((change) => change.kind === 'edit' && change.refusal !== null);
    // Who comes back to a text that was refused finds it as it was.
    const [text, setText] = useState(refused?.kind === 'edit' ? refused.content : message.content);
    const field = useRef<HTMLTextAreaElement>(null);
    const note = useId();
    const isTooLong = lengthOf(text) > MESSAGE_MAX;
    useLayoutEffect(() => {
        field.current?.focus();
        field.current?.setSelectionRange(text.length, text.length);
    }, []);
    const save = () => {
        const content = text.trim();
        if (content === '' || isTooLong) {
            return;
        }
        if (content !== message.content) {
            room.want({ kind: 'edit', message_id: message.id, content });
        } else if (refused) {
            room.changes.discard(refused.id);
        }
        edit(undefined);
    };
    return (
        <form
            class="editor"
            onSubmit={(event) => {
                event.preventDefault();
                save();
            }}
        >
            <textarea
                ref={field}
                aria-label="Edit your message"
                rows={2}
                value={text}
                aria-describedby={note}
                aria-invalid={isTooLong}
                onInput={(event) => setText(event.currentTarget.value)}
                onKeyDown={(event) => {
                    if (event.key === 'Escape') {
                        event.stopPropagation();
                        edit(undefined);
                    } else if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
                        event.preventDefault();
                        save();
                    }
                }}
            />
            <LengthNote id={note} words={lengthWords(text, MESSAGE_MAX)} isTooLong={isTooLong} />
            <div class="row">
                <button type="submit" class="primary small" disabled={text.trim() === '' || isTooLong}>
                    Save
                </button>
                <button type="button" class="plain small" onClick={() => edit(undefined)}>
                    Cancel
                </button>
            </div>
        </form>
    );
}
