// One's demos, and the form that makes another.

import { useEffect, useMemo, useState } from 'preact/hooks';
import { Refusal } from '../../errors';
import type { AppProps } from '../app';
import { apiOf } from './api';
import type { DashboardRow, NewDemo } from './rows';
import { domoWords } from './words';

const LOOK_AGAIN_MS = 5_000;

export function DemoList({ person, link, go }: AppProps) {
    const api = useMemo(() => apiOf(person), [person]);
    const [demos, setDemos] = useState<readonly DashboardRow[]>();
    const [trouble, setTrouble] = useState('');
    const [isBusy, setBusy] = useState(false);

    useEffect(() => {
        document.title = 'Domo · Parley playground';
        let isGone = false;
        const look = async () => {
            try {
                const rows = await api.dashboard();
                if (!isGone) {
                    setDemos(rows);
                    link.set({ isLive: true, isReachable: true });
                }
            } catch (error) {
                if (!isGone) {
                    setTrouble(domoWords(error));
                    link.set({ isLive: false, isReachable: !(error instanceof Refusal && error.status === 0) });
                }
            }
        };
        void look();
        const timer = setInterval(() => {
            if (document.visibilityState === 'visible') {
                void look();
            }
        }, LOOK_AGAIN_MS);
        return () => {
            isGone = true;
            clearInterval(timer);
        };
    }, [api, link]);

    const create = async (demo: NewDemo) => {
        setBusy(true);
        setTrouble('');
        try {
            const { id } = await api.createDemo(demo);
            go(id);
        } catch (error) {
            setTrouble(domoWords(error));
            setBusy(false);
        }
    };

    return (
        <div class="lobby">
            <h1>Your demos</h1>
            <p class="lead">An agent that knows your product and talks about it. Only you see your demos and what is in them.</p>
            <p class="trouble" role="alert">
                {trouble}
            </p>
            {demos?.length === 0 && <p class="domo-note">There is none yet. Make one below.</p>}
            <ul class="demos" aria-label="Your demos" aria-busy={!demos}>
                {(demos ?? []).map((demo) => (
                    <li key={demo.id}>
                        <a class="demo-card" href={`#/domo/${demo.id}`}>
                            <span class="demo-name">{demo.name}</span>
                            <span class={`demo-status ${demo.status}`}>{demo.status}</span>
                            <span class="demo-numbers">{numbersOf(demo)}</span>
                        </a>
                    </li>
                ))}
            </ul>
            <NewDemoForm isBusy={isBusy} create={(demo) => void create(demo)} />
        </div>
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

function NewDemoForm({ isBusy, create }: NewDemoFormProps) {
    const [name, setName] = useState('');
    const [agent, setAgent] = useState('');
    const [greeting, setGreeting] = useState('');
    const [persona, setPersona] = useState('');
    const submit = (event: Event) => {
        event.preventDefault();
        // What is left out gets the default of its column.
        create({
            name: name.trim(),
            ...(agent.trim() ? { agent_name: agent.trim() } : {}),
            ...(greeting.trim() ? { agent_greeting: greeting.trim() } : {}),
            ...(persona.trim() ? { tavus_persona_id: persona.trim() } : {}),
        });
    };
    return (
        <form class="own-room new-demo" aria-labelledby="new-demo-title" onSubmit={submit}>
            <h2 id="new-demo-title">A new demo</h2>
            <div class="new-demo-fields">
                <label class="field">
                    <span>Name</span>
                    <input value={name} maxLength={255} required autoComplete="off" placeholder="Our watering can" onInput={(event) => setName(event.currentTarget.value)} />
                </label>
                <label class="field">
                    <span>Name of the agent</span>
                    <input value={agent} maxLength={100} autoComplete="off" placeholder="Demo Agent" onInput={(event) => setAgent(event.currentTarget.value)} />
                </label>
                <label class="field">
                    <span>Greeting</span>
                    <input value={greeting} maxLength={1000} autoComplete="off" placeholder="Hello! How can I help you?" onInput={(event) => setGreeting(event.currentTarget.value)} />
                </label>
                <label class="field">
                    <span>
                        Persona at Tavus <small>(for calls; can wait)</small>
                    </span>
                    <input value={persona} maxLength={200} autoComplete="off" placeholder="default_calm_persona" onInput={(event) => setPersona(event.currentTarget.value)} />
                </label>
            </div>
            <button type="submit" class="primary" disabled={isBusy || name.trim() === ''}>
                Create the demo
            </button>
        </form>
    );
}
