// What realtime.send says when it loses a message: a warning, which pgTAP cannot see. supabase/tests/realtime_contract.sql proves that the
// same calls leave no row behind and that the caller carries on.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { inRolledBackTransaction } from './database.mjs';

// Servers of before 2026 write Error instead of Warn.
const lost = /^(Warn|Error)SendingBroadcastMessage: \S/;

/** Runs `work` in a transaction and returns the warnings that arrived meanwhile, and how many messages the topic then has. */
async function sending(work) {
    const topic = `contract:${randomUUID()}`;
    return inRolledBackTransaction(async (client) => {
        const notices = [];
        const hear = ({ severity, code, message }) => notices.push({ severity, code, message });
        client.on('notice', hear);
        try {
            await work(client, topic);
            // Told by another role than the one that sent, in the same transaction: so it carries on.
            await client.query('set local role none');
            const { rows: [{ count }] } = await client.query('select count(*)::integer as count from realtime.messages where topic = $1', [topic]);
            return { notices, count };
        } finally {
            client.off('notice', hear);
        }
    });
}

const send = (client, topic, payload) => client.query(`select realtime.send($1, 'said', $2)`, [payload, topic]);
async function actAs(client, role) {
    await client.query(`select set_config('role', $1, true), set_config('request.jwt.claims', $2, true)`, [
        role, JSON.stringify({ role, sub: randomUUID() }),
    ]);
}

const losses = {
    'an array': (client, topic) => send(client, topic, '[1, 2]'),
    'a number': (client, topic) => send(client, topic, '42'),
    'a text': (client, topic) => send(client, topic, '"text"'),
    'a JSON null': (client, topic) => send(client, topic, 'null'),
    'what a user may not send': async (client, topic) => {
        await actAs(client, 'authenticated');
        await send(client, topic, '{}');
    },
    'what a visitor may not send': async (client, topic) => {
        await actAs(client, 'anon');
        await send(client, topic, '{}');
    },
    'a message of a day without a partition': async (client, topic) => {
        // As far from UTC as Postgres goes: nearly a week ahead.
        await client.query(`set local timezone = '167'`);
        await send(client, topic, '{}');
    },
    'a message of a read-only transaction': async (client, topic) => {
        await client.query('set transaction read only');
        await send(client, topic, '{}');
    },
};

for (const [what, work] of Object.entries(losses)) {
    test(`${what} is lost with one warning, and the transaction carries on`, async () => {
        const { notices, count } = await sending(work);
        assert.equal(count, 0);
        assert.deepEqual(notices.map(({ severity, code }) => [severity, code]), [['WARNING', '01000']]);
        assert.match(notices[0].message, lost);
    });
}

const arrivals = {
    'an object': (client, topic) => send(client, topic, '{}'),
    'an SQL null': (client, topic) => send(client, topic, null),
    'what service_role sends': async (client, topic) => {
        await actAs(client, 'service_role');
        await send(client, topic, '{}');
    },
    'what parley.broadcast sends from any time zone': async (client, topic) => {
        await client.query(`set local timezone = '167'`);
        await client.query(`select parley.broadcast($1, 'said', '{}')`, [topic]);
    },
};

for (const [what, work] of Object.entries(arrivals)) {
    test(`${what} arrives without a warning`, async () => {
        assert.deepEqual(await sending(work), { notices: [], count: 1 });
    });
}
