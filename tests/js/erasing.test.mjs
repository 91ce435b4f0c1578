// Gone is gone: somebody who did everything deletes their account, and then every table of every schema and every bucket is searched for their ids,
// name and texts. What is found has to be in the table of docs/erasing.md that says what stays.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { callAtTavus, conversation, isDue, isOver, isThere, sayInCall } from './avatar.mjs';
import { eventually } from './channels.mjs';
import { row, rows } from './database.mjs';
import { demoOf } from './demos.mjs';
import { ok, people, personWithEmail, roomWith, service } from './people.mjs';
import { root } from './stack.mjs';

const page = readFileSync(join(root, 'docs/erasing.md'), 'utf8');

/** The places that the page names, as schema.table.column. */
function placesThatStay() {
    const [, section] = page.split('\n## What stays\n');
    const lines = section.split('\n## ')[0].split('\n').filter((line) => line.startsWith('| `'));
    return new Set(lines.map((line) => line.match(/^\| `([a-z_.]+)`/)[1]));
}

/** Every column of the database that holds one of these texts, as schema.table.column; of a partitioned table, the table. */
async function placesWith(words) {
    const tables = await rows(`
        select c.oid, n.nspname::text as schema, c.relname::text as name,
            array_agg(a.attname::text order by a.attnum) as columns
        from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        where c.relkind in ('r', 'm', 'p') and not c.relispartition
            and n.nspname !~ '^pg_|^information_schema$'
        group by 1, 2, 3`);
    const patterns = words.map((word) => `%${word}%`);
    const found = new Set();
    for (const { schema, name, columns } of tables) {
        const any = columns.map((column) => `bool_or(t."${column}"::text like any ($1)) as "${column}"`);
        const hit = await row(`select ${any.join(', ')} from "${schema}"."${name}" t where t::text like any ($1)`, [patterns]);
        for (const column of columns.filter((one) => hit[one])) {
            found.add(`${schema}.${name}.${column}`);
        }
    }
    return found;
}

