// The playground in two real tabs: what one does, the other sees; and nothing is lost or doubled when the connection is.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { rows } from './database.mjs';
import { ok, person, service } from './people.mjs';
import {
    badge,
    followLink,
    newTab,
    newWay,
    openRoom,
    picture,
    say,
    seated,
    shown,
    shows,
    stored,
    until,
    visit,
} from './playground.mjs';

/** What the browser itself says when it cannot reach the server; nothing of the page's. */
const UNREACHABLE = /net::ERR_|WebSocket connection to/;

const personIn = (tab, name) => tab.page.getByRole('listitem').filter({ has: tab.page.locator('.person-name', { hasText: name }) });
const field = (tab) => tab.page.getByRole('textbox', { name: 'Message', exact: true });
const messageIn = (tab, text) => tab.page.locator('.messages > li', { has: tab.page.locator('.content', { hasText: text }) });

/** Two people in a room of their own. */
async function pair(one = {}, two = {}) {
    const ada = await newTab(one);
    const sessionId = await openRoom(ada);
    const ben = await newTab(two);
    await followLink(ben, sessionId);
    return { ada, ben, sessionId };
}

test('two tabs are two people who see what the other does: join, talk, typing, presence', async () => {
    const { ada, ben, sessionId } = await pair();
    assert.notEqual(ada.userId, ben.userId);
    await personIn(ada, 'Ben').waitFor();
    await personIn(ben, 'Ada').waitFor();
    await ada.page.getByText('2 of 6 seats taken').waitFor();

    await say(ada, 'Hello Ben');
    await shows(ben, ['Hello Ben']);
    await say(ben, 'Hello Ada');
    await shows(ada, ['Hello Ben', 'Hello Ada']);

    await field(ada).pressSequentially('well');
    await ben.page.getByText('Ada is writing').waitFor();
    await ada.page.keyboard.press('Enter');
    await ben.page.getByText('Ada is writing').waitFor({ state: 'detached' });
    await shows(ben, ['Hello Ben', 'Hello Ada', 'well']);
    assert.deepEqual(await stored(sessionId), await shown(ben));

    for (const [tab, name] of [
        [ada, 'Ben'],
        [ben, 'Ada'],
    ]) {
        await personIn(tab, name).locator('.presence.connected').waitFor();
    }
    // A closed tab keeps its seat for a while, and is not there.
    ben.checkQuiet();
    await ben.close();
    await personIn(ada, 'Ben').locator('.presence.away').waitFor();
    ada.checkQuiet();
    await ada.close();
});

