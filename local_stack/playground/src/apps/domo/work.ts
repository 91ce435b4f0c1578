// What is under way for the person of Domo. It goes on while another app is looked at, and ends with the person.

import type { Person } from '../../person';
import { Acts } from './acts';
import { Uploads } from './uploads';

export interface Work {
    readonly acts: Acts;
    readonly uploads: Uploads;
}

let current: { readonly person: Person; readonly work: Work } | undefined;

export function workOf(person: Person): Work {
    if (current?.person.id !== person.id) {
        current?.work.acts.stop();
        current?.work.uploads.stop();
        current = { person, work: { acts: new Acts(person), uploads: new Uploads(person) } };
    }
    return current.work;
}
