// The numbers of a demo's calls, as they are now, and a chart of the last days.

import { chartOf, lastDays } from './chart';
import type { Analytics, Day } from './rows';

const DAYS = 14;
const WIDTH = 420;
const HEIGHT = 120;
const LEFT = 28;
const BELOW = 20;

export function AnalyticsPanel({ analytics }: { analytics: Analytics | undefined }) {
    return (
        <section class="domo-panel" aria-labelledby="analytics-title">
            <h2 id="analytics-title">Analytics</h2>
            {analytics && <Totals analytics={analytics} />}
            {analytics && <DaysChart days={lastDays(analytics.per_day, new Date().toISOString().slice(0, 10), DAYS)} />}
        </section>
    );
}

function Totals({ analytics: { conversations, durations, messages } }: { analytics: Analytics }) {
    const seconds = (value: number | null) => (value === null ? '–' : `${Math.round(value)} s`);
    const numbers: readonly (readonly [string, string | number])[] = [
        ['Calls', conversations.total],
        ['Running', conversations.starting + conversations.active],
        ['Ended', conversations.ended],
        ['Failed', conversations.failed],
        ['Messages', messages.total],
        ['Average length', seconds(durations.average_seconds)],
        ['Longest', seconds(durations.longest_seconds)],
    ];
    return (
        <dl class="totals" aria-label="Totals">
            {numbers.map(([name, value]) => (
                <div key={name}>
                    <dt>{name}</dt>
                    <dd>{value}</dd>
                </div>
            ))}
        </dl>
    );
}

function DaysChart({ days }: { days: readonly Day[] }) {
    const { bars, lines } = chartOf(days, WIDTH - LEFT, HEIGHT);
    const first = days[0]?.day ?? '';
    const last = days.at(-1)?.day ?? '';
    return (
        <figure class="days">
            <figcaption>Calls a day, {days.length} days (UTC)</figcaption>
            <svg viewBox={`0 -8 ${WIDTH} ${HEIGHT + BELOW + 8}`} role="img" aria-label={`Chart of calls a day from ${first} to ${last}`}>
                {lines.map(({ y, value }) => (
                    <g key={value}>
                        <line x1={LEFT} x2={WIDTH} y1={y} y2={y} />
                        <text x={LEFT - 6} y={y + 4} text-anchor="end">
                            {value}
                        </text>
                    </g>
                ))}
                {bars
                    .filter(({ height }) => height > 0)
                    .map(({ day, x, y, width, height }) => (
                        <rect key={day.day} class="bar" data-day={day.day} x={LEFT + x} y={y} width={width} height={height} rx={2}>
                            <title>{wordsOfDay(day)}</title>
                        </rect>
                    ))}
                <text x={LEFT} y={HEIGHT + 16}>
                    {first}
                </text>
                <text x={WIDTH} y={HEIGHT + 16} text-anchor="end">
                    {last}
                </text>
            </svg>
            <ul class="sr" aria-label="Calls a day">
                {days
                    .filter(({ conversations, messages }) => conversations + messages > 0)
                    .map((day) => (
                        <li key={day.day}>{wordsOfDay(day)}</li>
                    ))}
            </ul>
        </figure>
    );
}

function wordsOfDay({ day, conversations, messages, seconds }: Day): string {
    return `${day}: ${conversations} ${conversations === 1 ? 'call' : 'calls'}, ${messages} ${messages === 1 ? 'message' : 'messages'}, ${Math.round(seconds)} s`;
}
