// The playground when a page is reloaded or its connection is lost: nothing that was said is lost or doubled.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rows } from './database.mjs';
import { ok, service } from './people.mjs';
import { UNREACHABLE, badge, field, followLink, hears, messageIn, newTab, newWay, pair, personIn, pressOnMessage, say, seated, shown, shows, stored, until } from './playground.mjs';

test('a reload keeps the person, the room, what was said and what was half written', async () => {
    const { ada, ben, sessionId } = await pair();
    for (let index = 1; index <= 60; index += 1) {
        await ok(service().rpc('send_message', { session_id: sessionId, content: `number ${index}`, message_type: 'system' }));
    }
    await until(async () => assert.equal((await shown(ada)).length, 60));
    await say(ada, 'of before');
    await field(ada).fill('half a sent');
    await until(async () => assert.equal((await shown(ben)).length, 61));

    await ada.page.reload();
    await seated(ada);
    assert.equal(await field(ada).inputValue(), 'half a sent');
    await personIn(ada, 'Ada').getByText('you', { exact: true }).waitFor();
    await until(async () => assert.equal((await shown(ada)).at(-1), 'of before'));
    // The newest come first, the rest when asked for; the place is kept.
    assert.equal((await shown(ada)).length, 50);
    await ada.page.getByRole('button', { name: 'Earlier messages' }).click();
    await until(async () => assert.deepEqual(await shown(ada), await stored(sessionId)));
    assert.equal(await ada.page.getByRole('button', { name: 'Earlier messages' }).count(), 0);
    await field(ada).press('Enter');
    await until(async () => assert.equal((await shown(ben)).at(-1), 'half a sent'));
    const seats = await rows('select user_id from echoroom.participants where session_id = $1', [sessionId]);
    assert.deepEqual(seats.map(({ user_id }) => user_id).sort(), [ada.userId, ben.userId].sort());
    for (const tab of [ada, ben]) {
        tab.checkQuiet();
        await tab.close();
    }
});

test('offline and back: what was said meanwhile arrives once and in order, and what was written meanwhile is sent once', async () => {
    const way = await newWay();
    const { ada, ben, sessionId } = await pair({ url: way.url });
    await say(ada, 'before');
    await shows(ben, ['before']);

    way.cut();
    await ada.context.setOffline(true);
    await badge(ada, 'Offline');
    await ada.page.getByText('You are offline.').waitFor();
    for (const text of ['one', 'two', 'three']) {
        await say(ben, text);
    }
    await shows(ben, ['before', 'one', 'two', 'three']);
    await pressOnMessage(ben, 'before', 'React');
    await ben.page.getByRole('button', { name: 'React with 👋' }).click();
    await messageIn(ben, 'before').getByRole('button', { name: '👋, 1 person' }).waitFor();
    await say(ada, 'written offline');
    await say(ada, 'and this');
    await shows(ada, ['before', 'written offline', 'and this']);
    await until(async () => assert.equal(await ada.page.getByText('Waiting to be sent').count(), 2));

    way.mend();
    await ada.context.setOffline(false);
    await badge(ada, 'Connected');
    const all = ['before', 'one', 'two', 'three', 'written offline', 'and this'];
    await shows(ada, all);
    await shows(ben, all);
    await messageIn(ada, 'before').getByRole('button', { name: '👋, 1 person' }).waitFor();
    assert.deepEqual(await stored(sessionId), all);
    await ada.page.locator('.waiting-mark').first().waitFor({ state: 'detached' });
    // The live connection is back as well, in both directions.
    await say(ben, 'live again');
    await shows(ada, [...all, 'live again']);
    await hears(ada, 'live again');
    ada.checkQuiet(UNREACHABLE);
    ben.checkQuiet();
    await Promise.all([ada.close(), ben.close()]);
});

test('a message written offline survives a reload of the page and is sent once', async () => {
    const way = await newWay();
    const { ada, ben, sessionId } = await pair({ url: way.url });
    // The answer gets lost: the message is stored, and the page does not know.
    await ada.page.route('**/rpc/send_message', async (route) => {
        await route.fetch();
        await route.abort();
    });
    await say(ada, 'stored, not confirmed');
    await shows(ben, ['stored, not confirmed']);
    await ada.page.route('**/rpc/send_message', (route) => route.abort());
    await say(ada, 'never left');
    await ada.page.locator('.waiting-mark').first().waitFor();
    await ada.page.reload();
    await seated(ada);
    await shows(ada, ['stored, not confirmed', 'never left']);
    await ada.page.unroute('**/rpc/send_message');
    await shows(ben, ['stored, not confirmed', 'never left']);
    await until(async () => assert.equal(await ada.page.locator('.waiting-mark').count(), 0));
    assert.deepEqual(await stored(sessionId), ['stored, not confirmed', 'never left']);
    ada.checkQuiet(UNREACHABLE);
    ben.checkQuiet();
    await Promise.all([ada.close(), ben.close()]);
});

test('without the live connection news still comes, and the connection comes back by itself', async () => {
    const way = await newWay();
    const { ada, ben, sessionId } = await pair({ url: way.url });
    // Ada can call, and cannot listen.
    await ada.page.routeWebSocket(/realtime/, (socket) => socket.close());
    await ada.page.reload();
    await field(ada).waitFor();
    await badge(ada, 'Reconnecting');
    await say(ben, 'can you hear me?');
    await shows(ada, ['can you hear me?']);
    await say(ada, 'a bit late, but yes');
    await shows(ben, ['can you hear me?', 'a bit late, but yes']);
    assert.equal(await ada.page.locator('.badge').textContent(), 'Reconnecting');
    await Promise.all([ada.close(), ben.close()]);

    const cleo = await newTab({ url: way.url });
    await followLink(cleo, sessionId, 'Cleo');
    const dora = await newTab();
    await followLink(dora, sessionId, 'Dora');
    way.dropSockets();
    await badge(cleo, 'Reconnecting');
    await say(dora, 'said while the socket was down');
    await badge(cleo, 'Connected');
    await shows(cleo, ['can you hear me?', 'a bit late, but yes', 'said while the socket was down']);
    await personIn(dora, 'Cleo').locator('.presence.connected').waitFor();
    await say(dora, 'live again');
    await hears(cleo, 'live again');
    cleo.checkQuiet(UNREACHABLE);
    dora.checkQuiet();
    await Promise.all([cleo.close(), dora.close()]);
});

test('a connection that died in silence is noticed when the page is looked at again', async () => {
    const way = await newWay();
    const { ada, ben } = await pair({ url: way.url });
    way.deafen();
    await say(ben, 'into the void');
    await shows(ben, ['into the void']);
    assert.ok(!ada.heard.some((frame) => frame.includes('into the void')));
    assert.equal(await ada.page.locator('.badge').textContent(), 'Connected');
    await ada.page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    await shows(ada, ['into the void']);
    ada.checkQuiet(UNREACHABLE);
    await Promise.all([ada.close(), ben.close()]);
});
