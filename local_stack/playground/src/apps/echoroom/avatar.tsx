// A coloured disc with initials. Pictures of other sites are not loaded: this page asks nobody but its own server.

const COLOURS = 8;

export function Avatar({ userId, name }: { userId: string | null; name: string }) {
    const letters = [...(userId ?? name)];
    const colour = letters.reduce((sum, letter) => (sum * 31 + (letter.codePointAt(0) ?? 0)) % 9973, 7) % COLOURS;
    return (
        <span class={`avatar colour-${colour}`} aria-hidden="true">
            {initialsOf(name)}
        </span>
    );
}

function initialsOf(name: string): string {
    const words = name.split(/\s+/).filter(Boolean);
    const initials = words.slice(0, 2).map((word) => [...word][0] ?? '');
    return initials.join('').toUpperCase() || '?';
}
