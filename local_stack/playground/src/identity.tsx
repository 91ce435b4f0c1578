// Becomes whom an app wants: the person of this tab, or the one of this browser. Once a page each, however often the apps are changed.

import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Account } from './account';
import { wordsFor } from './errors';
import { becomePerson, type Person, type Server } from './person';
import { Store, useStore } from './store';

const RETRY_MS = 3_000;

/** Whose an app's work is: each tab's, or that of all tabs of the browser. */
export type IdentityKind = 'tab' | 'browser';

interface Identity {
    readonly person: Person | undefined;
    readonly account: Account | undefined;
}

const known = new Map<IdentityKind, Promise<Identity>>();

function become(kind: IdentityKind, server: Server): Promise<Identity> {
    const found = known.get(kind);
    if (found) {
        return found;
    }
    const pending =
        kind === 'tab'
            ? becomePerson(server).then((person) => ({ person, account: undefined }))
            : Account.open(server).then((account) => ({ person: undefined, account }));
    known.set(kind, pending);
    pending.catch(() => known.delete(kind));
    return pending;
}

const nobody = new Store();

interface WithIdentityProps {
    readonly kind: IdentityKind;
    readonly server: Server;
    children(person: Person, account: Account | undefined): ComponentChildren;
}

export function WithIdentity({ kind, server, children }: WithIdentityProps) {
    const [identity, setIdentity] = useState<Identity>();
    const [trouble, setTrouble] = useState('');
    const [attempt, setAttempt] = useState(0);
    useStore<Store>(identity?.account ?? nobody);
    useEffect(() => {
        let timer: ReturnType<typeof setTimeout>;
        let isGone = false;
        become(kind, server).then(
            (found) => !isGone && setIdentity(found),
            (error: unknown) => {
                if (!isGone) {
                    setTrouble(wordsFor(error));
                    timer = setTimeout(() => setAttempt(attempt + 1), RETRY_MS);
                }
            },
        );
        return () => {
            isGone = true;
            clearTimeout(timer);
        };
    }, [kind, server, attempt]);
    const person = identity?.account ? identity.account.person : identity?.person;
    return person ? (
        <>{children(person, identity?.account)}</>
    ) : (
        <div class="waiting" role="status">
            <p>{trouble || 'Opening Parley…'}</p>
        </div>
    );
}
