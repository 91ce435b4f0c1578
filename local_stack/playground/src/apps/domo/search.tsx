// The search over what the agent knows, and how good it is.

import { useState } from 'preact/hooks';
import type { OpenDemo } from './open_demo';
import { comparedWords, qualityWords, rankWords } from './quality';
import type { Hit } from './rows';

interface Found {
    readonly query: string;
    readonly hits: readonly Hit[];
    /** Whether an embedding of the query was compared, too. */
    readonly isByNearness: boolean;
}

export function SearchPanel({ open }: { open: OpenDemo }) {
    const [query, setQuery] = useState('');
    const [isAgents, setAgents] = useState(false);
    const [isBusy, setBusy] = useState(false);
    const [found, setFound] = useState<Found>();
    const call = open.calls[0];

    const submit = async (event: Event) => {
        event.preventDefault();
        setBusy(true);
        await open.attempt(async () => {
            if (call !== undefined && isAgents) {
                setFound({ query, hits: await open.api.searchInCall(call.id, query), isByNearness: true });
            } else {
                const { results, is_by_nearness } = await open.api.search(open.id, query);
                setFound({ query, hits: results, isByNearness: is_by_nearness });
            }
        });
        setBusy(false);
    };
    return (
        <section class="domo-panel" aria-labelledby="search-title">
            <h2 id="search-title">Search</h2>
            <form class="row search-form" role="search" onSubmit={(event) => void submit(event)}>
                <input
                    type="search"
                    aria-label="Search for"
                    value={query}
                    maxLength={2000}
                    autoComplete="off"
                    placeholder="How much does it hold?"
                    onInput={(event) => setQuery(event.currentTarget.value)}
                />
                <button type="submit" class="primary" disabled={isBusy || query.trim() === ''}>
                    Search
                </button>
            </form>
            {call && (
                <label class="check">
                    <input type="checkbox" checked={isAgents} onChange={(event) => setAgents(event.currentTarget.checked)} />
                    <span>As the agent does in a call</span>
                </label>
            )}
            <p class="domo-note" role="note" aria-label="How it is searched">
                {open.quality ? qualityWords(open.quality) : ''}
            </p>
            <p class="sr" role="status">
                {found && `${found.hits.length} found for ${found.query}`}
            </p>
            {found && <p class="domo-note">{comparedWords(found.isByNearness)}</p>}
            {found && <Hits found={found} />}
        </section>
    );
}

function Hits({ found: { query, hits, isByNearness } }: { found: Found }) {
    if (hits.length === 0) {
        return <p class="domo-note">Nothing fits “{query}”.</p>;
    }
    return (
        <ol class="hits" aria-label={`Found for ${query}`}>
            {hits.map(({ id, content, question, answer, source, score, text_rank, vector_rank }) => (
                <li key={id} class="chunk">
                    <div class="chunk-text">
                        {question && <strong>{question}</strong>}
                        <p>{content}</p>
                        {answer && <p>Answer: {answer}</p>}
                        <p class="chunk-from">
                            {source && <span>{source}</span>}
                            <span>Score {score.toFixed(4)}</span>
                            <span>By words: {rankWords(text_rank)}</span>
                            <span>By nearness: {isByNearness ? rankWords(vector_rank) : 'not compared'}</span>
                        </p>
                    </div>
                </li>
            ))}
        </ol>
    );
}
