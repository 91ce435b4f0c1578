// Domo: the list of one's demos, and a demo. The address names the demo, so a reload comes back to it.

import { useEffect, useState } from 'preact/hooks';
import type { App, AppProps } from '../app';
import { DemoList } from './demo_list';
import { DemoView } from './demo_view';
import { workOf } from './work';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function Domo(props: AppProps) {
    const { person, path } = props;
    const [work] = useState(() => workOf(person));
    useEffect(() => {
        const flush = () => {
            work.acts.flush();
            work.uploads.flush();
        };
        // What an earlier page of this tab left, and whatever waits when the network is back.
        flush();
        window.addEventListener('online', flush);
        return () => window.removeEventListener('online', flush);
    }, [work]);
    return UUID.test(path) ? <DemoView key={path} {...props} {...work} demoId={path} /> : <DemoList {...props} {...work} />;
}

export const domo: App = { id: 'domo', title: 'Domo', identity: 'browser', View: Domo };
