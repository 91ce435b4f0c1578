// The faces of the moods.

interface Face {
    readonly eyes: string;
    readonly mouth: string;
}

const FACES: Record<string, Face> = {
    calm: { eyes: 'M13 21q3 2.5 6 0m10 0q3 2.5 6 0', mouth: 'M18 31q6 3.5 12 0' },
    hopeful: { eyes: 'M16 19v2.5m16-2.5v2.5', mouth: 'M17 29q7 6.5 14 0' },
    joyful: { eyes: 'M13 21.5q3-4 6 0m10 0q3-4 6 0', mouth: 'M15.5 28q8.5 11 17 0Z' },
    lonely: { eyes: 'M16 20.5v2.5m16-2.5v2.5', mouth: 'M18 33q6-4.5 12 0' },
    loving: {
        eyes: 'M16 23.5l-3.2-3.2a1.9 1.9 0 0 1 3.2-1.7 1.9 1.9 0 0 1 3.2 1.7ZM32 23.5l-3.2-3.2a1.9 1.9 0 0 1 3.2-1.7 1.9 1.9 0 0 1 3.2 1.7Z',
        mouth: 'M17 30q7 6 14 0',
    },
    motivated: {
        eyes: 'M16 17l1.3 3.2 3.2 1.3-3.2 1.3L16 26l-1.3-3.2-3.2-1.3 3.2-1.3ZM32 17l1.3 3.2 3.2 1.3-3.2 1.3L32 26l-1.3-3.2-3.2-1.3 3.2-1.3Z',
        mouth: 'M17 30.5q7 6 14 0',
    },
};

const OTHER: Face = { eyes: 'M16 20v2.5m16-2.5v2.5', mouth: 'M18 30q6 4 12 0' };

/** The name under which the style sheet knows a mood. */
export function toneOf(mood: string | null | undefined): string {
    const name = (mood ?? '').toLowerCase();
    return name in FACES ? name : 'other';
}

export function MoodFace({ mood, size = 48 }: { mood: string; size?: number }) {
    const tone = toneOf(mood);
    const { eyes, mouth } = FACES[tone] ?? OTHER;
    return (
        <svg class={`face tone-${tone}`} width={size} height={size} viewBox="0 0 48 48" aria-hidden="true">
            <circle class="face-skin" cx="24" cy="24" r="22" />
            <path class="face-light" d="M9 15a18 18 0 0 1 13-9" />
            <path class="face-line" d={eyes} />
            <path class="face-line" d={mouth} />
        </svg>
    );
}
