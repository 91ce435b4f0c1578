// Who sits in the room: voice, presence, who writes; and for who opened it, the way to take a seat away.

import { useRef, useState } from 'preact/hooks';
import { Icon } from '../../icons';
import { useKeptFocus } from '../../kept_focus';
import { useQuestion } from '../../question';
import { lengthOf } from '../../length';
import { TextField } from '../../text_field';
import { Avatar } from './avatar';
import type { Seat } from './api';
import { NAME_MAX, me } from './me';
import type { Room } from './room';

export function People({ room }: { room: Room }) {
    const [question, ask] = useQuestion();
    const list = useRef<HTMLUListElement>(null);
    const heading = useRef<HTMLHeadingElement>(null);
    useKeptFocus(list, heading);
    const askToRemove = ({ user_id, user_name }: Seat) =>
        ask({
            title: `Remove ${user_name}?`,
            text: 'They lose their seat, hear nothing more of this room, and stay out until you let them back in.',
            yes: 'Remove',
            act: () => room.want({ kind: 'remove', user_id, user_name }),
        });
    return (
        <section class="people" aria-labelledby="people-title">
            <h2 id="people-title" ref={heading} tabIndex={-1}>
                People
            </h2>
            <ul ref={list}>
                {meFirst(room).map((seat) => (
                    <Person key={seat.user_id} room={room} seat={seat} remove={() => askToRemove(seat)} />
                ))}
            </ul>
            {room.isMine && room.removed.length > 0 && <RemovedPeople room={room} />}
            {question}
        </section>
    );
}

function meFirst({ seats, mySeat, me: id }: Room): readonly Seat[] {
    return [...(mySeat ? [mySeat] : []), ...[...seats.values()].filter(({ user_id }) => user_id !== id)];
}

/** Whether this is to be done to somebody, and is not yet. */
function waits(room: Room, kind: 'remove' | 'readmit', userId: string): boolean {
    return room.changes.items.some((change) => change.refusal === null && change.kind === kind && change.user_id === userId);
}

function RemovedPeople({ room }: { room: Room }) {
    return (
        <div class="removed">
            <h3>Removed</h3>
            <ul>
                {room.removed.map(({ user_id, user_name }) => (
                    <li key={user_id}>
                        <span>{user_name}</span>
                        <button
                            type="button"
                            class="plain small"
                            aria-label={`Let ${user_name} back in`}
                            disabled={waits(room, 'readmit', user_id)}
                            onClick={() => room.want({ kind: 'readmit', user_id, user_name })}
                        >
                            {waits(room, 'readmit', user_id) ? 'Waiting…' : 'Let back in'}
                        </button>
                    </li>
                ))}
            </ul>
        </div>
    );
}

function Person({ room, seat, remove }: { room: Room; seat: Seat; remove: () => void }) {
    const isMe = seat.user_id === room.me;
    const isHost = seat.user_id === room.session?.created_by;
    const isTyping = room.typing.others.includes(seat.user_id);
    const presence = !room.connected ? 'unknown' : isMe || room.connected.has(seat.user_id) ? 'connected' : 'away';
    const isLeaving = waits(room, 'remove', seat.user_id);
    const states = [isLeaving && 'being removed…', seat.is_speaking && 'speaking', seat.is_muted && 'muted', isTyping && 'writing…'].filter(Boolean);
    return (
        <li class={seat.is_speaking ? 'person speaking' : 'person'}>
            <span class="avatar-place">
                <Avatar userId={seat.user_id} name={seat.user_name} />
                {presence !== 'unknown' && <span class={`presence ${presence}`} title={presence} />}
                {seat.is_muted && (
                    <span class="muted-mark">
                        <Icon name="micOff" size={12} />
                    </span>
                )}
            </span>
            <span class="person-text">
                <span class="person-name">
                    {seat.user_name}
                    {isMe && <span class="tag">you</span>}
                    {isHost && <span class="tag">host</span>}
                </span>
                <span class="person-state">
                    {states.length > 0 ? states.join(', ') : (seat.mood ?? '')}
                    {presence !== 'unknown' && <span class="sr">, {presence}</span>}
                </span>
            </span>
            {isMe && <Rename room={room} seat={seat} />}
            {room.isMine && !isMe && !isLeaving && (
                <button type="button" class="quiet square remove" aria-label={`Remove ${seat.user_name}`} onClick={remove}>
                    <Icon name="removePerson" size={18} />
                </button>
            )}
        </li>
    );
}

function Rename({ room, seat }: { room: Room; seat: Seat }) {
    const dialog = useRef<HTMLDialogElement>(null);
    const [name, setName] = useState('');
    const isUsable = name.trim() !== '' && lengthOf(name) <= NAME_MAX;
    const submit = (event: Event) => {
        event.preventDefault();
        if (isUsable) {
            dialog.current?.close();
            me.name = name.trim();
            room.want({ kind: 'rename', user_name: name.trim() });
        }
    };
    return (
        <>
            <button
                type="button"
                class="quiet square remove"
                aria-label="Change my name"
                onClick={() => {
                    setName(seat.user_name);
                    dialog.current?.showModal();
                }}
            >
                <Icon name="edit" size={18} />
            </button>
            <dialog ref={dialog} aria-labelledby="rename-title">
                <h2 id="rename-title">Change my name</h2>
                <form class="rename" onSubmit={submit}>
                    <TextField label="Your name" hint="in this room" value={name} max={NAME_MAX} set={setName} />
                    <div class="row">
                        <button type="button" class="plain" onClick={() => dialog.current?.close()}>
                            Cancel
                        </button>
                        <button type="submit" class="primary" disabled={!isUsable}>
                            Save
                        </button>
                    </div>
                </form>
            </dialog>
        </>
    );
}
