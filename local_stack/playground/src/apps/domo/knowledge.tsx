// What the agent knows: a form to add to it, and the pieces with their embeddings.

import { useRef, useState } from 'preact/hooks';
import { Icon } from '../../icons';
import { useKeptFocus } from '../../kept_focus';
import { lengthOf, splitText } from '../../length';
import { useQuestion } from '../../question';
import { TextField } from '../../text_field';
import type { Act } from './acts';
import { CHUNKS_SHOWN } from './api';
import type { OpenDemo } from './open_demo';
import { RefusedActs } from './refused_acts';
import type { Chunk, NewKnowledge } from './rows';
import { useShort } from './short_list';

export function KnowledgePanel({ open }: { open: OpenDemo }) {
    const { chunks, embedded } = open.shown.counts;
    const [question, ask] = useQuestion();
    const list = useRef<HTMLUListElement>(null);
    const heading = useRef<HTMLHeadingElement>(null);
    useKeptFocus(list, heading);
    const acts = open.acts.filter(({ refusal }) => refusal === null);
    const known = open.chunks.filter(({ id }) => !acts.some((act) => act.kind === 'forget' && act.chunk_id === id));
    const [shown, rest] = useShort(known, 'pieces');
    const askToForget = ({ id, content }: Chunk) =>
        ask({
            title: 'Delete this piece of knowledge?',
            text: (
                <>
                    <q>{shortOf(content)}</q> The agent does not know it any more.
                </>
            ),
            yes: 'Delete',
            act: () => open.want({ demo_id: open.id, kind: 'forget', chunk_id: id, text: content }),
        });
    return (
        <section class="domo-panel" aria-labelledby="knowledge-title">
            <h2 id="knowledge-title" ref={heading} tabIndex={-1}>
                Knowledge
            </h2>
            <AddKnowledge open={open} />
            <Waiting acts={acts} />
            <p class="domo-note" role="status" aria-label="How much is known">
                {chunks === 0 ? 'Nothing is known yet.' : `${embedded} of ${chunks} ${chunks === 1 ? 'piece' : 'pieces'} embedded`}
                {chunks > CHUNKS_SHOWN && `; the latest ${CHUNKS_SHOWN} are shown`}
            </p>
            <RefusedActs acts={open.acts} kinds={['forget']} retry={(id) => open.retry(id)} discard={(id) => open.discard(id)} />
            {shown.length > 0 && (
                <ul ref={list} class="chunks" aria-label="Pieces of knowledge">
                    {shown.map((chunk) => (
                        <ChunkItem key={chunk.id} chunk={chunk} remove={() => askToForget(chunk)} />
                    ))}
                </ul>
            )}
            {rest}
            {question}
        </section>
    );
}

/** What was written and is not stored yet. */
function Waiting({ acts }: { acts: readonly Act[] }) {
    const written = acts.flatMap((act) => (act.kind === 'teach' ? [act] : []));
    return written.length === 0 ? null : (
        <ul class="chunks" aria-label="Waiting to be stored">
            {written.map(({ id, knowledge }) => (
                <li key={id} class="chunk waits">
                    <div class="chunk-text">
                        {knowledge.question && <strong>{knowledge.question}</strong>}
                        <p>{knowledge.content}</p>
                        {knowledge.answer && <p>Answer: {knowledge.answer}</p>}
                        <p class="chunk-from">
                            <span class="waits">
                                <Icon name="clock" size={14} /> waits to be stored
                            </span>
                        </p>
                    </div>
                </li>
            ))}
        </ul>
    );
}

function shortOf(text: string): string {
    return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

const EMPTY = { content: '', question: '', answer: '', source: '' };

/** What each takes, in characters. */
const MAX = { content: 8_000, question: 2_000, answer: 8_000, source: 500 };

function AddKnowledge({ open }: { open: OpenDemo }) {
    const [written, setWritten] = useState(EMPTY);
    const [question, ask] = useQuestion();
    const set = (name: keyof typeof EMPTY) => (value: string) => setWritten((before) => ({ ...before, [name]: value }));
    const names = Object.keys(MAX) as (keyof typeof EMPTY)[];
    const isTooLong = names.some((name) => lengthOf(written[name]) > MAX[name]);
    const pieces = lengthOf(written.content) > MAX.content ? splitText(written.content, MAX.content) : [];
    const add = (contents: readonly string[]) => {
        contents.forEach((content) => open.want({ demo_id: open.id, kind: 'teach', knowledge: knowledgeOf({ ...written, content }) }));
        setWritten(EMPTY);
    };
    const submit = (event: Event) => {
        event.preventDefault();
        if (!isTooLong && written.content.trim() !== '') {
            add([written.content]);
        }
    };
    const discard = (id: string) =>
        ask({ title: 'Discard what you wrote?', text: 'It was not stored, and is kept nowhere else.', yes: 'Discard', act: () => open.discard(id) });
    return (
        <form class="add-knowledge" aria-label="Add knowledge" onSubmit={submit}>
            <TextField
                class="wide"
                label="Text"
                rows={3}
                value={written.content}
                max={MAX.content}
                set={set('content')}
                placeholder="The can holds 9 litres and waters 20 pots."
            />
            {pieces.length > 0 && (
                <button
                    type="button"
                    class="plain small wide"
                    disabled={names.some((name) => name !== 'content' && lengthOf(written[name]) > MAX[name])}
                    onClick={() => add(pieces)}
                >
                    Add it as {pieces.length} pieces
                </button>
            )}
            <TextField label="Question" hint="optional" value={written.question} max={MAX.question} set={set('question')} placeholder="How much does it hold?" />
            <TextField label="Answer" hint="optional" value={written.answer} max={MAX.answer} set={set('answer')} placeholder="9 litres." />
            <TextField label="Source" hint="optional" value={written.source} max={MAX.source} set={set('source')} placeholder="Handbook" />
            <button type="submit" class="primary" disabled={isTooLong || written.content.trim() === ''}>
                Add it
            </button>
            <p class="domo-note wide" role="status">
                {open.said}
            </p>
            <div class="wide">
                <RefusedActs acts={open.acts} kinds={['teach']} retry={(id) => open.retry(id)} discard={discard} />
            </div>
            {question}
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