test('messages are answered, edited, deleted and reacted to, and voice is shown, in both tabs', async () => {
    const { ada, ben } = await pair();
    await say(ada, 'first');
    await say(ada, 'secnd');
    await shows(ben, ['first', 'secnd']);

    await messageIn(ben, 'first').hover();
    await messageIn(ben, 'first').getByRole('button', { name: 'Answer' }).click();
    await ben.page.getByText('Answering Ada: first').waitFor();
    await say(ben, 'an answer');
    await messageIn(ada, 'an answer').locator('.quote', { hasText: 'Ada first' }).waitFor();

    await messageIn(ada, 'secnd').hover();
    await messageIn(ada, 'secnd').getByRole('button', { name: 'Edit' }).click();
    await ada.page.getByLabel('Edit your message').fill('second');
    await ada.page.getByRole('button', { name: 'Save' }).click();
    await messageIn(ben, 'second').getByText('(edited)').waitFor();
    assert.equal(await messageIn(ben, 'second').getByRole('button', { name: 'Edit' }).count(), 0, 'a message of somebody else');

    await messageIn(ben, 'first').hover();
    await messageIn(ben, 'first').getByRole('button', { name: 'React' }).click();
    await ben.page.getByRole('button', { name: 'React with 🎉' }).click();
    await messageIn(ada, 'first').getByRole('button', { name: '🎉, 1 person' }).click();
    const reaction = messageIn(ben, 'first').getByRole('button', { name: '🎉, 2 people' });
    await reaction.waitFor();
    assert.equal(await reaction.getAttribute('aria-pressed'), 'true');
    await reaction.click();
    const left = messageIn(ada, 'first').getByRole('button', { name: '🎉, 1 person' });
    await left.waitFor();
    assert.equal(await left.getAttribute('aria-pressed'), 'true', 'what stays is the reaction of Ada');

    await messageIn(ada, 'first').hover();
    await messageIn(ada, 'first').getByRole('button', { name: 'Delete' }).click();
    await ben.page.getByText('This message was deleted.').waitFor();
    await messageIn(ben, 'an answer').getByText('A deleted message').waitFor();
    await shows(ben, ['second (edited)', 'an answer']);

    await ada.page.getByRole('button', { name: 'Speaking' }).click();
    await personIn(ben, 'Ada').getByText('speaking').waitFor();
    await ada.page.getByRole('button', { name: 'Muted' }).click();
    await personIn(ben, 'Ada').getByText('muted', { exact: false }).waitFor();
    await personIn(ben, 'Ada').getByText('speaking').waitFor({ state: 'detached' });
    await ada.page.getByRole('button', { name: 'Speaking' }).click();
    await personIn(ben, 'Ada').getByText('speaking').waitFor();
    await personIn(ben, 'Ada').getByText('muted').waitFor({ state: 'detached' });

    await ben.page.getByRole('button', { name: 'Leave the room' }).click();
    await ben.page.getByRole('heading', { name: 'How do you feel?' }).waitFor();
    await personIn(ada, 'Ben').waitFor({ state: 'detached' });
    for (const tab of [ada, ben]) {
        tab.checkQuiet();
        await tab.close();
    }
});

test('a mood of the lobby leads to a seat, and a room that filled up meanwhile to the next one', async () => {
    const mood = `Playground ${randomUUID()}`;
    const ada = await newTab();
    await openRoom(ada, { mood, seats: '2' });
    const ben = await newTab();
    await visit(ben);
    await ben.page.getByRole('button', { name: new RegExp(mood) }).click();
    await seated(ben);
    assert.equal(ben.page.url().split('/').at(-1), ada.page.url().split('/').at(-1));
    const eve = await newTab();
    await visit(eve);
    await eve.page.getByLabel('Mood', { exact: true }).fill(mood);
    await eve.page.getByRole('button', { name: 'Find one' }).click();
    await seated(eve);
    assert.notEqual(eve.page.url(), ada.page.url());

    // The link to a full room says so in plain words.
    const late = await newTab();
    await visit(late);
    await late.page.goto(ada.page.url());
    await late.page.getByRole('alert').filter({ hasText: 'This room is full.' }).waitFor();
    await late.page.getByRole('button', { name: 'Back to the moods' }).click();
    await late.page.getByRole('heading', { name: 'How do you feel?' }).waitFor();
    for (const tab of [ada, ben, eve]) {
        tab.checkQuiet();
        await tab.close();
    }
    late.checkQuiet(/status of 409/);
    await late.close();
});

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
    await messageIn(ben, 'before').hover();
    await messageIn(ben, 'before').getByRole('button', { name: 'React' }).click();
    await ben.page.getByRole('button', { name: 'React with 👋' }).click();
    await messageIn(ben, 'before').getByRole('button', { name: '👋, 1 person' }).waitFor();
    await say(ada, 'written offline');
    await say(ada, 'and this');
    assert.deepEqual(await shown(ada), ['before', 'written offline', 'and this']);
    assert.equal(await ada.page.getByText('Sending…').count(), 2);

    way.mend();
    await ada.context.setOffline(false);
    await badge(ada, 'Connected');
    const all = ['before', 'one', 'two', 'three', 'written offline', 'and this'];
    await shows(ada, all);
    await shows(ben, all);
    await messageIn(ada, 'before').getByRole('button', { name: '👋, 1 person' }).waitFor();
    assert.deepEqual(await stored(sessionId), all);
    await ada.page.getByText('Sending…').first().waitFor({ state: 'detached' });
    // The live connection is back as well, in both directions.
    await say(ben, 'live again');
    await shows(ada, [...all, 'live again']);
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
    await ada.page.getByText('Sending…').first().waitFor();
    await ada.page.reload();
    await seated(ada);
    await shows(ada, ['stored, not confirmed', 'never left']);
    await ada.page.unroute('**/rpc/send_message');
    await shows(ben, ['stored, not confirmed', 'never left']);
    await until(async () => assert.equal(await ada.page.getByText('Sending…').count(), 0));
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
    assert.equal(await ada.page.locator('.badge').textContent(), 'Connected');
    await ada.page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    await shows(ada, ['into the void']);
    ada.checkQuiet(UNREACHABLE);
    await Promise.all([ada.close(), ben.close()]);
});

