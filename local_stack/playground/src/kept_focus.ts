// When what has the focus vanishes from a list, the focus goes to what stands in its place, and not to the body, from where the keyboard
// would begin at the top of the page again.

import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';

const FOCUSABLE = 'button:not(:disabled), a[href], input:not(:disabled), [tabindex]:not([tabindex="-1"])';

/** Looks after the items of a list; without any, the focus goes to `rest`. */
export function useKeptFocus(list: RefObject<HTMLElement | null>, rest: RefObject<HTMLElement | null>): void {
    /** The item that has the focus, by its place, and which of its controls. */
    const held = useRef<{ readonly index: number; readonly label: string } | undefined>(undefined);

    useEffect(() => {
        const noticed = ({ target }: FocusEvent) => {
            const element = target instanceof HTMLElement ? target : undefined;
            if (element && list.current?.contains(element)) {
                const index = [...list.current.children].findIndex((item) => item.contains(element));
                held.current = { index, label: kindOf(element) };
            } else if (element && !element.closest('dialog')) {
                held.current = undefined;
            }
        };
        // Somebody who clicks beside everything takes the focus away; an element that goes does so without a click.
        const pressed = ({ target }: PointerEvent) => {
            if (target instanceof Node && !list.current?.contains(target) && !(target instanceof Element && target.closest('dialog'))) {
                held.current = undefined;
            }
        };
        document.addEventListener('focusin', noticed);
        document.addEventListener('pointerdown', pressed);
        return () => {
            document.removeEventListener('focusin', noticed);
            document.removeEventListener('pointerdown', pressed);
        };
    }, [list]);

    useLayoutEffect(() => {
        const { activeElement } = document;
        if (!held.current || (activeElement && activeElement !== document.body && activeElement.isConnected)) {
            return;
        }
        const { index, label } = held.current;
        const items = list.current ? [...list.current.children] : [];
        const item = items[Math.min(index, items.length - 1)];
        const controls = item ? [...item.querySelectorAll<HTMLElement>(FOCUSABLE)] : [];
        const itself = item instanceof HTMLElement && item.hasAttribute('tabindex') ? item : undefined;
        held.current = undefined;
        (controls.find((control) => kindOf(control) === label) ?? itself ?? controls[0] ?? rest.current)?.focus();
    });
}

/** Its name without what it is about: `Delete: The can holds` and `Delete: It is made of` are the same control of two items. */
function kindOf(element: HTMLElement): string {
    return (element.getAttribute('aria-label') ?? element.textContent ?? '').trim().split(/[\s:]/)[0] ?? '';
}

/**
 * Buttons that vanish when they are pressed, such as those of a notice or of a dialog whose opener is gone: the focus goes to what is left
 * around them. Lists look after their items themselves, before this looks. Returns what ends it.
 */
export function keepFocusAfterClicks(): () => void {
    const clicked = (event: MouseEvent) => {
        const around = event.composedPath().filter((target) => target instanceof HTMLElement);
        // Two frames: what a press changes is drawn in the first.
        requestAnimationFrame(() =>
            requestAnimationFrame(() => {
                if (document.activeElement && document.activeElement !== document.body) {
                    return;
                }
                const left = around.find((element) => element.isConnected && element !== document.body && element.checkVisibility());
                const next = left?.matches(FOCUSABLE) ? left : left?.querySelector<HTMLElement>(FOCUSABLE);
                if (next?.checkVisibility()) {
                    next.focus({ preventScroll: true });
                } else if (left) {
                    left.tabIndex = -1;
                    left.focus({ preventScroll: true });
                }
            }),
        );
    };
    document.addEventListener('click', clicked);
    return () => document.removeEventListener('click', clicked);
}
