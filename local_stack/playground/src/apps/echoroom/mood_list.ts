// The moods of the rooms that there are.

import type { Session } from './api';
import { toneOf } from './moods';

/** All rooms of one mood. */
export interface Mood {
    readonly name: string;
    readonly description: string | null;
    readonly people: number;
    readonly rooms: number;
}

/** The moods that the product offers, then others where somebody sits. */
export function moodsOf(sessions: readonly Session[]): readonly Mood[] {
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

export function peopleIn({ people }: Mood): string {
    return people === 0 ? 'Nobody yet' : people === 1 ? '1 person here' : `${people} people here`;
}
