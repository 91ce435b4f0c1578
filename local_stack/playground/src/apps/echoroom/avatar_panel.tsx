// The avatar of the room: bring one, see where it is, go to its call, end it, read what was said.

import { useState } from 'preact/hooks';
import { Icon } from '../../icons';
import { callOf, isOpen, phaseOf, speakerOf, wordsOf, type Conversation } from './conversation';
import { MoodFace, toneOf } from './moods';
import type { Room } from './room';

export function AvatarPanel({ room }: { room: Room }) {
    const { rows, latest } = room.conversations;
    // Until the table was read nobody knows whether there is one.
    if (!rows || !room.session) {
        return null;
    }
    const before = rows.filter((row) => row !== latest && row.transcript && row.transcript.length > 0);
    return (
        <section class="avatar-panel" aria-labelledby="avatar-title">
            <h2 id="avatar-title">Avatar</h2>
            <div role="status" aria-live="polite">
                {latest && <Where conversation={latest} />}
            </div>
            {latest && isOpen(latest) ? (
                <Actions room={room} conversation={latest} />
            ) : (
                room.session.is_active && <Start room={room} mood={room.session.category} again={latest !== undefined} />
            )}
            {latest?.status === 'ended' && <Transcript key={latest.id} conversation={latest} isOpen={isWide()} />}
            {before.map((row) => (
                <Transcript key={row.id} conversation={row} isOpen={false} />
            ))}
        </section>
    );
}

function Where({ conversation }: { conversation: Conversation }) {
    const phase = phaseOf(conversation);
    return (
        <div class={`avatar-card ${phase} tone-${toneOf(conversation.mood)}`}>
            <span class="avatar-face">
                <MoodFace mood={conversation.mood} size={38} />
            </span>
            <span class="person-text">
                <span class="person-name">{conversation.mood} avatar</span>
                <span class="avatar-state">{wordsOf(conversation, Date.now())}</span>
            </span>
        </div>
    );
}

function Actions({ room, conversation }: { room: Room; conversation: Conversation }) {
    const call = callOf(conversation);
    const isEnding = phaseOf(conversation) === 'ending';
    return (
        <div class="avatar-actions">
            {call && !isEnding && (
                <a class="call-link" href={call} target="_blank" rel="noopener noreferrer">
                    <Icon name="link" size={18} />
                    Open the call
                    <span class="sr"> in a new tab</span>
                </a>
            )}
            <button
                type="button"
                class="plain small"
                disabled={isEnding || room.conversations.isAsking}
                onClick={() => void room.conversations.end(conversation.id)}
            >
                End it
            </button>
        </div>
    );
}

function Start({ room, mood, again }: { room: Room; mood: string; again: boolean }) {
    const own = room.moods.find((name) => name.toLowerCase() === mood.toLowerCase());
    const [chosen, setChosen] = useState<string>();
    if (room.moods.length === 0) {
        return <p class="avatar-note">This server knows no avatars.</p>;
    }
    const selected = chosen ?? own ?? room.moods[0] ?? '';
    return (
        <form
            class="avatar-start"
            onSubmit={(event) => {
                event.preventDefault();
                void room.conversations.start(selected);
            }}
        >
            <select aria-label="Mood of the avatar" value={selected} onChange={(event) => setChosen(event.currentTarget.value)}>
                {room.moods.map((name) => (
                    <option key={name}>{name}</option>
                ))}
            </select>
            <button class="plain small" disabled={room.conversations.isAsking}>
                {again ? 'Bring another' : 'Bring an avatar'}
            </button>
        </form>
    );
}

function Transcript({ conversation, isOpen }: { conversation: Conversation; isOpen: boolean }) {
    const { transcript, mood } = conversation;
    if (!transcript) {
        return <p class="avatar-note">What was said is being written down…</p>;
    }
    if (transcript.length === 0) {
        return <p class="avatar-note">Nothing was said.</p>;
    }
    return (
        <details class="transcript" open={isOpen}>
            <summary>What was said ({transcript.length})</summary>
            <ol aria-label={`Transcript of the ${mood} avatar`} tabIndex={0}>
                {transcript.map((said, index) => (
                    <li key={index}>
                        <strong>{speakerOf(said, mood)}</strong>
                        <span>{said.content}</span>
                    </li>
                ))}
            </ol>
        </details>
    );
}

/** On a phone the transcript would cover what the people say. */
function isWide(): boolean {
    return window.matchMedia('(width >= 720px)').matches;
}
