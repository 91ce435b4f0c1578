// A demo: its state, what the agent knows, its files, the search, its calls and their numbers.

import { useEffect, useMemo, useState } from 'preact/hooks';
import { Icon } from '../../icons';
import type { Link } from '../../link';
import { Notice } from '../../notice';
import { useQuestion } from '../../question';
import { useStore } from '../../store';
import type { AppProps } from '../app';
import { SignIn } from './account_panel';
import type { Act, Acts } from './acts';
import { AnalyticsPanel } from './analytics';
import { CallPanel } from './call_panel';
import { EditDemo } from './edit_demo';
import { FilesPanel } from './files_panel';
import { KnowledgePanel } from './knowledge';
import { OpenDemo } from './open_demo';
import { RefusedActs } from './refused_acts';
import type { Demo, DemoStatus } from './rows';
import { SearchPanel } from './search';
import type { Uploads } from './uploads';

export function DemoView({ person, account, link, log, acts, uploads, demoId, go }: AppProps & { acts: Acts; uploads: Uploads; demoId: string }) {
    const [attempt, setAttempt] = useState(0);
    const open = useMemo(() => new OpenDemo({ person, link, log, demoId, acts, uploads }), [person, link, log, demoId, acts, uploads, attempt]);
    useStore(open);
    useEffect(() => {
        void open.open();
        return () => open.close();
    }, [open]);
    const { demoToBe: demo, ending, notice } = open;
    useEffect(() => {
        document.title = `${demo?.name ?? 'Domo'} · Parley playground`;
    }, [demo?.name]);

    if (ending) {
        return (
            <section class="ending" aria-labelledby="ending-title">
                <h1 id="ending-title">This demo is not there</h1>
                <p role="alert">
                    {ending} {account && account.email === undefined && 'If it is of an account of yours, sign in.'}
                </p>
                {account && account.email === undefined && <SignIn account={account} demos={0} />}
                <div class="row">
                    <button type="button" class="primary" onClick={() => go('')}>
                        Back to your demos
                    </button>
                    <button type="button" class="plain" onClick={() => setAttempt(attempt + 1)}>
                        Try again
                    </button>
                </div>
            </section>
        );
    }
    if (!demo) {
        return (
            <div class="waiting" role="status">
                <p>{notice ?? 'Opening the demo…'}</p>
            </div>
        );
    }
    return (
        <div class="demo">
            <DemoBar open={open} demo={demo} back={() => go('')} />
            <Delay link={link} />
            <div class="demo-columns">
                <div class="demo-column">
                    <KnowledgePanel open={open} />
                    <FilesPanel open={open} />
                </div>
                <div class="demo-column">
                    <SearchPanel open={open} />
                    <CallPanel open={open} demo={demo} />
                    <AnalyticsPanel analytics={open.analytics} />
                </div>
            </div>
            <Notice words={notice} dismiss={() => open.dismissNotice()} />
        </div>
    );
}

function DemoBar({ open, demo, back }: { open: OpenDemo; demo: Demo; back: () => void }) {
    const { id, acts } = open;
    const [question, ask] = useQuestion();
    const waiting = acts.filter(({ refusal }) => refusal === null);
    const isBusy = waiting.some(({ kind }) => kind === 'status');
    const change = (status: DemoStatus) => open.want({ demo_id: id, kind: 'status', status });
    const askToDelete = () =>
        ask({
            title: `Delete “${demo.name}”?`,
            text: 'Its knowledge, files and numbers go with it, and a call that is running ends. It can be brought back from the list of your demos.',
            yes: 'Delete',
            act: () => {
                open.want({ demo_id: id, kind: 'delete', name: demo.name });
                back();
            },
        });
    return (
        <header class="demo-bar">
            <div class="demo-title">
                <h1>{demo.name}</h1>
                <p>
                    <span class={`demo-status ${demo.status}`} role="status" aria-label="Status of the demo">
                        {demo.status}
                    </span>{' '}
                    {demo.agent_name}: “{demo.agent_greeting}”
                </p>
            </div>
            <div class="row">
                {demo.status === 'draft' && (
                    <button type="button" class="primary" disabled={isBusy} onClick={() => change('published')}>
                        Publish
                    </button>
                )}
                {demo.status === 'archived' ? (
                    <button type="button" class="plain" disabled={isBusy} onClick={() => change('draft')}>
                        Make it a draft
                    </button>
                ) : (
                    <button type="button" class="plain" disabled={isBusy} onClick={() => change('archived')}>
                        Archive
                    </button>
                )}
                <EditDemo demo={demo} save={(edited) => open.want({ demo_id: id, kind: 'change', change: edited })} />
                <button type="button" class="quiet" onClick={askToDelete}>
                    <Icon name="trash" size={18} />
                    Delete
                </button>
                <button type="button" class="quiet" onClick={back}>
                    <Icon name="door" />
                    All demos
                </button>
            </div>
            {question}
            <div class="demo-acts">
                {waiting.some(({ kind }) => kind === 'change' || kind === 'status') && (
                    <p class="waiting-mark">
                        <Icon name="clock" size={14} /> Waiting to be stored: {[...new Set(waiting.flatMap(waitingWords))].join(', ')}
                    </p>
                )}
                <RefusedActs acts={acts} kinds={['change', 'status', 'create', 'delete', 'restore']} retry={(act) => open.retry(act)} discard={(act) => open.discard(act)} />
            </div>
        </header>
    );
}

function Delay({ link }: { link: Link }) {
    const { state, isReachable } = useStore(link);
    if (state === 'connected') {
        return null;
    }
    const words = isReachable
        ? 'The live connection is being made. Until then, news comes with a few seconds of delay.'
        : 'The server does not answer. What you write and change is kept here and done when it is back; calls and searches are not.';
    return <p class="delay">{words}</p>;
}

function waitingWords(act: Act): readonly string[] {
    return act.kind === 'change' ? ['what you changed'] : act.kind === 'status' ? [act.status] : [];
}
