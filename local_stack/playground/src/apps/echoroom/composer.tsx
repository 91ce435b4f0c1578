// Where one writes. Enter sends, Shift+Enter begins a line, Escape gives the answer up, the arrow up in an empty field edits.

import type { RefObject } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Icon } from '../../icons';
import type { Message } from './api';
import type { Room } from './room';

interface ComposerProps {
    readonly room: Room;
    readonly field: RefObject<HTMLTextAreaElement | null>;
    readonly replyTo: Message | undefined;
    endReply(): void;
    editLast(): void;
}

export function Composer({ room, field, replyTo, endReply, editLast }: ComposerProps) {
    const key = `parley.text.${room.id}`;
    const [text, setText] = useState(() => sessionStorage.getItem(key) ?? '');
    const isClosed = room.session?.is_active === false;
    const isEmpty = text.trim() === '';

    useEffect(() => {
        if (text) {
            sessionStorage.setItem(key, text);
        } else {
            sessionStorage.removeItem(key);
        }
    }, [key, text]);
    useEffect(() => field.current?.focus({ preventScroll: true }), [field]);

    const send = () => {
        if (!isEmpty && !isClosed) {
            room.say(text.trim(), replyTo?.id ?? null);
            setText('');
            endReply();
        }
    };
    const onKeyDown = (event: KeyboardEvent) => {
        if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
            event.preventDefault();
            send();
        } else if (event.key === 'Escape' && replyTo) {
            endReply();
        } else if (event.key === 'ArrowUp' && text === '') {
            event.preventDefault();
            editLast();
        }
    };

    return (
        <form
            class="composer"
            onSubmit={(event) => {
                event.preventDefault();
                send();
                field.current?.focus();
            }}
        >
            <TypingLine room={room} />
            {replyTo && (
                <p class="replying">
                    <Icon name="reply" size={16} />
                    <span>
                        Answering <strong>{replyTo.sender_name}</strong>: {replyTo.content}
                    </span>
                    <button
                        type="button"
                        class="quiet square"
                        aria-label="Do not answer"
                        onClick={() => {
                            endReply();
                            field.current?.focus();
                        }}
                    >
                        <Icon name="close" size={16} />
                    </button>
                </p>
            )}
            <div class="write">
                <textarea
                    ref={field}
                    aria-label="Message"
                    rows={1}
                    maxLength={4000}
                    placeholder={isClosed ? 'This room is closed.' : 'Write something…'}
                    disabled={isClosed}
                    value={text}
                    onInput={(event) => {
                        setText(event.currentTarget.value);
                        if (event.currentTarget.value.trim()) {
                            room.typing.mine(room.mySeat?.user_name ?? '');
                        } else {
                            room.typing.done();
                        }
                    }}
                    onKeyDown={onKeyDown}
                />
                <button type="submit" class="primary send" aria-label="Send" disabled={isEmpty || isClosed}>
                    <Icon name="send" />
                </button>
            </div>
        </form>
    );
}

function TypingLine({ room }: { room: Room }) {
    const names = room.typing.others.map((id) => room.seats.get(id)?.user_name).filter((name) => name !== undefined);
    const text =
        names.length === 0
            ? ''
            : names.length === 1
              ? `${names[0]} is writing`
              : names.length === 2
                ? `${names[0]} and ${names[1]} are writing`
                : 'Several people are writing';
    return (
        <p class="typing" aria-live="polite">
            {text && (
                <>
                    <span class="dots" aria-hidden="true">
                        <i />
                        <i />
                        <i />
                    </span>
                    {text}
                </>
            )}
        </p>
    );
}
