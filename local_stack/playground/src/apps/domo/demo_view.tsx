// A demo: its state, what the agent knows, its files, the search, its calls and their numbers.

import { useEffect, useMemo, useState } from 'preact/hooks';
import { Icon } from '../../icons';
import type { Link } from '../../link';
import { useStore } from '../../store';
import type { AppProps } from '../app';
import { AnalyticsPanel } from './analytics';
import { CallPanel } from './call_panel';
import { FilesPanel } from './files_panel';
import { KnowledgePanel } from './knowledge';
import { OpenDemo } from './open_demo';
import type { Demo } from './rows';
import { SearchPanel } from './search';

export function DemoView({ person, link, log, demoId, go }: AppProps & { demoId: string }) {
    const [attempt, setAttempt] = useState(0);
    const open = useMemo(() => new OpenDemo({ person, link, log, demoId }), [person, link, log, demoId, attempt]);
    useStore(open);
    useEffect(() => {
        void open.open();
        return () => open.close();
    }, [open]);
    const { demo, ending, notice } = open;
    useEffect(() => {
        document.title = `${demo?.name ?? 'Domo'} · Parley playground`;
    }, [demo?.name]);

    if (ending) {
        return (
            <section class="ending" aria-labelledby="ending-title">
                <h1 id="ending-title">This did not work</h1>
                <p role="alert">{ending}</p>
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
            <Notice open={open} />
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
        </div>
    );
}

function DemoBar({ open, demo, back }: { open: OpenDemo; demo: Demo; back: () => void }) {
    const { api, id } = open;
    const [isBusy, setBusy] = useState(false);
    const change = async (wanted: () => Promise<unknown>) => {
        setBusy(true);
        await open.attempt(wanted);
        setBusy(false);
    };
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
                    <button type="button" class="primary" disabled={isBusy} onClick={() => void change(() => api.publish(id))}>
                        Publish
                    </button>
                )}
                {demo.status === 'archived' ? (
                    <button type="button" class="plain" disabled={isBusy} onClick={() => void change(() => api.changeDemo(id, { status: 'draft' }))}>
                        Make it a draft
                    </button>
                ) : (
                    <button type="button" class="plain" disabled={isBusy} onClick={() => void change(() => api.archive(id))}>
                        Archive
                    </button>
                )}
                <button type="button" class="quiet" onClick={back}>
                    <Icon name="door" />
                    All demos
                </button>
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
        : 'The server does not answer. This page keeps trying.';
    return <p class="delay">{words}</p>;
}

function Notice({ open }: { open: OpenDemo }) {
    return (
        <div class="notice-place" role="alert">
            {open.notice && (
                <p class="notice">
                    <Icon name="warning" size={18} />
                    <span>{open.notice}</span>
                    <button type="button" class="quiet square" aria-label="Dismiss" onClick={() => open.dismissNotice()}>
                        <Icon name="close" size={16} />
                    </button>
                </p>
            )}
        </div>
    );
}
