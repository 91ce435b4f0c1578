// Something that went wrong, or that is waited for. It stands at the lower edge of what is seen, however far one has scrolled, and is read out.

import type { ComponentChildren } from 'preact';
import { Icon } from './icons';

interface NoticeProps {
    readonly words: string | undefined;
    /** Something that is waited for is no alarm. */
    readonly isWaiting?: boolean;
    dismiss?(): void;
    readonly children?: ComponentChildren;
}

export function Notice({ words, isWaiting = false, dismiss, children }: NoticeProps) {
    return (
        <div class="notice-place afloat" role={isWaiting ? 'status' : 'alert'}>
            {words && (
                <div class={isWaiting ? 'notice waiting-notice' : 'notice'}>
                    <Icon name={isWaiting ? 'clock' : 'warning'} size={18} />
                    <span>{words}</span>
                    {children}
                    {dismiss && (
                        <button type="button" class="quiet square" aria-label="Dismiss" onClick={dismiss}>
                            <Icon name="close" size={16} />
                        </button>
                    )}
                </div>
            )}
        </div>
    );
}
