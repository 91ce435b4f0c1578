// What this tab calls itself: asked for in the lobby, and used again when a reload comes back to a room.

const NAME = 'parley.echoroom.name';
const MOOD = 'parley.echoroom.mood';

export const me = {
    get name(): string {
        return sessionStorage.getItem(NAME) ?? '';
    },
    set name(name: string) {
        sessionStorage.setItem(NAME, name);
    },
    get mood(): string {
        return sessionStorage.getItem(MOOD) ?? '';
    },
    set mood(mood: string) {
        sessionStorage.setItem(MOOD, mood);
    },
};
