// The lobby: pick a mood, get a seat.

import { useEffect, useMemo, useState } from 'preact/hooks';
import { Refusal, wordsFor } from '../../errors';
import { Icon } from '../../icons';
import { lengthOf } from '../../length';
import { Notice } from '../../notice';
import { TextField } from '../../text_field';
import type { AppProps } from '../app';
import { apiOf, type Session } from './api';
import { NAME_MAX, me } from './me';
import { moodsOf, peopleIn, type Mood } from './mood_list';
import { MoodFace, toneOf } from './moods';
import { useSeat } from './use_seat';

/** What the name of a mood takes, in characters. */
const MOOD_MAX = 64;
const LOOK_AGAIN_MS = 5_000;
const SEATS = [2, 3, 4, 6, 10, 20];

export function Lobby({ person, link, go }: AppProps) {
    const api = useMemo(() => apiOf(person.client), [person]);
    const [moods, setMoods] = useState<readonly Mood[]>();
    const [trouble, setTrouble] = useState('');
    const [name, setName] = useState(me.name);
    const seat = useSeat(api, go);
    const isBusy = seat.isBusy || lengthOf(name) > NAME_MAX;

    useEffect(() => {
        document.title = 'EchoRoom · Parley playground';
        let isGone = false;
        const look = async () => {
            try {
                const sessions = await api.listSessions();
                if (!isGone) {
                    setMoods(moodsOf(sessions));
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
        void look();
        const timer = setInterval(() => {
            if (document.visibilityState === 'visible') {
                void look();
            }
        }, LOOK_AGAIN_MS);
        return () => {
            isGone = true;
            clearInterval(timer);
        };
    }, [api, link]);

    const enter = (mood: string, find: () => Promise<Session>) => {
        if (lengthOf(name) <= NAME_MAX) {
            me.name = name.trim();
            seat.take(mood, find);
        }
    };

    return (
        <div class="lobby">
            <h1>How do you feel?</h1>
            <p class="lead">Pick a mood and get a seat in a small room of people who feel the same. No account needed.</p>
            <TextField class="name-field" label="Your name" hint="or leave it to us" value={name} max={NAME_MAX} set={setName} placeholder="Sunny Wren" />
            <ul class="moods" aria-label="Moods" aria-busy={isBusy}>
                {(moods ?? []).map((mood) => (
                    <li key={mood.name}>
                        <button
                            type="button"
                            class={`mood-card tone-${toneOf(mood.name)}`}
                            disabled={isBusy}
                            onClick={() => enter(mood.name, () => api.findRoom(mood.name))}
                        >
                            <MoodFace mood={mood.name} size={56} />
                            <span class="mood-name">{mood.name}</span>
                            <span class="mood-text">{mood.description ?? 'A room that somebody opened'}</span>
                            <span class={mood.people > 0 ? 'mood-people some' : 'mood-people'}>{peopleIn(mood)}</span>
                        </button>
                    </li>
                ))}
            </ul>
            <OwnRoom
                isBusy={isBusy}
                find={(mood) => enter(mood, () => api.findRoom(mood))}
                open={(mood, seats) => enter(mood, () => api.createSession(mood, seats))}
            />
            <p class="tip">
                <Icon name="plus" size={16} /> Open this page in a second tab: every tab is somebody else.
            </p>
            <Notice words={seat.trouble || trouble} />
            <Notice words={seat.waiting && `${seat.waiting} You get a seat as soon as it is possible.`} isWaiting>
                <button type="button" class="plain small" onClick={seat.stop}>
                    Do not wait
                </button>
            </Notice>
        </div>
    );
}

interface OwnRoomProps {
    readonly isBusy: boolean;
    find(mood: string): void;
    open(mood: string, seats: number): void;
}

function OwnRoom({ isBusy, find, open }: OwnRoomProps) {
    const [mood, setMood] = useState('');
    const [seats, setSeats] = useState(6);
    const isUnusable = mood.trim() === '' || lengthOf(mood) > MOOD_MAX;
    return (
        <form
            class="own-room"
            aria-labelledby="own-room-title"
            onSubmit={(event) => {
                event.preventDefault();
                if (!isUnusable) {
                    open(mood.trim(), seats);
                }
            }}
        >
            <h2 id="own-room-title">Something else?</h2>
            <p>Find people in a mood of any name, or open a room of your own: then you can also remove people from it.</p>
            <div class="row">
                <TextField label="Mood" value={mood} max={MOOD_MAX} set={setMood} placeholder="Curious" />
                <label class="field seats">
                    <span>Seats</span>
                    <select value={seats} onChange={(event) => setSeats(Number(event.currentTarget.value))}>
                        {SEATS.map((count) => (
                            <option key={count} value={count}>
                                {count}
                            </option>
                        ))}
                    </select>
                </label>
                <button type="submit" class="primary" disabled={isBusy || isUnusable}>
                    Open a room
                </button>
                <button type="button" class="plain" disabled={isBusy || isUnusable} onClick={() => find(mood.trim())}>
                    Find one
                </button>
            </div>
        </form>
    );
}