describe('somebody who did everything and deletes their account', () => {
    const mark = `mark${randomUUID().replaceAll('-', '')}`;
    const said = (what) => `${mark} ${what}`;
    let leaver;
    let friend;
    let demo;
    let calls;
    let message;

    before(async () => {
        leaver = await personWithEmail();
        [friend] = await people(1);

        // EchoRoom: rooms, messages, reactions, an edit and a deletion, a call, a removal.
        const room = await roomWith([friend]);
        const session_id = room.id;
        await ok(leaver.rpc('create_session', { category: room.category, description: said('opened'), max_participants: 4 }));
        await ok(leaver.rpc('join_room', { session_id, user_name: `N${mark.slice(0, 20)}` }));
        message = await ok(leaver.rpc('send_message', { session_id, content: said('sent') }));
        await ok(leaver.rpc('edit_message', { message_id: message.id, content: said('edited') }));
        const taken = await ok(leaver.rpc('send_message', { session_id, content: said('taken back') }));
        await ok(leaver.rpc('delete_message', { message_id: taken.id }));
        const theirs = await ok(friend.rpc('send_message', { session_id, content: 'hello' }));
        await ok(leaver.rpc('add_reaction', { message_id: theirs.id, emoji: '👍' }));
        await ok(leaver.rpc('start_conversation', { session_id, mood: 'Calm' }));
        const { conversation_url, conversation_id } = await conversation(leaver, session_id, isThere);
        await sayInCall(conversation_url, said('said to the avatar'));
        await ok(leaver.rpc('end_conversation', { conversation_id }));
        await conversation(leaver, session_id, isOver);
        const closed = await roomWith([friend, leaver]);
        await ok(friend.rpc('remove_participant', { session_id: closed.id, user_id: leaver.id }));

        // Domo: a demo with files, knowledge and two calls, one over and one running.
        demo = await demoOf(leaver, { name: said('demo'), description: said('about'), tavus_persona_id: 'default_calm_persona', metadata: { of: mark } });
        const files = (bucket) => leaver.client.storage.from(bucket);
        await ok(files('demo-videos').upload(`${demo.id}/${mark}.mp4`, 'a film', { contentType: 'video/mp4' }));
        await ok(files('demo-documents').upload(`${demo.id}/${mark}.txt`, said('in a document'), { contentType: 'text/plain' }));
        await ok(leaver.domo.from('demo_videos').insert({ demo_id: demo.id, title: said('tour'), storage_url: `${demo.id}/${mark}.mp4`, order_index: 0 }));
        await ok(leaver.domo.from('demo_documents').insert({ demo_id: demo.id, title: said('manual'), storage_url: `${demo.id}/${mark}.txt` }));
        await ok(leaver.domo.rpc('add_knowledge', { demo_id: demo.id, content: said('known') }));
        await ok(leaver.domo.from('knowledge_chunks').update({ content: said('known better') }).eq('demo_id', demo.id).eq('content', said('known')));
        const callWhere = (id, test) => eventually(async () => {
            const { data } = await leaver.domo.from('conversations').select().eq('id', id).single();
            return test(data) && data;
        }, () => `the call ${id}`);
        const started = [];
        for (let n = 0; n < 2; n += 1) {
            const { id } = await ok(leaver.domo.rpc('start_conversation', { demo_id: demo.id, client_id: randomUUID() }));
            const call = await callWhere(id, isThere);
            await sayInCall(call.conversation_url, said('said to the agent'));
            started.push(call);
        }
        await ok(leaver.domo.rpc('end_conversation', { conversation_id: started[0].conversation_id }));
        await callWhere(started[0].id, ({ transcript_ready_at }) => transcript_ready_at);
        // What the simulator does not send.
        await rows(`update domo.conversations set recording = $1, recordings = jsonb_build_array($1::jsonb), perception_analysis = $2 where demo_id = $3`, [
            JSON.stringify({ s3_key: mark }), said('seen'), demo.id,
        ]);
        await eventually(
            async () => {
                // Other files put the jobs of knowledge off while they run.
                await rows(`update pgmq.q_parley_knowledge set vt = now() where vt > now() + interval '10 minutes' and message::text like '%' || $1 || '%'`, [demo.id]);
                await rows(`update pgmq.q_parley_knowledge q set vt = now() from domo.demo_documents f
                    where q.vt > now() + interval '10 minutes' and f.demo_id = $1 and q.message::text like '%' || f.id || '%'`, [demo.id]);
                return (await row(`select count(*)::int as n from domo.knowledge_chunks where demo_id = $1 and vector_embedding is not null`, [demo.id])).n >= 2;
            },
            () => 'the knowledge of the document',
        );
        calls = started.map(({ conversation_id: id }) => id);
    });

    const words = () => [leaver.id, mark, demo.id];

    test('is in many places before', async () => {
        const found = await placesWith(words());
        for (const place of [
            'auth.users.id', 'echoroom.chat_messages.user_id', 'echoroom.message_reactions.user_id', 'echoroom_private.audit_log.old_content',
            'echoroom.conversations.transcript', 'echoroom.removed_participants.user_id', 'domo.demos.name', 'domo.demo_videos.title',
            'domo.knowledge_chunks.content', 'domo.conversation_messages.content', 'domo.processed_webhook_events.event_data', 'domo.audit_logs.old_values',
            'domo.conversations.recording', 'domo.conversations.perception_analysis', 'storage.objects.name',
        ]) {
            assert.ok(found.has(place), `${place} is not among ${[...found].sort().join(', ')}`);
        }
    });

    test('is afterwards where the page says, and nowhere else', async () => {
        const { error } = await service().client.auth.admin.deleteUser(leaver.id);
        assert.equal(error, null, error?.message);
        const stays = placesThatStay();
        let beyond;
        await eventually(
            async () => {
                for (const schedule of ['domo_erase_calls', 'echoroom_erase_people', 'domo_remove_files', 'prune']) {
                    await isDue(schedule);
                }
                beyond = [...(await placesWith(words()))].filter((place) => !stays.has(place)).sort();
                return beyond.length === 0;
            },
            () => `nothing but what docs/erasing.md names; there is ${beyond}`,
            60_000,
        );
        const [left] = await ok(friend.rpc('get_messages', { session_id: message.session_id }).then(({ data, error: refusal }) => ({
            data: data?.filter(({ id }) => id === message.id),
            error: refusal,
        })));
        assert.deepEqual([left.user_id, left.content, left.sender_name], [null, said('edited'), `N${mark.slice(0, 20)}`], 'what others talked about stays');
    });

    test('is not at the provider any more: the calls are ended and erased there', async () => {
        for (const id of calls) {
            await eventually(async () => !(await callAtTavus(id)), () => `the erasure of ${id}`);
        }
        assert.deepEqual(await rows('select id from domo.conversations where conversation_id = any ($1)', [calls]), []);
    });
});

test('the page names every retention with its days, and no other', async () => {
    const retained = await rows(`select name, allowed from parley.limits where kind = 'retention'`);
    const named = [...page.matchAll(/^\| `([a-z_]+\.[a-z_]+)` \| (\d+) \|/gm)].map(([, name, days]) => [name, days]);
    assert.deepEqual(named.sort(), retained.map(({ name, allowed }) => [name, allowed]).sort());
});
