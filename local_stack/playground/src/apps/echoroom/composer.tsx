// Where one writes. Enter sends, Shift+Enter begins a line, Escape gives the answer up, the arrow up in an empty field edits.

import type { RefObject } from 'preact';
import { useEffect, useId, useState } from 'preact/hooks';
import { Icon } from '../../icons';
import { lengthOf, lengthWords, splitText } from '../../length';
import { LengthNote } from '../../text_field';
import type { Message } from './api';
import type { Room } from './room';

/** What one message takes, in characters. */
export const MESSAGE_MAX = 4_000;

/** Where what is half written is kept. */
export const textKeyOf = (roomId: string) => `parley.text.${roomId}`;

interface ComposerProps {
    readonly room: Room;
    readonly field: RefObject<HTMLTextAreaElement | null>;
    readonly replyTo: Message | undefined;
    endReply(): void;
    editLast(): void;
}

export function Composer({ room, field, replyTo, endReply, editLast }: ComposerProps) {
    const key = textKeyOf(room.id);
    const [text, setText] = useState(() => sessionStorage.getItem(key) ?? '');
    const isClosed = room.session?.is_active === false;
    const isEmpty = text.trim() === '';
    const isTooLong = lengthOf(text) > MESSAGE_MAX;
    const note = useId();

    useEffect(() => {
        try {
            if (text) {
                sessionStorage.setItem(key, text);
            } else {
                sessionStorage.removeItem(key);
            }
        } catch {
            // A text that the storage has no room for stays in the field, and does not survive a reload.
        }
    }, [key, text]);
    useEffect(() => field.current?.focus({ preventScroll: true }), [field]);

    const send = () => {
        if (!isEmpty && !isClosed && !isTooLong) {
            room.say(text.trim(), replyTo?.id ?? null);
            setText('');
            endReply();
        }
    };
    const sendSplit = () => {
        splitText(text, MESSAGE_MAX).forEach((piece, index) => room.say(piece, index === 0 ? (replyTo?.id ?? null) : null));
        setText('');
        endReply();
        field.current?.focus();
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
                    aria-describedby={note}
                    aria-invalid={isTooLong}
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
                <button type="submit" class="primary send" aria-label="Send" disabled={isEmpty || isClosed || isTooLong}>
                    <Icon name="send" />
                </button>
            </div>
            <div class="length-row">
                <LengthNote id={note} words={lengthWords(text, MESSAGE_MAX)} isTooLong={isTooLong} />
                {isTooLong && !isClosed && (
                    <button type="button" class="plain small" onClick={sendSplit}>
                        Send it as {splitText(text, MESSAGE_MAX).length} messages
                    </button>
                )}
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
