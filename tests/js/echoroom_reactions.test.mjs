// EchoRoom: reactions.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rows } from './database.mjs';
import { ok, people, refused, roomWith } from './people.mjs';

async function messageIn(author, session) {
    return ok(author.rpc('send_message', { session_id: session.id, content: 'react to me' }));
}

test('reactions are grouped by emoji, with counts and whether the reader reacted', async () => {
    const [a, b, c] = await people(3);
    const session = await roomWith([a, b, c]);
    const { id: message_id } = await messageIn(a, session);
    await ok(a.rpc('add_reaction', { message_id, emoji: '👍' }));
    await ok(b.rpc('add_reaction', { message_id, emoji: '👍' }));
    await ok(b.rpc('add_reaction', { message_id, emoji: '🏳️‍🌈' }));
    const seenBy = async (who) => (await ok(who.rpc('get_messages', { session_id: session.id })))[0].reactions;
    assert.deepEqual(await seenBy(a), [{ emoji: '👍', count: 2, reacted: true }, { emoji: '🏳️‍🌈', count: 1, reacted: false }]);
    assert.deepEqual(await seenBy(b), [{ emoji: '👍', count: 2, reacted: true }, { emoji: '🏳️‍🌈', count: 1, reacted: true }]);
    assert.deepEqual(await seenBy(c), [{ emoji: '👍', count: 2, reacted: false }, { emoji: '🏳️‍🌈', count: 1, reacted: false }]);
});

test('a reaction is one emoji, and one that two keyboards write differently is the same', async () => {
    const [a, b] = await people(2);
    const session = await roomWith([a, b]);
    const { id: message_id } = await messageIn(a, session);
    const forms = [
        ['❤', '❤️'], ['❤\ufe0e', '❤️'], ['☝🏽', '☝🏽'], ['👍\ufe0f', '👍'], ['#\u20e3', '#️⃣'], ['👁‍🗨', '👁️‍🗨️'], ['🏳‍🌈', '🏳️‍🌈'],
        ['🇩🇪', '🇩🇪'], ['🏴󠁧󠁢󠁳󠁣󠁴󠁿', '🏴󠁧󠁢󠁳󠁣󠁴󠁿'], ['👩🏽‍❤️‍💋‍👨🏿', '👩🏽‍❤️‍💋‍👨🏿'],
    ];
    for (const [written, stored] of forms) {
        const { reactions } = await ok(b.rpc('add_reaction', { message_id, emoji: written }));
        assert.ok(reactions.some(({ emoji }) => emoji === stored), `${written} is ${escape(stored)}`);
        assert.equal((await ok(b.rpc('add_reaction', { message_id, emoji: stored }))).reactions.length, reactions.length);
        assert.equal((await ok(b.rpc('remove_reaction', { message_id, emoji: written }))).reactions.length, reactions.length - 1);
    }
    const wrong = ['abc', 'a', '1', '#', '\u200d', '\ufe0f', '👍👍', '👍a', 'a👍', '👍\u200d', '\u200d👍', '🇩', '🇩🇪🇫🇷', '٣', '字', '\u3164', '<b>', '👍'.repeat(40), '🏴󠁧󠁢'];
    for (const emoji of wrong) {
        await refused(b.rpc('add_reaction', { message_id, emoji }), 'PT422', 'invalid_emoji');
    }
    assert.deepEqual(await rows('select from echoroom.message_reactions where message_id = $1', [message_id]), []);
});

test('every emoji that Unicode lists is one, and what is stored is what it lists', async () => {
    // All single ones, and each with the five skin tones where it takes them.
    const listed = [];
    const isListed = new RegExp('^\\p{RGI_Emoji}$', 'v');
    for (let code = 0x80; code < 0x20000; code += 1) {
        const character = String.fromCodePoint(code);
        for (const form of [character, `${character}\ufe0f`, `${character}\u{1f3fb}`, `${character}\u{1f3ff}`]) {
            if (isListed.test(form)) {
                listed.push(form);
            }
        }
    }
    assert.ok(listed.length > 1500);
    const refusedOrChanged = await rows('select e.emoji from unnest($1::text[]) as e (emoji) where parley.normal_emoji(e.emoji) is distinct from e.emoji', [listed]);
    assert.deepEqual(refusedOrChanged, []);
});

test('the same reaction twice is one, also at the same time', async () => {
    const [a] = await people(1);
    const session = await roomWith([a]);
    const { id: message_id } = await messageIn(a, session);
    await Promise.all(Array.from({ length: 10 }, () => ok(a.rpc('add_reaction', { message_id, emoji: '🎉' }))));
    const { last_seq } = await ok(a.rpc('room_state', { session_id: session.id }));
    assert.equal(last_seq, 2, 'one message and one reaction');
    assert.equal((await rows('select from echoroom.message_reactions where message_id = $1', [message_id])).length, 1);
});

test('a reaction is taken back by who gave it, and taking back what is not there changes nothing', async () => {
    const [a, b] = await people(2);
    const session = await roomWith([a, b]);
    const { id: message_id } = await messageIn(a, session);
    await ok(a.rpc('add_reaction', { message_id, emoji: '👍' }));
    const untouched = await ok(b.rpc('remove_reaction', { message_id, emoji: '👍' }));
    assert.deepEqual(untouched.reactions, [{ emoji: '👍', count: 1, reacted: false }]);
    const emptied = await ok(a.rpc('remove_reaction', { message_id, emoji: '👍' }));
    assert.deepEqual(emptied.reactions, []);
    const { last_seq } = await ok(a.rpc('room_state', { session_id: session.id }));
    assert.equal(last_seq, 3, 'a message, a reaction, and its end');
});

test('what is no emoji is refused', async () => {
    const [a] = await people(1);
    const session = await roomWith([a]);
    const { id: message_id } = await messageIn(a, session);
    for (const emoji of ['', '   ', 'two words', '\u0007', 'x'.repeat(17), '👍'.repeat(1000)]) {
        await refused(a.rpc('add_reaction', { message_id, emoji }), 'PT422', 'invalid_emoji');
        await refused(a.rpc('remove_reaction', { message_id, emoji }), 'PT422', 'invalid_emoji');
    }
    assert.deepEqual(await rows('select from echoroom.message_reactions where message_id = $1', [message_id]), []);
});

test('one person puts at most ten different reactions on a message', async () => {
    const [a] = await people(1);
    const session = await roomWith([a]);
    const { id: message_id } = await messageIn(a, session);
    const emojis = [...'🍎🍐🍊🍋🍌🍉🍇🍓🫐🍈🍒'];
    for (const emoji of emojis.slice(0, 10)) {
        await ok(a.rpc('add_reaction', { message_id, emoji }));
    }
    await refused(a.rpc('add_reaction', { message_id, emoji: emojis[10] }), 'PT422', 'too_many_reactions', /\b10\b/);
    const again = await ok(a.rpc('add_reaction', { message_id, emoji: emojis[0] }));
    assert.equal(again.reactions.length, 10);
});

test('a deleted message takes no reaction', async () => {
    const [a] = await people(1);
    const session = await roomWith([a]);
    const { id: message_id } = await messageIn(a, session);
    await ok(a.rpc('delete_message', { message_id }));
    await refused(a.rpc('add_reaction', { message_id, emoji: '👍' }), 'PT404', 'message_not_found');
});
