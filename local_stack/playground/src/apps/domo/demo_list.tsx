// One's demos, and the form that makes another.

import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Refusal } from '../../errors';
import { Icon } from '../../icons';
import { useKeptFocus } from '../../kept_focus';
import { lengthOf } from '../../length';
import { Notice } from '../../notice';
import { useQuestion } from '../../question';
import { useStore } from '../../store';
import { TextField } from '../../text_field';
import type { AppProps } from '../app';
import { AccountPanel } from './account_panel';
import type { Acts } from './acts';
import { oneAtATime } from './again';
import { apiOf } from './api';
import { MAX } from './demo_fields';
import { RefusedActs } from './refused_acts';
import type { DashboardRow, DeletedDemo, NewDemo } from './rows';
import { domoWords } from './words';

const LOOK_AGAIN_MS = 5_000;

interface DemoListProps extends AppProps {
    readonly acts: Acts;
}

export function DemoList({ person, account, link, go, acts }: DemoListProps) {
    const api = useMemo(() => apiOf(person), [person]);
    const [demos, setDemos] = useState<readonly DashboardRow[]>();
    const [deleted, setDeleted] = useState<readonly DeletedDemo[]>([]);
    const [trouble, setTrouble] = useState('');
    const [gone, setGone] = useState<DeletedDemo>();
    const [refused, setRefused] = useState('');
    /** The demo that was asked for last: one goes there when it is made. */
    const made = useRef('');
    useStore(acts);

    useEffect(() => {
        document.title = 'Domo · Parley playground';
        let isGone = false;
        const look = oneAtATime(async () => {
            try {
                const [rows, others] = await Promise.all([api.dashboard(), api.deletedDemos()]);
                if (!isGone) {
                    setDemos(rows);
                    setDeleted(others);
                    setTrouble('');
                    link.set({ isLive: true, isReachable: true });
                    acts.flush();
                }
            } catch (error) {
                if (!isGone) {
                    setTrouble(domoWords(error));
                    link.set({ isLive: false, isReachable: !(error instanceof Refusal && error.status === 0) });
                }
            }
        });
        void look();
        const timer = setInterval(() => {
            if (document.visibilityState === 'visible') {
                void look();
            }
        }, LOOK_AGAIN_MS);
        const stop = acts.onDone((act) => {
            if (act.kind === 'create' && made.current === act.demo_id) {
                go(act.demo_id);
            }
            if (act.kind === 'delete') {
                setGone({ id: act.demo_id, name: act.name });
            }
            void look();
        });
        const stopHearing = acts.onRefused((_, words) => setRefused(words));
        return () => {
            isGone = true;
            clearInterval(timer);
            stopHearing();
            stop();
        };
    }, [api, link, acts]);

    const create = (demo: NewDemo) => {
        made.current = demo.id;
        acts.want({ demo_id: demo.id, kind: 'create', demo });
    };
    const waiting = acts.all.filter(({ refusal }) => refusal === null);
    const isGoing = (id: string) => waiting.some((act) => act.demo_id === id && (act.kind === 'delete' || act.kind === 'erase'));
    const isComing = (id: string) => waiting.some((act) => act.demo_id === id && (act.kind === 'restore' || act.kind === 'erase'));
    const restore = ({ id, name }: DeletedDemo) => {
        setGone(undefined);
        acts.want({ demo_id: id, kind: 'restore', name });
    };

    return (
        <div class="lobby">
            <h1>Your demos</h1>
            <p class="lead">An agent that knows your product and talks about it. Only you see your demos and what is in them.</p>
            {account && <AccountPanel account={account} demos={demos?.length ?? 0} />}
            <RefusedActs
                acts={acts.all}
                nameOf={(id) => demos?.find((demo) => demo.id === id)?.name}
                retry={(id) => {
                    setRefused('');
                    acts.retry(id);
                }}
                discard={(id) => {
                    setRefused('');
                    acts.discard(id);
                }}
            />
            {demos?.length === 0 && waiting.length === 0 && <p class="domo-note">There is none yet. Make one below.</p>}
            <ul class="demos" aria-label="Your demos" aria-busy={!demos}>
                {waiting.map(
                    (act) =>
                        act.kind === 'create' && (
                            <li key={act.demo_id} class="demo-card waits">
                                <span class="demo-name">{act.demo.name}</span>
                                <span class="waiting-mark">
                                    <Icon name="clock" size={14} /> waits to be created
                                </span>
                            </li>
                        ),
                )}
                {(demos ?? [])
                    .filter(({ id }) => !isGoing(id))
                    .map((demo) => (
                        <li key={demo.id}>
                            <a class="demo-card" href={`#/domo/${demo.id}`}>
                                <span class="demo-name">{demo.name}</span>
                                <span class={`demo-status ${demo.status}`}>{demo.status}</span>
                                <span class="demo-numbers">{numbersOf(demo)}</span>
                            </a>
                        </li>
                    ))}
            </ul>
            <NewDemoForm isBusy={waiting.some(({ kind }) => kind === 'create')} create={create} />
            <DeletedDemos
                demos={deleted.filter(({ id }) => !isComing(id))}
                restore={restore}
                erase={({ id, name }) => acts.want({ demo_id: id, kind: 'erase', name })}
            />
            <Notice words={refused || trouble} {...(refused ? { dismiss: () => setRefused('') } : {})} />
            <Notice words={gone && `“${gone.name}” is deleted.`} isWaiting dismiss={() => setGone(undefined)}>
                <button type="button" class="plain small" onClick={() => gone && restore(gone)}>
                    Bring it back
                </button>
            </Notice>
        </div>
    );
}

