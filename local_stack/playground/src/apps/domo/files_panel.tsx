// Documents and videos: send one, and see how far the server is with each.

import { useRef, useState } from 'preact/hooks';
import { Icon } from '../../icons';
import { ACCEPTED, isUnderWay, percentOf, stateOf } from './files';
import type { OpenDemo } from './open_demo';
import type { DemoFile, FileKind } from './rows';

export function FilesPanel({ open }: { open: OpenDemo }) {
    const { files } = open.shown;
    return (
        <section class="domo-panel" aria-labelledby="files-title">
            <h2 id="files-title">Documents and videos</h2>
            <p class="domo-note">They are read, or listened to, and become knowledge. Text, Markdown, HTML, PDF; film and sound.</p>
            <div class="row">
                <Upload open={open} kind="document" words="Add a document" />
                <Upload open={open} kind="video" words="Add a video" />
            </div>
            {files.length > 0 && (
                <ul class="files" aria-label="Files">
                    {files.map((file) => (
                        <FileItem key={file.id} file={file} open={open} />
                    ))}
                </ul>
            )}
        </section>
    );
}

function Upload({ open, kind, words }: { open: OpenDemo; kind: FileKind; words: string }) {
    const [sending, setSending] = useState<string>();
    const input = useRef<HTMLInputElement>(null);
    const send = async (file: File) => {
        setSending(file.name);
        const place = open.shown.files.filter((held) => held.kind === 'video').length;
        await open.attempt(() => open.api.upload(open.id, kind, file, place));
        setSending(undefined);
        if (input.current) {
            // The same file again is a choice, too.
            input.current.value = '';
        }
    };
    return (
        <label class="upload field">
            <span>{words}</span>
            <input
                ref={input}
                type="file"
                accept={ACCEPTED[kind]}
                disabled={sending !== undefined}
                onChange={(event) => {
                    const file = event.currentTarget.files?.[0];
                    if (file) {
                        void send(file);
                    }
                }}
            />
            {sending !== undefined && (
                <span class="file-state" role="status">
                    Sending {sending}… <progress aria-label={`Sending ${sending}`} />
                </span>
            )}
        </label>
    );
}

function FileItem({ file, open }: { file: DemoFile; open: OpenDemo }) {
    const { title, kind, processing_status } = file;
    const percent = percentOf(file);
    const change = (what: Parameters<OpenDemo['api']['changeFile']>[1]) => void open.attempt(() => open.api.changeFile(file, what));
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
                <button type="button" class="plain small" aria-label={`Try ${title} again`} onClick={() => change({ processing_status: 'pending' })}>
                    <Icon name="retry" size={16} /> Try again
                </button>
            )}
            <button type="button" class="quiet square" aria-label={`Remove ${title}`} onClick={() => change({ deleted_at: new Date().toISOString() })}>
                <Icon name="trash" size={16} />
            </button>
        </li>
    );
}
