// Other rooms for somebody whose room is full, closed, gone, or closed to them: of the same mood, or of the moods where people are.

import { useEffect, useState } from 'preact/hooks';
import { Notice } from '../../notice';
import type { Api } from './api';
import { moodsOf, peopleIn, type Mood } from './mood_list';
import { useSeat } from './use_seat';

const OFFERED = 3;

export function OtherRooms({ api, mood, go }: { api: Api; mood: string | undefined; go: (path: string) => void }) {
    const seat = useSeat(api, go);
    const [moods, setMoods] = useState<readonly Mood[]>([]);
    useEffect(() => {
        let isGone = false;
        if (mood === undefined) {
            // The lobby is offered besides, so nothing is lost when this cannot be read.
            api.listSessions().then(
                (sessions) => !isGone && setMoods([...moodsOf(sessions)].sort((a, b) => b.people - a.people).slice(0, OFFERED)),
                () => undefined,
            );
        }
        return () => {
            isGone = true;
        };
    }, [api, mood]);
    return (
        <>
            <div class="row">
                {mood !== undefined ? (
                    <button type="button" class="primary" disabled={seat.isBusy} onClick={() => seat.take(mood, () => api.findRoom(mood))}>
                        Find another {mood} room
                    </button>
                ) : (
                    moods.map((offered) => (
                        <button
                            key={offered.name}
                            type="button"
                            class="plain"
                            disabled={seat.isBusy}
                            onClick={() => seat.take(offered.name, () => api.findRoom(offered.name))}
                        >
                            {offered.name} <small>{peopleIn(offered)}</small>
                        </button>
                    ))
                )}
            </div>
            <Notice words={seat.trouble} />
            <Notice words={seat.waiting} isWaiting>
                <button type="button" class="plain small" onClick={seat.stop}>
                    Do not wait
                </button>
            </Notice>
        </>
    );
}
