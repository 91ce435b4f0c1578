// A message that is not stored yet, or was refused.

import { Icon } from '../../icons';
import type { Draft } from '../../outbox';
import type { Question } from '../../question';
import { Refused } from '../../refused';
import type { Room } from './room';

interface PendingItemProps {
    readonly room: Room;
    readonly draft: Draft;
    readonly isReachable: boolean;
    ask(question: Question): void;
    /** Gives the focus to where one writes. */
    write(): void;
}

export function PendingItem({ room, draft, isReachable, ask, write }: PendingItemProps) {
    const isRefused = draft.refusal !== null;
    const discard = () =>
        ask({
            title: 'Discard this message?',
            text: 'It was not sent, and is kept nowhere else.',
            yes: 'Discard',
            act: () => {
                room.outbox.discard(draft.client_id);
                write();
            },
        });
    return (
        <li class={isRefused ? 'message mine first pending refused' : 'message mine first pending'}>
            <div class="message-body">
                <div class="bubble">
                    <p class="content">{draft.content}</p>
                </div>
                {isRefused ? (
                    <Refused isAlert words={`Not sent. ${draft.refusal}`} retry={() => room.outbox.retry(draft.client_id)} discard={discard} />
                ) : (
                    <p class="waiting-mark">
                        <Icon name="clock" size={14} /> {isReachable ? 'Sending…' : 'Waiting to be sent'}
                    </p>
                )}
            </div>
        </li>
    );
}
