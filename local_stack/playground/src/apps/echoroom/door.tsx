// In front of a room that somebody has a link to: what it is, under which name to come in, and where else to go when it is full or not there.

import { useEffect, useMemo, useState } from 'preact/hooks';
import { Refusal, wordsFor } from '../../errors';
import { lengthOf } from '../../length';
import { TextField } from '../../text_field';
import type { AppProps } from '../app';
import { apiOf, type Api, type Session } from './api';
import { NAME_MAX, me } from './me';
import { MoodFace } from './moods';
import { OtherRooms } from './other_rooms';

const LOOK_AGAIN_MS = 5_000;

export function Door({ person, link, sessionId, go, enter }: AppProps & { sessionId: string; enter: () => void }) {
    const api = useMemo(() => apiOf(person.client), [person]);
    const [found, setFound] = useState<Session | 'unlisted' | 'none'>();
    const [trouble, setTrouble] = useState('');
    const [isClosed, setClosed] = useState(false);
    useEffect(() => {
        let isGone = false;
        const look = async () => {
            try {
                const seen = (await api.room(sessionId)) ?? 'none';
                if (seen === 'none') {
                    // It does not come back.
                    clearInterval(timer);
                    setClosed(await isRoomClosed(api, sessionId));
                }
                if (!isGone) {
                    setFound(seen);
                    setTrouble('');
                    link.set({ isLive: true, isReachable: true });
                }
            } catch (error) {
                if (!isGone) {
                    setTrouble(wordsFor(error));
                    link.set({ isLive: false, isReachable: !(error instanceof Refusal && error.status === 0) });
                }
            }
        };
        const timer = setInterval(() => document.visibilityState === 'visible' && void look(), LOOK_AGAIN_MS);
        void look();
        return () => {
            isGone = true;
            clearInterval(timer);
        };
    }, [api, link, sessionId]);
    const room = typeof found === 'object' ? found : undefined;
    const title = room?.category ?? 'EchoRoom';
    useEffect(() => {
        document.title = `${title} · Parley playground`;
    }, [title]);

    if (found === undefined) {
        return (
            <div class="waiting" role="status">
                <p>{trouble || 'Looking at the room…'}</p>
            </div>
        );
    }
    const lobby = (
        <button type="button" class="quiet" onClick={() => go('')}>
            Back to the moods
        </button>
    );
    if (found === 'none' || room?.is_active === false) {
        return (
            <section class="ending" aria-labelledby="door-title">
                <h1 id="door-title">{room || isClosed ? 'This room is closed' : 'This room is not there'}</h1>
                <p role="alert">
                    {room || isClosed ? 'Nothing more is said in it.' : 'There is no such room. It may have been deleted.'} There are others:
                </p>
                <OtherRooms api={api} mood={room?.category} go={go} />
                {lobby}
            </section>
        );
    }
    if (!room) {
        return (
            <section class="ending" aria-labelledby="door-title">
                <h1 id="door-title">A room of EchoRoom</h1>
                <p>It is open. More rooms are than are listed, so how many sit there shows when you do.</p>
                <ChooseName enter={enter} />
                {lobby}
            </section>
        );
    }
    const { category, description, max_participants, current_participants } = room;
    if (current_participants >= max_participants) {
        return (
            <section class="ending" aria-labelledby="door-title">
                <MoodFace mood={category} size={72} />
                <h1 id="door-title">{category}</h1>
                <p role="alert">
                    This room is full: {current_participants} of {max_participants} seats are taken. When one is free, it shows here.
                </p>
                <OtherRooms api={api} mood={category} go={go} />
                <div class="row">
                    {/* The seat of somebody who has been silent for too long is free, and counted until somebody asks. */}
                    <button type="button" class="plain" onClick={enter}>
                        Try it
                    </button>
                    {lobby}
                </div>
            </section>
        );
    }
    return (
        <section class="ending" aria-labelledby="door-title">
            <MoodFace mood={category} size={72} />
            <h1 id="door-title">{category}</h1>
            <p>
                {current_participants} of {max_participants} seats taken{description && ` · ${description}`}
            </p>
            <ChooseName enter={enter} />
            {lobby}
        </section>
    );
}

/** The table shows neither a closed room nor one that is not there; who wants to join is told which it is. */
async function isRoomClosed(api: Api, sessionId: string): Promise<boolean> {
    try {
        await api.joinRoom(sessionId, {});
    } catch (error) {
        if (error instanceof Refusal && error.isPassing) {
            throw error;
        }
        return error instanceof Refusal && error.reason === 'room_closed';
    }
    // It was opened again in this instant. Nobody is seated who did not ask for it.
    await api.leaveRoom(sessionId);
    return false;
}

function ChooseName({ enter }: { enter: () => void }) {
    const [name, setName] = useState(me.name);
    const submit = (event: Event) => {
        event.preventDefault();
        if (lengthOf(name) <= NAME_MAX) {
            me.name = name.trim();
            enter();
        }
    };
    return (
        <form class="door-form" onSubmit={submit}>
            <TextField label="Your name" hint="or leave it to us" value={name} max={NAME_MAX} set={setName} placeholder="Sunny Wren" />
            <button type="submit" class="primary" disabled={lengthOf(name) > NAME_MAX}>
                Take a seat
            </button>
        </form>
    );
}
