import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { wordsFor } from './errors';
import { findServer, type Server } from './person';
import { Shell } from './shell';
import './styles/base.css';
import './styles/shell.css';
import './styles/echoroom.css';
import './styles/domo.css';

const RETRY_MS = 3_000;

/** Finds the server, then shows the apps. */
function Playground() {
    const [server, setServer] = useState<Server>();
    const [trouble, setTrouble] = useState<string>();
    const [attempt, setAttempt] = useState(0);

    useEffect(() => {
        let timer: ReturnType<typeof setTimeout>;
        findServer().then(setServer, (error: unknown) => {
            setTrouble(wordsFor(error));
            timer = setTimeout(() => setAttempt(attempt + 1), RETRY_MS);
        });
        return () => clearTimeout(timer);
    }, [attempt]);

    if (server) {
        return <Shell server={server} />;
    }
    return (
        <div class="waiting" role="status">
            <p>{trouble ?? 'Opening Parley…'}</p>
        </div>
    );
}

const root = document.getElementById('app');
if (root) {
    render(<Playground />, root);
}
