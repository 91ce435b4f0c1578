// The lobby: pick a mood, get a seat.

import { useEffect, useMemo, useState } from 'preact/hooks';
import { Refusal, wordsFor } from '../../errors';
import { Icon } from '../../icons';
import type { AppProps } from '../app';
import { apiOf, type Session } from './api';
import { me } from './me';
import { MoodFace, toneOf } from './moods';

const LOOK_AGAIN_MS = 5_000;
const SEATS = [2, 3, 4, 6, 10, 20];

/** All rooms of one mood. */
interface Mood {
    readonly name: string;
    readonly description: string | null;
    readonly people: number;
    readonly rooms: number;
}

/** The moods that the product offers, then others where somebody sits. */
function moodsOf(sessions: readonly Session[]): readonly Mood[] {
    const moods = new Map<string, Mood>();
    for (const { category, description, current_participants } of sessions) {
        const key = category.toLowerCase();
        const before = moods.get(key) ?? { name: category, description, people: 0, rooms: 0 };
        moods.set(key, { ...before, people: before.people + current_participants, rooms: before.rooms + 1 });
    }
    const isOffered = ({ name }: Mood) => toneOf(name) !== 'other';
    const all = [...moods.values()];
    const others = all.filter((mood) => !isOffered(mood) && mood.people > 0).sort((a, b) => b.people - a.people);
    return [...all.filter(isOffered), ...others.slice(0, 6)];
}

function peopleIn({ people }: Mood): string {
    return people === 0 ? 'Nobody yet' : people === 1 ? '1 person here' : `${people} people here`;
}

export function Lobby({ person, link, go }: AppProps) {
    const api = useMemo(() => apiOf(person.client), [person]);
    const [moods, setMoods] = useState<readonly Mood[]>();
    const [trouble, setTrouble] = useState('');
    const [isBusy, setBusy] = useState(false);
    const [name, setName] = useState(me.name);

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

    const enter = async (mood: string, find: () => Promise<Session>) => {
        setBusy(true);
        setTrouble('');
        try {
            me.name = name.trim();
            me.mood = mood;
            await takeSeat(find, (id) => api.joinRoom(id, { ...(me.name ? { user_name: me.name } : {}), mood })).then(go);
        } catch (error) {
            setTrouble(wordsFor(error));
            setBusy(false);
        }
    };

    return (
        <div class="lobby">
            <h1>How do you feel?</h1>
            <p class="lead">Pick a mood and get a seat in a small room of people who feel the same. No account needed.</p>
            <label class="field name-field">
                <span>
                    Your name <small>(or leave it to us)</small>
                </span>
                <input
                    value={name}
                    maxLength={40}
                    autoComplete="off"
                    placeholder="Sunny Wren"
                    onInput={(event) => setName(event.currentTarget.value)}
                />
            </label>
            <p class="trouble" role="alert">
                {trouble}
            </p>
            <ul class="moods" aria-label="Moods" aria-busy={isBusy}>
                {(moods ?? []).map((mood) => (
                    <li key={mood.name}>
                        <button
                            type="button"
                            class={`mood-card tone-${toneOf(mood.name)}`}
                            disabled={isBusy}
                            onClick={() => void enter(mood.name, () => api.findRoom(mood.name))}
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
        </div>
    );
}

/** A seat that was free a moment ago may be taken: then look again. */
async function takeSeat(find: () => Promise<Session>, join: (id: string) => Promise<unknown>): Promise<string> {
    for (let attempt = 1; ; attempt += 1) {
        const { id } = await find();
        try {
            await join(id);
            return id;
        } catch (error) {
            if (!(error instanceof Refusal && error.reason === 'room_full') || attempt === 5) {
                throw error;
            }
        }
    }
}

interface OwnRoomProps {
    readonly isBusy: boolean;
    find(mood: string): void;
    open(mood: string, seats: number): void;
}

function OwnRoom({ isBusy, find, open }: OwnRoomProps) {
    const [mood, setMood] = useState('');
    const [seats, setSeats] = useState(6);
    const isEmpty = mood.trim() === '';
    return (
        <form
            class="own-room"
            aria-labelledby="own-room-title"
            onSubmit={(event) => {
                event.preventDefault();
                if (!isEmpty) {
                    open(mood.trim(), seats);
                }
            }}
        >
            <h2 id="own-room-title">Something else?</h2>
            <p>Find people in a mood of any name, or open a room of your own: then you can also remove people from it.</p>
            <div class="row">
                <label class="field">
                    <span>Mood</span>
                    <input
                        value={mood}
                        maxLength={64}
                        autoComplete="off"
                        placeholder="Curious"
                        onInput={(event) => setMood(event.currentTarget.value)}
                    />
                </label>
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
                <button type="submit" class="primary" disabled={isBusy || isEmpty}>
                    Open a room
                </button>
                <button type="button" class="plain" disabled={isBusy || isEmpty} onClick={() => find(mood.trim())}>
                    Find one
                </button>
            </div>
        </form>
    );
}
