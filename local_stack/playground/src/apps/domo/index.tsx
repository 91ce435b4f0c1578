// Domo: the list of one's demos, and a demo. The address names the demo, so a reload comes back to it.

import type { App, AppProps } from '../app';
import { DemoList } from './demo_list';
import { DemoView } from './demo_view';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function Domo(props: AppProps) {
    return UUID.test(props.path) ? <DemoView key={props.path} {...props} demoId={props.path} /> : <DemoList {...props} />;
}

export const domo: App = { id: 'domo', title: 'Domo', View: Domo };