test('who is removed is told so, hears nothing more and stays out until let back in; the others go on', async () => {
    const { ada, ben, sessionId } = await pair();
    const cleo = await newTab();
    await followLink(cleo, sessionId, 'Cleo');
    await say(cleo, 'hello');
    await shows(ada, ['hello']);
    assert.equal(await cleo.page.getByRole('button', { name: /^Remove/ }).count(), 0, 'only who opened the room removes');

    await ada.page.getByRole('button', { name: 'Remove Ben' }).click();
    await ada.page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
    await ben.page.getByRole('heading', { name: 'You are out of this room' }).waitFor();
    await personIn(cleo, 'Ben').waitFor({ state: 'detached' });
    const events = [];
    ben.page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => events.push(String(payload))));
    await say(ada, 'Ben must not hear this');
    await shows(cleo, ['hello', 'Ben must not hear this']);
    await say(cleo, 'nor this');
    await shows(ada, ['hello', 'Ben must not hear this', 'nor this']);
    await badge(cleo, 'Connected');

    await ben.page.getByRole('button', { name: 'Try to come back' }).click();
    await ben.page.getByText('You were removed from this room by the person who opened it.').waitFor();
    assert.deepEqual(events.filter((text) => text.includes('must not hear')), []);

    await ada.page.getByRole('button', { name: 'Let Ben back in' }).click();
    await ada.page.getByRole('button', { name: 'Let Ben back in' }).waitFor({ state: 'detached' });
    await ben.page.getByRole('button', { name: 'Try to come back' }).click();
    await seated(ben);
    await shows(ben, ['hello', 'Ben must not hear this', 'nor this']);
    ben.checkQuiet(/status of 40[03]/);
    for (const tab of [ada, cleo]) {
        tab.checkQuiet();
    }
    await Promise.all([ada.close(), ben.close(), cleo.close()]);
});

test('a closed room, a refused message and a writer who is too fast are told in plain words; nothing is lost', async () => {
    const { ada, ben, sessionId } = await pair();
    await ada.page.route('**/rpc/send_message', (route) =>
        route.fulfill({
            status: 422,
            json: { code: 'PT422', details: 'invalid_content', message: 'A message has 1 to 4000 characters; this one has 5000.', hint: 'Shorten it.' },
        }),
    );
    await say(ada, 'refused at first');
    await ada.page.getByText('Not sent. A message has 1 to 4,000 characters.').waitFor();
    await ada.page.unroute('**/rpc/send_message');
    await ada.page.getByRole('button', { name: 'Try again' }).click();
    await shows(ben, ['refused at first']);

    // 30 in ten seconds are allowed: the rest wait, in order.
    const texts = Array.from({ length: 34 }, (_, index) => `fast ${index + 1}`);
    for (const text of texts) {
        await say(ada, text);
    }
    await shows(ben, ['refused at first', ...texts]);
    assert.deepEqual(await stored(sessionId), ['refused at first', ...texts]);

    await rows('update echoroom.sessions set is_active = false where id = $1', [sessionId]);
    await ben.page.getByPlaceholder('This room is closed.').waitFor();
    assert.equal(await field(ben).isDisabled(), true);
    ada.checkQuiet(/status of 4(22|29)/);
    ben.checkQuiet();
    await Promise.all([ada.close(), ben.close()]);
});

