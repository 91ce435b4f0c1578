// A message that is not stored yet, or was refused.

import { Icon } from '../../icons';
import type { Draft } from '../../outbox';
import type { Room } from './room';

interface PendingItemProps {
    readonly room: Room;
    readonly draft: Draft;
    readonly isReachable: boolean;
}

export function PendingItem({ room, draft, isReachable }: PendingItemProps) {
    const isRefused = draft.refusal !== null;
    return (
        <li class={isRefused ? 'message mine first pending refused' : 'message mine first pending'}>
            <div class="message-body">
                <div class="bubble">
                    <p class="content">{draft.content}</p>
                </div>
                {isRefused ? (
                    <p class="refusal" role="alert">
                        <Icon name="warning" size={16} />
                        <span>Not sent. {draft.refusal}</span>
                        <button type="button" class="plain small" onClick={() => room.outbox.retry(draft.client_id)}>
                            <Icon name="retry" size={16} /> Try again
                        </button>
                        <button type="button" class="quiet small" onClick={() => room.outbox.discard(draft.client_id)}>
                            Discard
                        </button>
                    </p>
                ) : (
                    <p class="waiting-mark">
                        <Icon name="clock" size={14} /> {isReachable ? 'Sending…' : 'Waiting to be sent'}
                    </p>
                )}
            </div>
        </li>
    );
}
