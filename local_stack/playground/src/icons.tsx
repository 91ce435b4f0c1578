// Line icons, drawn on a grid of 24.

const PATHS = {
    activity: 'M3 12h4l3 8 4-16 3 8h4',
    arrowDown: 'M12 5v14m-6-6 6 6 6-6',
    check: 'm5 12 5 5L20 7',
    clock: 'M12 7v5l3 2M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0Z',
    close: 'M6 6l12 12M18 6 6 18',
    door: 'M14 4h4a2 2 0 0 1 2 2v12a2 2 0 0 1-2 2h-4M10 8l-4 4 4 4m-4-4h10',
    edit: 'M4 20h4L19 9l-4-4L4 16v4Zm9-13 4 4',
    link: 'M10 14a4 4 0 0 0 6 .5l3-3a4 4 0 0 0-6-6l-1 1m2 3a4 4 0 0 0-6-.5l-3 3a4 4 0 0 0 6 6l1-1',
    mic: 'M12 3a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3Zm7 8a7 7 0 0 1-14 0m7 7v3',
    micOff: 'M4 4l16 16M9 9v2a3 3 0 0 0 4.5 2.6M15 10V6a3 3 0 0 0-5.8-1M19 11a7 7 0 0 1-1 3.5M5 11a7 7 0 0 0 10.5 6M12 18v3',
    plus: 'M12 5v14M5 12h14',
    removePerson: 'M15 20a6 6 0 0 0-12 0M9 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm8 0h5',
    reply: 'M9 7 4 12l5 5m-5-5h10a6 6 0 0 1 6 6v1',
    retry: 'M20 5v5h-5M4 19v-5h5M6 9a7 7 0 0 1 12-1.5L20 10M18 15a7 7 0 0 1-12 1.5L4 14',
    send: 'M4 12 20 4l-5 16-4-7-7-1Z',
    smile: 'M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0ZM8.5 14.5a4.5 4.5 0 0 0 7 0M9 9.5v.010M15 9.5v.01',
    trash: 'M4 7h16M10 11v6m4-6v6M6 7l1 13h10l1-13M9 7V4h6v3',
    warning: 'M12 9v4m0 4v.010M10.3 4 2.5 18a2 2 0 0 0 1.7 3h15.6a2 2 0 0 0 1.7-3L13.7 4a2 2 0 0 0-3.4 0Z',
} as const;

export type IconName = keyof typeof PATHS;

/** Decoration: the name of a control is its text or its label. */
export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
    return (
        <svg class="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true">
            <path d={PATHS[name]} />
        </svg>
    );
}

export function Logo() {
    return (
        <svg class="logo" width="28" height="28" viewBox="0 0 32 32" aria-hidden="true">
            <path
                class="logo-front"
                d="M4 7a4 4 0 0 1 4-4h11a4 4 0 0 1 4 4v7a4 4 0 0 1-4 4h-7l-6 5v-5.5A4 4 0 0 1 4 14z"
            />
            <path
                class="logo-back"
                d="M26 11a4 4 0 0 1 3 3.9V21a4 4 0 0 1-3 3.9V29l-5-4h-6a4 4 0 0 1-3.6-2.3L13.5 20.5H19a6.5 6.5 0 0 0 6.5-6.5z"
            />
        </svg>
    );
}
