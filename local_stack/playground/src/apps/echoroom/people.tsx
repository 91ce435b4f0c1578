// Who sits in the room: voice, presence, who writes; and for who opened it, the way to take a seat away.

import { useRef, useState } from 'preact/hooks';
import { Icon } from '../../icons';
import { Avatar } from './avatar';
import type { Seat } from './api';
import type { Room } from './room';

export function People({ room }: { room: Room }) {
    const dialog = useRef<HTMLDialogElement>(null);
    // Kept when the dialog closes: it says so a frame later, when it may be open again.
    const [removing, setRemoving] = useState<Seat>();
    const ask = (seat: Seat) => {
        setRemoving(seat);
        dialog.current?.showModal();
    };
    return (
        <section class="people" aria-labelledby="people-title">
            <h2 id="people-title">People</h2>
            <ul>
                {meFirst(room).map((seat) => (
                    <Person key={seat.user_id} room={room} seat={seat} remove={() => ask(seat)} />
                ))}
            </ul>
            {room.isMine && room.removed.length > 0 && <RemovedPeople room={room} />}
            <dialog ref={dialog} aria-labelledby="remove-title">
                <h2 id="remove-title">Remove {removing?.user_name}?</h2>
                <p>They lose their seat, hear nothing more of this room, and stay out until you let them back in.</p>
                <form method="dialog" class="row">
                    <button class="plain">Keep</button>
                    <button class="danger" onClick={() => removing && void room.removePerson(removing.user_id)}>
                        Remove
                    </button>
                </form>
            </dialog>
        </section>
    );
}

function meFirst({ seats, mySeat }: Room): readonly Seat[] {
    return [...(mySeat ? [mySeat] : []), ...[...seats.values()].filter((seat) => seat !== mySeat)];
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
                            onClick={() => void room.readmit(user_id)}
                        >
                            Let back in
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
    const states = [seat.is_speaking && 'speaking', seat.is_muted && 'muted', isTyping && 'writing…'].filter(Boolean);
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
            {room.isMine && !isMe && (
                <button type="button" class="quiet square remove" aria-label={`Remove ${seat.user_name}`} onClick={remove}>
                    <Icon name="removePerson" size={18} />
                </button>
            )}
        </li>
    );
}
