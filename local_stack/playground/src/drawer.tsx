// The event log: what arrives, as it arrives.

import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Entry, EventLog } from './event_log';
import { Icon } from './icons';
import type { Verdict } from './stream';
import { useStore } from './store';

const VERDICTS: Record<Verdict, { word: string; title: string }> = {
    next: { word: 'new', title: 'The next change of the room: it is fetched.' },
    gap: { word: 'gap', title: 'Something before it was missed: everything since is fetched.' },
    known: { word: 'known', title: 'This change is here already.' },
    unnumbered: { word: 'live', title: 'Said between clients; it has no number and is not kept.' },
};

export function Drawer({ log, close }: { log: EventLog; close: () => void }) {
    const { entries } = useStore(log);
    const heading = useRef<HTMLHeadingElement>(null);
    useLayoutEffect(() => heading.current?.focus(), []);

    const onKeyDown = (event: KeyboardEvent) => {
        if (event.key === 'Escape') {
            event.stopPropagation();
            close();
        }
    };

    return (
        <aside id="events" class="drawer" aria-labelledby="events-title" onKeyDown={onKeyDown}>
            <header>
                <h2 id="events-title" ref={heading} tabIndex={-1}>
                    Events
                </h2>
                <button type="button" class="quiet small" onClick={() => log.clear()}>
                    Clear
                </button>
                <button type="button" class="quiet square" aria-label="Close the event log" onClick={close}>
                    <Icon name="close" />
                </button>
            </header>
            <Rate log={log} />
            {entries.length === 0 ? (
                <p class="empty">Nothing yet. Enter a room, open a second tab, and say something.</p>
            ) : (
                <ol class="entries" aria-label="Events, newest first" tabIndex={0}>
                    {entries.map((entry) => (
                        <Line key={entry.id} entry={entry} />
                    ))}
                </ol>
            )}
        </aside>
    );
}

function Rate({ log }: { log: EventLog }) {
    const [now, setNow] = useState(Date.now);
    useEffect(() => {
        const timer = setInterval(() => setNow(Date.now()), 1000);
        return () => clearInterval(timer);
    }, []);
    const counts = log.perSecond(Math.max(now, Date.now()));
    const lastTen = counts.slice(-10).reduce((sum, count) => sum + count, 0) / 10;
    const highest = Math.max(4, ...counts);
    return (
        <div class="rate">
            <p>
                <strong>{lastTen.toFixed(1)}</strong> events a second
            </p>
            <svg viewBox="0 0 240 32" preserveAspectRatio="none" role="img" aria-label="Events in each of the last 60 seconds">
                {counts.map((count, index) => {
                    const height = count === 0 ? 1 : 2 + (count / highest) * 30;
                    return <rect key={index} x={index * 4} y={32 - height} width="3" height={height} />;
                })}
            </svg>
        </div>
    );
}

function Line({ entry }: { entry: Entry }) {
    const verdict = entry.verdict && VERDICTS[entry.verdict];
    const head = (
        <>
            <time>{timeOf(entry.at)}</time>
            <span class={`kind ${entry.kind}`}>{entry.name}</span>
            {entry.seq !== undefined && <span class="seq">#{entry.seq}</span>}
            {verdict && (
                <span class={`verdict ${entry.verdict}`} title={verdict.title}>
                    {verdict.word}
                </span>
            )}
        </>
    );
    return (
        <li>
            {entry.detail === undefined ? (
                <div class="line">{head}</div>
            ) : (
                <details>
                    <summary class="line">{head}</summary>
                    <pre>{JSON.stringify(entry.detail, null, 2)}</pre>
                </details>
            )}
        </li>
    );
}

function timeOf(at: number): string {
    const time = new Date(at);
    const two = (value: number) => String(value).padStart(2, '0');
    const milliseconds = String(time.getMilliseconds()).padStart(3, '0');
    return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${milliseconds}`;
}