interface DeletedDemosProps {
    readonly demos: readonly DeletedDemo[];
    restore(demo: DeletedDemo): void;
    erase(demo: DeletedDemo): void;
}

function DeletedDemos({ demos, restore, erase }: DeletedDemosProps) {
    const [question, ask] = useQuestion();
    const list = useRef<HTMLUListElement>(null);
    const summary = useRef<HTMLElement>(null);
    useKeptFocus(list, summary);
    const askToErase = (demo: DeletedDemo) =>
        ask({
            title: `Erase “${demo.name}”?`,
            text: 'Its knowledge, its files and what was said in its calls are erased for good.',
            yes: 'Erase',
            act: () => erase(demo),
        });
    return (
        <>
            {demos.length > 0 && (
                <details class="deleted-demos">
                    <summary ref={summary}>Deleted demos ({demos.length})</summary>
                    <ul ref={list} aria-label="Deleted demos">
                        {demos.map((demo) => (
                            <li key={demo.id}>
                                <span>{demo.name}</span>
                                <button type="button" class="plain small" aria-label={`Bring back ${demo.name}`} onClick={() => restore(demo)}>
                                    Bring back
                                </button>
                                <button type="button" class="quiet small" aria-label={`Erase ${demo.name}`} onClick={() => askToErase(demo)}>
                                    Erase
                                </button>
                            </li>
                        ))}
                    </ul>
                </details>
            )}
            {question}
        </>
    );
}

function numbersOf({ agent_name, knowledge_count, pending_count, video_count, conversation_count }: DashboardRow): string {
    const counted = (count: number, one: string, many: string) => `${count} ${count === 1 ? one : many}`;
    return [
        agent_name,
        counted(knowledge_count, 'piece of knowledge', 'pieces of knowledge') + (pending_count > 0 ? ` (${pending_count} not embedded yet)` : ''),
        counted(video_count, 'video', 'videos'),
        counted(conversation_count, 'call', 'calls'),
    ].join(' · ');
}

interface NewDemoFormProps {
    readonly isBusy: boolean;
    create(demo: NewDemo): void;
}

const FIELDS: readonly (readonly ['name' | 'agent_name' | 'agent_greeting' | 'tavus_persona_id', string, string, string?])[] = [
    ['name', 'Name', 'Our watering can'],
    ['agent_name', 'Name of the agent', 'Demo Agent'],
    ['agent_greeting', 'Greeting', 'Hello! How can I help you?'],
    ['tavus_persona_id', 'Persona at Tavus', 'default_calm_persona', 'for calls; can wait'],
];

const EMPTY = { name: '', agent_name: '', agent_greeting: '', tavus_persona_id: '' };

function NewDemoForm({ isBusy, create }: NewDemoFormProps) {
    const [written, setWritten] = useState(EMPTY);
    const isUsable = written.name.trim() !== '' && FIELDS.every(([name]) => lengthOf(written[name]) <= MAX[name]);
    const submit = (event: Event) => {
        event.preventDefault();
        if (!isUsable || isBusy) {
            return;
        }
        // What is left out gets the default of its column.
        const filled = FIELDS.map(([name]) => [name, written[name].trim()] as const).filter(([, text]) => text !== '');
        create({ id: crypto.randomUUID(), name: '', ...Object.fromEntries(filled) });
        setWritten(EMPTY);
    };
    return (
        <form class="own-room new-demo" aria-labelledby="new-demo-title" onSubmit={submit}>
            <h2 id="new-demo-title">A new demo</h2>
            <div class="new-demo-fields">
                {FIELDS.map(([name, label, placeholder, hint]) => (
                    <TextField
                        key={name}
                        label={label}
                        {...(hint === undefined ? {} : { hint })}
                        value={written[name]}
                        max={MAX[name]}
                        set={(value) => setWritten((held) => ({ ...held, [name]: value }))}
                        placeholder={placeholder}
                    />
                ))}
            </div>
            <button type="submit" class="primary" disabled={isBusy || !isUsable}>
                Create the demo
            </button>
        </form>
    );
}
