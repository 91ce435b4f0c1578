// A call with the agent: start it, see where it is, go to it, end it.

import { useState } from 'preact/hooks';
import { callOf, isOpen, phaseOf, wordsOf } from '../../call';
import { Icon } from '../../icons';
import { lengthOf } from '../../length';
import { TextField } from '../../text_field';
import { MAX } from './demo_fields';
import type { OpenDemo } from './open_demo';
import type { Call, Demo } from './rows';

export function CallPanel({ open, demo }: { open: OpenDemo; demo: Demo }) {
    const latest = open.calls[0];
    return (
        <section class="domo-panel" aria-labelledby="call-title">
            <h2 id="call-title">Call</h2>
            <p role="status" aria-label="State of the call" class={latest ? `call-state ${phaseOf(latest)}` : 'call-state'}>
                {latest ? `${demo.agent_name} is ${wordsOf(latest, Date.now())}`.replace(' is could ', ' could ') : 'Nobody has called yet.'}
            </p>
            {latest && isOpen(latest) && <Actions open={open} call={latest} />}
            {!(latest && isOpen(latest)) && demo.tavus_persona_id && (
                <Start key={latest?.id} open={open} again={latest !== undefined} isArchived={demo.status === 'archived'} />
            )}
            {(!demo.tavus_persona_id || latest?.status === 'failed') && <Persona open={open} now={demo.tavus_persona_id ?? ''} />}
        </section>
    );
}

function Start({ open, again, isArchived }: { open: OpenDemo; again: boolean; isArchived: boolean }) {
    const [isBusy, setBusy] = useState(false);
    // One for as long as there is no row of a new call: a second try cannot make a second call, and after a call comes another.
    const [clientId] = useState(() => crypto.randomUUID());
    const start = async () => {
        setBusy(true);
        await open.attempt(() => open.api.startCall(open.id, clientId));
        setBusy(false);
    };
    return (
        <button type="button" class="primary start-call" disabled={isBusy || isArchived} onClick={() => void start()}>
            {again ? 'Call again' : 'Call the agent'}
        </button>
    );
}

function Actions({ open, call }: { open: OpenDemo; call: Call }) {
    const [isBusy, setBusy] = useState(false);
    const address = callOf(call);
    const isEnding = phaseOf(call) === 'ending';
    const end = async () => {
        setBusy(true);
        await open.attempt(() => open.api.endCall(call.id));
        setBusy(false);
    };
    return (
        <div class="row">
            {address && !isEnding && (
                <a class="call-link" href={address} target="_blank" rel="noopener noreferrer">
                    <Icon name="link" size={18} />
                    Open the call
                    <span class="sr"> in a new tab</span>
                </a>
            )}
            <button type="button" class="plain" disabled={isBusy || isEnding} onClick={() => void end()}>
                End the call
            </button>
        </div>
    );
}

function Persona({ open, now }: { open: OpenDemo; now: string }) {
    const [persona, setPersona] = useState(now);
    return (
        <form
            class="row persona-form"
            onSubmit={(event) => {
                event.preventDefault();
                open.want({ demo_id: open.id, kind: 'change', change: { tavus_persona_id: persona.trim() } });
            }}
        >
            <TextField label="Persona at Tavus" value={persona} max={MAX.tavus_persona_id} set={setPersona} placeholder="default_calm_persona" />
            <button type="submit" class="plain" disabled={persona.trim() === '' || persona.trim() === now || lengthOf(persona) > MAX.tavus_persona_id}>
                Use it for calls
            </button>
        </form>
    );
}
