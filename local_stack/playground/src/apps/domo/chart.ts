// The measures of a chart of bars, one a day.

import type { Day } from './rows';

export interface Bar {
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
    readonly day: Day;
}

export interface Chart {
    readonly bars: readonly Bar[];
    /** Lines across, from nought to the top. */
    readonly lines: readonly { readonly y: number; readonly value: number }[];
}

/** How much of a day's place its bar takes. */
const FILLED = 0.7;
/** A day with something is seen, however high the others are. */
const LEAST_HEIGHT = 2;

/** The smallest of 1, 2, 4, 10, 20, 40, 100... that is not below: all but 1 are halved without a rest. */
export function topOf(highest: number): number {
    for (let unit = 1; ; unit *= 10) {
        const top = [1, 2, 4].map((step) => step * unit).find((value) => value >= highest);
        if (top !== undefined) {
            return top;
        }
    }
}

/** The last `count` days up to today, those without calls among them. */
export function lastDays(days: readonly Day[], today: string, count: number): readonly Day[] {
    const known = new Map(days.map((day) => [day.day, day]));
    // A clock that is behind the server's does not hide the server's last day.
    const last = [today, days.at(-1)?.day ?? today].sort().at(-1) ?? today;
    const end = Date.parse(`${last}T00:00:00Z`);
    return Array.from({ length: count }, (_, index) => {
        const day = new Date(end - (count - 1 - index) * 86_400_000).toISOString().slice(0, 10);
        return known.get(day) ?? { day, conversations: 0, messages: 0, seconds: 0 };
    });
}

/** Places the bars into a box; y counts from its top. */
export function chartOf(days: readonly Day[], width: number, height: number): Chart {
    const top = topOf(Math.max(1, ...days.map(({ conversations }) => conversations)));
    const place = width / Math.max(1, days.length);
    const bars = days.map((day, index) => {
        const share = (day.conversations / top) * height;
        const tall = day.conversations > 0 ? Math.max(LEAST_HEIGHT, share) : 0;
        return { day, x: (index + (1 - FILLED) / 2) * place, width: place * FILLED, y: height - tall, height: tall };
    });
    const values = top === 1 ? [0, 1] : [0, top / 2, top];
    return { bars, lines: values.map((value) => ({ value, y: height - (value / top) * height })) };
}
