// Documents and videos: send one, and see how far the server is with each.

import { useRef } from 'preact/hooks';
import { Icon } from '../../icons';
import { useKeptFocus } from '../../kept_focus';
import { useQuestion } from '../../question';
import { Refused } from '../../refused';
import { ACCEPTED, isUnderWay, percentOf, stateOf } from './files';
import type { OpenDemo } from './open_demo';
import { RefusedActs } from './refused_acts';
import type { DemoFile, FileKind } from './rows';
import { useShort } from './short_list';

export function FilesPanel({ open }: { open: OpenDemo }) {
    const [question, ask] = useQuestion();
    const list = useRef<HTMLUListElement>(null);
    const heading = useRef<HTMLHeadingElement>(null);
    useKeptFocus(list, heading);
    const { acts, id } = open;
    const files = open.shown.files.filter((file) => !acts.some((act) => act.kind === 'remove-file' && act.refusal === null && act.file_id === file.id));
    const [shown, rest] = useShort(files, 'files');
    const askToRemove = ({ id: file_id, kind, title }: DemoFile) =>
        ask({
            title: `Remove ${title}?`,
            text: `The ${kind} goes, and with it what the agent knows from it.`,
            yes: 'Remove',
            act: () => open.want({ demo_id: id, kind: 'remove-file', file: kind, file_id, title }),
        });
    return (
        <section class="domo-panel" aria-labelledby="files-title">
            <h2 id="files-title" ref={heading} tabIndex={-1}>
                Documents and videos
            </h2>
            <p class="domo-note">They are read, or listened to, and become knowledge. Text, Markdown, HTML, PDF; film and sound.</p>
            <div class="row">
                <Upload open={open} kind="document" words="Add a document" />
                <Upload open={open} kind="video" words="Add a video" />
            </div>
            <Sending open={open} />
            <RefusedActs acts={acts} kinds={['remove-file', 'retry-file']} retry={(act) => open.retry(act)} discard={(act) => open.discard(act)} />
            {shown.length > 0 && (
                <ul ref={list} class="files" aria-label="Files">
                    {shown.map((file) => (
                        <FileItem key={file.id} file={file} open={open} remove={() => askToRemove(file)} />
                    ))}
                </ul>
            )}
            {rest}
            {question}
        </section>
    );
}

function Upload({ open, kind, words }: { open: OpenDemo; kind: FileKind; words: string }) {
    return (
        <label class="upload field">
            <span>{words}</span>
            <input
                type="file"
                accept={ACCEPTED[kind]}
                onChange={(event) => {
                    const input = event.currentTarget;
                    for (const file of input.files ?? []) {
                        open.send(kind, file);
                    }
                    // The same file again is a choice, too.
                    input.value = '';
                }}
            />
        </label>
    );
}

/** Files on their way. They wait in the page alone, so that is said. */
function Sending({ open }: { open: OpenDemo }) {
    const { uploads } = open;
    return (
        <>
            {uploads.map(({ id, file, refusal }) =>
                refusal === null ? (
                    <p key={id} class="file-state" role="status">
                        Sending {file.name}… Keep this page open. <progress aria-label={`Sending ${file.name}`} />
                    </p>
                ) : (
                    <Refused
                        key={id}
                        isAlert
                        words={`Not added: ${file.name}. ${refusal}`}
                        retry={() => open.retry(id)}
                        discard={() => open.discard(id)}
                    />
                ),
            )}
        </>
    );
}

function FileItem({ file, open, remove }: { file: DemoFile; open: OpenDemo; remove: () => void }) {
    const { title, kind, processing_status } = file;
    const percent = percentOf(file);
    const isRetried = open.acts.some((act) => act.kind === 'retry-file' && act.refusal === null && act.file_id === file.id);
    const retry = () => open.want({ demo_id: open.id, kind: 'retry-file', file: kind, file_id: file.id, title });
    return (
        <li class={`file ${processing_status}`}>
            <div class="chunk-text">
                <strong>{title}</strong>
                <span class="file-state">
                    {kind === 'video' ? 'Video' : 'Document'} · {stateOf(file)}
                </span>
                {isUnderWay(file) && <progress aria-label={`Progress of ${title}`} max={100} {...(percent === undefined ? {} : { value: percent })} />}
            </div>
            {processing_status === 'failed' && (
                <button type="button" class="plain small" aria-label={`Try ${title} again`} disabled={isRetried} onClick={retry}>
                    <Icon name="retry" size={16} /> Try again
                </button>
            )}
            <button type="button" class="quiet square" aria-label={`Remove ${title}`} onClick={remove}>
                <Icon name="trash" size={16} />
            </button>
        </li>
    );
}
