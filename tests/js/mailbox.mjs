// What the stand-in for Supabase Auth would have sent.

import assert from 'node:assert/strict';
import { stack } from './stack.mjs';

/** The newest message to an address or number. */
export async function lastMessageTo(to) {
    const response = await fetch(`${stack.url}/_mail/messages?to=${encodeURIComponent(to)}`);
    assert.equal(response.status, 200);
    const { messages } = await response.json();
    assert.ok(messages.length > 0, `nothing was sent to ${to}`);
    return messages[0];
}

/** Follows the link of a mail as a browser does, and returns where it leads. */
export async function follow(link) {
    const response = await fetch(link, { redirect: 'manual' });
    assert.equal(response.status, 303);
    return new URL(response.headers.get('location'));
}
