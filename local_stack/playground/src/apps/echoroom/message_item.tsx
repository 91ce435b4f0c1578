// One message, with what can be done to it.

import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Icon } from '../../icons';
import type { Message } from './api';
import { Avatar } from './avatar';
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
    focused(): void;
    edit(id: string | undefined): void;
    reply(message: Message): void;
}

export function MessageItem(props: MessageItemProps) {
    const { room, message, isFirst, isInTabOrder, isEditing, focused } = props;
    const isMine = message.user_id === room.me;
    const time = new Date(message.created_at);
    const classes = ['message', isMine && 'mine', isFirst && 'first', message.deleted_at && 'deleted'];
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
                {message.reactions.length > 0 && <Reactions room={room} message={message} />}
            </div>
        </li>
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

function Tools({ room, message, isInTabOrder, isMine, edit, reply }: MessageItemProps & { isMine: boolean }) {
    const [isPicking, setPicking] = useState(false);
    const opener = useRef<HTMLButtonElement>(null);
    const tabIndex = isInTabOrder ? 0 : -1;
    const close = () => {
        setPicking(false);
        opener.current?.focus();
    };
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
                        onClick={() => void room.remove(message)}
                    >
                        <Icon name="trash" size={18} />
                    </button>
                </>
            )}
            {isPicking && (
                <Picker
                    pick={(emoji) => {
                        close();
                        void room.react(message, emoji);
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

function Reactions({ room, message }: { room: Room; message: Message }) {
    return (
        <ul class="reactions" aria-label="Reactions">
            {message.reactions.map(({ emoji, count, reacted }) => (
                <li key={emoji}>
                    <button
                        type="button"
                        class="reaction"
                        aria-pressed={reacted}
                        aria-label={`${emoji}, ${count} ${count === 1 ? 'person' : 'people'}`}
                        onClick={() => void room.react(message, emoji)}
                    >
                        <span class="emoji">{emoji}</span> {count}
                    </button>
                </li>
            ))}
        </ul>
    );
}

function Editor({ room, message, edit }: MessageItemProps) {
    const [text, setText] = useState(message.content);
    const field = useRef<HTMLTextAreaElement>(null);
    useLayoutEffect(() => {
        field.current?.focus();
        field.current?.setSelectionRange(text.length, text.length);
    }, []);
    const save = async () => {
        const content = text.trim();
        if (content && (content === message.content || (await room.edit(message, content)))) {
            edit(undefined);
        }
    };
    return (
        <form
            class="editor"
            onSubmit={(event) => {
                event.preventDefault();
                void save();
            }}
        >
            <textarea
                ref={field}
                aria-label="Edit your message"
                rows={2}
                maxLength={4000}
                value={text}
                onInput={(event) => setText(event.currentTarget.value)}
                onKeyDown={(event) => {
                    if (event.key === 'Escape') {
                        event.stopPropagation();
                        edit(undefined);
                    } else if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
                        event.preventDefault();
                        void save();
                    }
                }}
            />
            <div class="row">
                <button type="submit" class="primary small" disabled={text.trim() === ''}>
                    Save
                </button>
                <button type="button" class="plain small" onClick={() => edit(undefined)}>
                    Cancel
                </button>
            </div>
        </form>
    );
}
