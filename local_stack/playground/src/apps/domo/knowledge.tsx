// What the agent knows: a form to add to it, and the pieces with their embeddings.

import { useState } from 'preact/hooks';
import { Icon } from '../../icons';
import { CHUNKS_SHOWN } from './api';
import type { OpenDemo } from './open_demo';
import type { Chunk, NewKnowledge } from './rows';

export function KnowledgePanel({ open }: { open: OpenDemo }) {
    const { chunks, embedded } = open.shown.counts;
    return (
        <section class="domo-panel" aria-labelledby="knowledge-title">
            <h2 id="knowledge-title">Knowledge</h2>
            <AddKnowledge open={open} />
            <p class="domo-note" role="status" aria-label="How much is known">
                {chunks === 0 ? 'Nothing is known yet.' : `${embedded} of ${chunks} ${chunks === 1 ? 'piece' : 'pieces'} embedded`}
                {chunks > CHUNKS_SHOWN && `; the latest ${CHUNKS_SHOWN} are shown`}
            </p>
            {open.chunks.length > 0 && (
                <ul class="chunks" aria-label="Pieces of knowledge" tabIndex={0}>
                    {open.chunks.map((chunk) => (
                        <ChunkItem key={chunk.id} chunk={chunk} remove={() => void open.attempt(() => open.api.deleteChunk(chunk.id))} />
                    ))}
                </ul>
            )}
        </section>
    );
}

const EMPTY = { content: '', question: '', answer: '', source: '' };

function AddKnowledge({ open }: { open: OpenDemo }) {
    const [written, setWritten] = useState(EMPTY);
    const [isBusy, setBusy] = useState(false);
    const [said, setSaid] = useState('');
    const write = (name: keyof typeof EMPTY) => (event: { currentTarget: { value: string } }) => {
        const { value } = event.currentTarget;
        setWritten((before) => ({ ...before, [name]: value }));
    };
    const submit = async (event: Event) => {
        event.preventDefault();
        setBusy(true);
        setSaid('');
        await open.attempt(async () => {
            const { is_new } = await open.api.addKnowledge(open.id, knowledgeOf(written));
            setWritten(EMPTY);
            setSaid(is_new ? '' : 'The agent knew that already.');
        });
        setBusy(false);
    };
    return (
        <form class="add-knowledge" aria-label="Add knowledge" onSubmit={(event) => void submit(event)}>
            <label class="field wide">
                <span>Text</span>
                <textarea rows={3} value={written.content} placeholder="The can holds 9 litres and waters 20 pots." onInput={write('content')} />
            </label>
            <label class="field">
                <span>
                    Question <small>(optional)</small>
                </span>
                <input value={written.question} autoComplete="off" placeholder="How much does it hold?" onInput={write('question')} />
            </label>
            <label class="field">
                <span>
                    Answer <small>(optional)</small>
                </span>
                <input value={written.answer} autoComplete="off" placeholder="9 litres." onInput={write('answer')} />
            </label>
            <label class="field">
                <span>
                    Source <small>(optional)</small>
                </span>
                <input value={written.source} autoComplete="off" placeholder="Handbook" onInput={write('source')} />
            </label>
            <button type="submit" class="primary" disabled={isBusy || written.content.trim() === ''}>
                Add it
            </button>
            <p class="domo-note wide" role="status">
                {said}
            </p>
        </form>
    );
}

function knowledgeOf({ content, question, answer, source }: typeof EMPTY): NewKnowledge {
    return {
        content,
        ...(question.trim() ? { question } : {}),
        ...(answer.trim() ? { answer } : {}),
        ...(source.trim() ? { source } : {}),
    };
}

function ChunkItem({ chunk, remove }: { chunk: Chunk; remove: () => void }) {
    const { content, question, answer, source, embedded_at, embedding_model } = chunk;
    return (
        <li class="chunk">
            <div class="chunk-text">
                {question && <strong>{question}</strong>}
                <p>{content}</p>
                {answer && <p>Answer: {answer}</p>}
                <p class="chunk-from">
                    {source && <span>{source}</span>}
                    {embedded_at ? (
                        <span class="embedded" title={embedding_model ?? ''}>
                            <Icon name="check" size={14} /> embedded
                        </span>
                    ) : (
                        <span class="waits">
                            <Icon name="clock" size={14} /> waits for its embedding
                        </span>
                    )}
                </p>
            </div>
            <button type="button" class="quiet square" aria-label={`Delete: ${content.slice(0, 60)}`} onClick={remove}>
                <Icon name="trash" size={16} />
            </button>
        </li>
    );
}