test('all of it works with the keyboard alone', async () => {
    const ada = await newTab();
    const { page } = ada;
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent);
    /** Tabs on until this has the focus, and sees that one can see it. */
    const tabTo = async (name) => {
        for (let presses = 0; presses < 60; presses += 1) {
            if ((await focused())?.startsWith(name)) {
                const outline = await page.evaluate(() => {
                    const style = getComputedStyle(document.activeElement);
                    const around = getComputedStyle(document.activeElement.parentElement);
                    return style.outlineStyle !== 'none' || around.boxShadow !== 'none';
                });
                assert.ok(outline, `${name} has the focus and does not show it`);
                return;
            }
            await page.keyboard.press('Tab');
        }
        assert.fail(`Tab never reaches ${name}`);
    };
    await visit(ada);
    await page.getByRole('button', { name: /^Calm/ }).waitFor();
    await page.keyboard.press('Tab');
    assert.equal(await focused(), 'Skip to the content');
    await page.keyboard.press('Enter');
    // A room of its own, so that nobody else walks in.
    const mood = `Playground ${randomUUID()}`;
    await page.keyboard.press('Tab');
    await page.keyboard.type('Ada');
    for (let presses = 0; presses < 40; presses += 1) {
        await page.keyboard.press('Tab');
        if (await page.evaluate(() => document.activeElement?.closest('label')?.textContent.startsWith('Mood'))) {
            break;
        }
    }
    await page.keyboard.type(mood);
    await page.keyboard.press('Enter');
    await seated(ada);
    const sessionId = page.url().split('/').at(-1);
    assert.equal(await focused(), 'Message', 'one can write at once');

    const ben = await person();
    await ok(ben.rpc('join_room', { session_id: sessionId, user_name: 'Ben' }));
    await ok(ben.rpc('send_message', { session_id: sessionId, content: 'hi there' }));
    await shows(ada, ['hi there']);
    assert.equal(await page.getByRole('log', { name: 'New messages' }).textContent(), 'Ben: hi there');

    await page.keyboard.type('one line');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type('another');
    await page.keyboard.press('Enter');
    await shows(ada, ['hi there', 'one line\nanother']);
    await until(async () => assert.equal(await page.getByText('Sending…').count(), 0));

    // The arrow up in the empty field edits, Escape gives it up, Enter saves.
    await page.keyboard.press('ArrowUp');
    await until(async () => assert.equal(await focused(), 'Edit your message'));
    await page.keyboard.type(' no');
    await page.keyboard.press('Escape');
    await until(async () => assert.equal(await focused(), 'Message'));
    await shows(ada, ['hi there', 'one line\nanother']);
    await page.keyboard.press('ArrowUp');
    await until(async () => assert.equal(await focused(), 'Edit your message'));
    await page.keyboard.type('!');
    await page.keyboard.press('Enter');
    await shows(ada, ['hi there', 'one line\nanother! (edited)']);
    await until(async () => assert.equal(await focused(), 'Message'));

    // Back to the messages; the arrows move between them; their buttons follow in the order of the tab key.
    await page.keyboard.press('Shift+Tab');
    while (!(await page.evaluate(() => document.activeElement?.matches('.messages > li')))) {
        await page.keyboard.press('Shift+Tab');
    }
    await page.keyboard.press('ArrowUp');
    assert.match(await focused(), /hi there/);
    await page.keyboard.press('Tab');
    assert.equal(await focused(), 'React');
    await page.keyboard.press('Enter');
    assert.equal(await focused(), 'React with 👍');
    await page.keyboard.press('Escape');
    assert.equal(await focused(), 'React');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await messageIn(ada, 'hi there').getByRole('button', { name: '❤️, 1 person' }).waitFor();
    await page.keyboard.press('Tab');
    assert.equal(await focused(), 'Answer');
    await page.keyboard.press('Enter');
    assert.equal(await focused(), 'Message');
    await page.getByText('Answering Ben: hi there').waitFor();
    await page.keyboard.press('Escape');
    await page.getByText('Answering Ben: hi there').waitFor({ state: 'detached' });

    // The log opens and closes; the focus returns to where it was opened.
    await page.evaluate(() => document.querySelector('.brand').focus());
    await tabTo('Events');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Events' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('heading', { name: 'Events' }).waitFor({ state: 'detached' });
    assert.equal(await focused(), 'Events');

    await tabTo('Speaking');
    await page.keyboard.press('Space');
    await until(async () => {
        const [seat] = await rows('select is_speaking from echoroom.participants where user_id = $1', [ada.userId]);
        assert.equal(seat.is_speaking, true);
    });
    await tabTo('Remove Ben');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    assert.equal(await focused(), 'Remove Ben');
    await page.keyboard.press('Enter');
    await tabTo('Remove');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Let Ben back in' }).waitFor();
    await page.evaluate(() => document.querySelector('.brand').focus());
    await tabTo('Leave the room');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'How do you feel?' }).waitFor();
    ada.checkQuiet();
    await ada.close();
});

