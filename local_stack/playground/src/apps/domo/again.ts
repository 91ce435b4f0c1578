// Reading one thing that many events ask for.

/**
 * Runs one read at a time. Who asks meanwhile is served by one more when it is done, because the first may have read before what they heard
 * of. What is returned settles when what was asked for is read.
 */
export function oneAtATime(read: () => Promise<void>): () => Promise<void> {
    let running: Promise<void> | undefined;
    let next: Promise<void> | undefined;
    const begin = (): Promise<void> => {
        running = read().finally(() => {
            running = undefined;
        });
        return running;
    };
    return () => {
        if (!running) {
            return begin();
        }
        next ??= running.catch(() => undefined).then(() => {
            next = undefined;
            return begin();
        });
        return next;
    };
}
