// What an app of the playground is: a tab. A new app is a folder beside `echoroom` and a line in `list.ts`.

import type { ComponentType } from 'preact';
import type { Account } from '../account';
import type { EventLog } from '../event_log';
import type { IdentityKind } from '../identity';
import type { Link } from '../link';
import type { Person } from '../person';

export interface AppProps {
    readonly person: Person;
    /** Of an app whose person is the browser's. */
    readonly account: Account | undefined;
    readonly link: Link;
    readonly log: EventLog;
    /** What follows the app's own part of the address: `#/<id>/<path>`. */
    readonly path: string;
    /** Goes to another path of the app; an empty one is its front page. */
    go(path: string): void;
}

export interface App {
    /** Its part of the address: the name of its schema. */
    readonly id: string;
    readonly title: string;
    /** Whose its work is: each tab's, or that of all tabs of the browser. */
    readonly identity: IdentityKind;
    readonly View: ComponentType<AppProps>;
}