test('the event log shows what arrives, with its number, and how many events come each second', async () => {
    const { ada, ben } = await pair();
    await ada.page.getByRole('button', { name: 'Events', exact: true }).click();
    await say(ben, 'hello');
    const line = ada.page.locator('.entries li', { hasText: 'receiveMessage' });
    await line.waitFor();
    assert.match(await line.locator('.seq').textContent(), /^#\d+$/);
    assert.match(await line.locator('time').textContent(), /^\d\d:\d\d:\d\d\.\d{3}$/);
    assert.equal(await line.locator('.verdict').textContent(), 'new');
    await line.locator('summary').click();
    await line.getByText('"text": "hello"').waitFor();
    await until(async () => assert.notEqual(await ada.page.locator('.rate strong').textContent(), '0.0'));
    await ada.page.getByRole('button', { name: 'Clear' }).click();
    await line.waitFor({ state: 'detached' });
    for (const tab of [ada, ben]) {
        tab.checkQuiet();
        await tab.close();
    }
});

test('a duplicated tab is somebody else', async () => {
    const ada = await newTab();
    await openRoom(ada);
    const copy = await ada.context.newPage();
    // What a browser does when it duplicates a tab: the storage comes along.
    const held = await ada.page.evaluate(() => JSON.stringify(sessionStorage));
    await copy.addInitScript((text) => {
        if (sessionStorage.length === 0 && !window.name) {
            window.name = 'copied';
            Object.entries(JSON.parse(text)).forEach(([key, value]) => sessionStorage.setItem(key, value));
        }
    }, held);
    await copy.goto(`${ada.url}/`);
    await copy.getByRole('navigation', { name: 'Apps' }).waitFor();
    const [, userId] = (await copy.evaluate(() => JSON.stringify(sessionStorage))).match(/\\"user\\":\{\\"id\\":\\"([0-9a-f-]{36})/);
    assert.notEqual(userId, ada.userId);
    await rows('delete from auth.users where id = $1', [userId]);
    ada.checkQuiet();
    await ada.close();
});

/** A room with a conversation that is worth a picture. */
async function livelyRoom() {
    const names = ['Robin', 'Noor', 'Mika'];
    const [robin, noor, mika] = await Promise.all(names.map(() => person()));
    const session = await ok(robin.rpc('create_session', { category: 'Calm', description: 'Finding peace in the moment', max_participants: 4 }));
    const join = (someone, user_name) => ok(someone.rpc('join_room', { session_id: session.id, user_name, mood: 'Calm' }));
    for (const [index, someone] of [robin, noor, mika].entries()) {
        await join(someone, names[index]);
    }
    const talk = (someone, content, reply_to = null) =>
        ok(someone.rpc('send_message', { session_id: session.id, content, reply_to }));
    const first = await talk(robin, 'Good evening! I just came back from a long walk by the river.');
    await talk(robin, 'How did everybody arrive today?');
    const tea = await talk(noor, 'A bit tired, but there is a pot of tea in front of me, so things are looking up.');
    await talk(mika, 'Same here. Which tea?', tea.id);
    await ok(robin.rpc('add_reaction', { message_id: tea.id, emoji: '❤️' }));
    await ok(mika.rpc('add_reaction', { message_id: tea.id, emoji: '❤️' }));
    await ok(noor.rpc('add_reaction', { message_id: first.id, emoji: '👍' }));
    await ok(noor.rpc('set_voice_status', { session_id: session.id, is_speaking: true }));
    await ok(mika.rpc('set_voice_status', { session_id: session.id, is_muted: true }));
    return session.id;
}

const axe = readFileSync(join(import.meta.dirname, 'node_modules/axe-core/axe.min.js'), 'utf8');

/** No rule of WCAG 2.2 A and AA that a machine can check is broken, contrast above all. */
async function checkAccessible(tab, what) {
    await tab.page.evaluate(axe);
    const { violations, passes } = await tab.page.evaluate(() =>
        globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }),
    );
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`);
    assert.deepEqual(found, [], what);
    assert.ok(passes.some(({ id }) => id === 'color-contrast'), `${what}: contrast was measured`);
}

for (const [name, width, height] of [
    ['phone', 390, 844],
    ['desktop', 1280, 800],
]) {
    for (const scheme of ['light', 'dark']) {
        test(`${name} width, ${scheme}: it fits, everybody can read it, and a picture of it is kept`, async () => {
            const tab = await newTab({ width, height, scheme, hasTouch: name === 'phone', reducedMotion: 'reduce' });
            const fits = async (what) => {
                const sizes = await tab.page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight]);
                assert.ok(sizes[0] <= width, `${what} is ${sizes[0]} wide on ${width}`);
            };
            await visit(tab);
            await tab.page.getByRole('button', { name: /^Calm/ }).waitFor();
            await fits('the lobby');
            await checkAccessible(tab, 'the lobby');
            await picture(tab, `lobby-${name}-${scheme}`);

            const sessionId = await livelyRoom();
            await followLink(tab, sessionId, 'Sunny Wren');
            await say(tab, 'Hello all. I can hear the rain on the roof, and it is just the right amount of loud.');
            await until(async () => assert.equal(await tab.page.getByText('Sending…').count(), 0));
            await say(tab, `A very long word does not break it: ${'o'.repeat(120)}`);
            await until(async () => assert.equal((await shown(tab)).length, 6));
            await fits('the room');
            await checkAccessible(tab, 'the room');
            await messageIn(tab, 'A very long word').getByRole('button', { name: 'Delete' }).dispatchEvent('click');
            await until(async () => assert.equal((await shown(tab)).length, 5));
            await checkAccessible(tab, 'a deleted message');
            await picture(tab, `room-${name}-${scheme}`);

            await tab.page.getByRole('button', { name: 'Events', exact: true }).click();
            await tab.page.getByRole('heading', { name: 'Events' }).waitFor();
            await fits('the event log');
            await checkAccessible(tab, 'the event log');
            await picture(tab, `events-${name}-${scheme}`);

            // Nobody who asked for calm sees anything move.
            const moving = await tab.page.evaluate(() => document.getAnimations().filter(({ playState }) => playState === 'running').length);
            assert.equal(moving, 0);
            tab.checkQuiet();
            await tab.close();
        });
    }
}
