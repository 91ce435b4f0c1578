// A worker that ticks. Timers of a hidden page are slowed down to one a minute, which is longer than a seat is kept; a worker's are not.
// The messages are those that realtime-js exchanges with its own heartbeat worker, so it uses this one too.

self.addEventListener('message', (message: MessageEvent<{ event: string; interval: number }>) => {
    if (message.data.event === 'start') {
        setInterval(() => self.postMessage({ event: 'keepAlive' }), message.data.interval);
    }
});
