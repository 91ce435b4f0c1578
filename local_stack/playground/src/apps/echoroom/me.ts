// What this tab calls itself: asked for in the lobby, and used again when a reload comes back to a room.

const NAME = 'parley.echoroom.name';
const MOOD = 'parley.echoroom.mood';
const ROOM = 'parley.echoroom.room';

/** What a name takes, in characters. */
export const NAME_MAX = 40;

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
    /** The room that this tab chose to sit in: a reload takes the seat again, while somebody who follows a link is asked first. */
    get room(): string {
        return sessionStorage.getItem(ROOM) ?? '';
    },
    set room(id: string) {
        sessionStorage.setItem(ROOM, id);
    },
};
