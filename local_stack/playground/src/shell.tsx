// The frame around the apps: tabs, the state of the connection, the event log.

import { useEffect, useRef, useState } from 'preact/hooks';
import { apps } from './apps/list';
import { Drawer } from './drawer';
import { EventLog } from './event_log';
import { Icon, Logo } from './icons';
import { keepFocusAfterClicks } from './kept_focus';
import { Link, type LinkState } from './link';
import { WithIdentity } from './identity';
import type { Server } from './person';
import { useStore } from './store';

const BADGE: Record<LinkState, { word: string; title: string }> = {
    connected: { word: 'Connected', title: 'What happens elsewhere shows at once.' },
    reconnecting: { word: 'Reconnecting', title: 'The live connection is being made. Until then this page asks every few seconds.' },
    offline: { word: 'Offline', title: 'This device has no network. What you do is kept and sent later.' },
};

/** `#/echoroom/<path>` as its two parts. */
function readAddress(): { id: string; path: string } {
    const [, id = '', ...rest] = location.hash.split('/');
    return { id, path: rest.join('/') };
}

export function Shell({ server }: { server: Server }) {
    const [address, setAddress] = useState(readAddress);
    const [link] = useState(() => new Link());
    const [log] = useState(() => new EventLog());
    const [isLogOpen, setLogOpen] = useState(false);
    const logButton = useRef<HTMLButtonElement>(null);
    const app = apps.find(({ id }) => id === address.id) ?? apps[0];

    useEffect(() => {
        const changed = () => setAddress(readAddress());
        window.addEventListener('hashchange', changed);
        const stop = keepFocusAfterClicks();
        return () => {
            window.removeEventListener('hashchange', changed);
            stop();
        };
    }, []);

    const closeLog = () => {
        setLogOpen(false);
        logButton.current?.focus();
    };

    return (
        <div class={isLogOpen ? 'shell with-log' : 'shell'}>
            <a class="skip" href="#main" onClick={(event) => skipTo(event, 'main')}>
                Skip to the content
            </a>
            <header class="top">
                <a class="brand" href={`#/${apps[0].id}`}>
                    <Logo />
                    <span class="brand-name">Parley</span> <span class="brand-sub wide-text">playground</span>
                </a>
                <nav aria-label="Apps">
                    {apps.map(({ id, title }) => (
                        <a key={id} class="tab" href={`#/${id}`} aria-current={id === app.id ? 'page' : undefined}>
                            {title}
                        </a>
                    ))}
                </nav>
                <Badge link={link} />
                <button
                    ref={logButton}
                    type="button"
                    class="quiet"
                    aria-expanded={isLogOpen}
                    aria-controls={isLogOpen ? 'events' : undefined}
                    onClick={() => setLogOpen(!isLogOpen)}
                >
                    <Icon name="activity" />
                    <span class="wide-text">Events</span>
                </button>
            </header>
            <main id="main" tabIndex={-1}>
                <WithIdentity key={app.id} kind={app.identity} server={server}>
                    {(person, account) => (
                        <app.View
                            key={person.id}
                            person={person}
                            account={account}
                            link={link}
                            log={log}
                            path={address.id === app.id ? address.path : ''}
                            go={(path) => {
                                location.hash = path ? `#/${app.id}/${path}` : `#/${app.id}`;
                            }}
                        />
                    )}
                </WithIdentity>
            </main>
            {isLogOpen && <Drawer log={log} close={closeLog} />}
        </div>
    );
}

function Badge({ link }: { link: Link }) {
    const { state } = useStore(link);
    const { word, title } = BADGE[state];
    return (
        <p class={`badge ${state}`} role="status" title={title}>
            <span class="dot" aria-hidden="true" />
            {word}
        </p>
    );
}

/** The address belongs to the apps, so the link may not change it. */
function skipTo(event: Event, id: string): void {
    event.preventDefault();
    document.getElementById(id)?.focus();
}
