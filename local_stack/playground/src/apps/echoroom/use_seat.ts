// Taking a seat as a view does it: what is waited for, what went wrong, and the way out of waiting.

import { useEffect, useRef, useState } from 'preact/hooks';
import { wordsFor } from '../../errors';
import type { Api, Session } from './api';
import { takeSeat } from './take_seat';

export interface SeatTaking {
    readonly isBusy: boolean;
    /** Why it takes longer than an instant. */
    readonly waiting: string;
    /** Why it did not work. */
    readonly trouble: string;
    take(mood: string, find: () => Promise<Pick<Session, 'id'>>): void;
    stop(): void;
}

export function useSeat(api: Api, go: (path: string) => void): SeatTaking {
    const [isBusy, setBusy] = useState(false);
    const [waiting, setWaiting] = useState('');
    const [trouble, setTrouble] = useState('');
    const running = useRef<AbortController | undefined>(undefined);
    const stop = () => {
        running.current?.abort();
        running.current = undefined;
        setBusy(false);
        setWaiting('');
    };
    useEffect(() => () => running.current?.abort(), []);
    const take = (mood: string, find: () => Promise<Pick<Session, 'id'>>) => {
        const control = new AbortController();
        running.current?.abort();
        running.current = control;
        setBusy(true);
        setTrouble('');
        const isCurrent = () => running.current === control;
        takeSeat({ api, mood, find, waits: (words) => isCurrent() && setWaiting(words), signal: control.signal }).then(
            (id) => id !== undefined && isCurrent() && go(id),
            (error: unknown) => {
                if (isCurrent()) {
                    stop();
                    setTrouble(wordsFor(error));
                }
            },
        );
    };
    return { isBusy, waiting, trouble, take, stop };
}
