// The playground in real tabs: what one does, the others see.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { rows } from './database.mjs';
import { badge, confirm, field, followLink, hasMoved, hears, messageIn, newTab, openRoom, pair, personIn, pressOnMessage, say, seated, shown, shows, stored, until, visit } from './playground.mjs';

test('two tabs are two people who see what the other does: join, talk, typing, presence', async () => {
    const { ada, ben, sessionId } = await pair();
    assert.notEqual(ada.userId, ben.userId);
    await personIn(ada, 'Ben').waitFor();
    await personIn(ben, 'Ada').waitFor();
    await ada.page.getByText('2 of 6 seats taken').waitFor();

    await say(ada, 'Hello Ben');
    await shows(ben, ['Hello Ben']);
    await hears(ben, 'Hello Ben');
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

    await pressOnMessage(ben, 'first', 'Answer');
    await ben.page.getByText('Answering Ada: first').waitFor();
    await say(ben, 'an answer');
    await messageIn(ada, 'an answer').locator('.quote', { hasText: 'Ada first' }).waitFor();

    await pressOnMessage(ada, 'secnd', 'Edit');
    await ada.page.getByLabel('Edit your message').fill('second');
    await ada.page.getByRole('button', { name: 'Save' }).click();
    await messageIn(ben, 'second').getByText('(edited)').waitFor();
    assert.equal(await messageIn(ben, 'second').getByRole('button', { name: 'Edit' }).count(), 0, 'a message of somebody else');

    await pressOnMessage(ben, 'first', 'React');
    await ben.page.getByRole('button', { name: 'React with 🎉' }).click();
    await messageIn(ada, 'first').getByRole('button', { name: '🎉, 1 person' }).click();
    const reaction = messageIn(ben, 'first').getByRole('button', { name: '🎉, 2 people' });
    await reaction.waitFor();
    assert.equal(await reaction.getAttribute('aria-pressed'), 'true');
    await reaction.click();
    const left = messageIn(ada, 'first').getByRole('button', { name: '🎉, 1 person' });
    await left.waitFor();
    assert.equal(await left.getAttribute('aria-pressed'), 'true', 'what stays is the reaction of Ada');

    await pressOnMessage(ada, 'first', 'Delete');
    await confirm(ada, 'Delete');
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

    await ben.page.getByRole('button', { name: 'Leave' }).click();
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
    await late.page.getByRole('alert').filter({ hasText: 'This room is full: 2 of 2 seats are taken.' }).waitFor();
    await late.page.getByRole('button', { name: 'Back to the moods' }).click();
    await late.page.getByRole('heading', { name: 'How do you feel?' }).waitFor();
    for (const tab of [ada, ben, eve]) {
        tab.checkQuiet();
        await tab.close();
    }
    late.checkQuiet();
    await late.close();
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
    // The room moved to another topic, and Cleo and Ada with it.
    await hasMoved(cleo, sessionId);
    await hasMoved(ada, sessionId);
    await say(ada, 'Ben must not hear this');
    await shows(cleo, ['hello', 'Ben must not hear this']);
    await say(cleo, 'nor this');
    await shows(ada, ['hello', 'Ben must not hear this', 'nor this']);
    await badge(cleo, 'Connected');
    await hears(cleo, 'Ben must not hear this');
    await hears(ada, 'nor this');

    await ben.page.getByRole('button', { name: 'Try to come back' }).click();
    await ben.page.getByText('You were removed from this room by the person who opened it.').waitFor();
    await hears(ben, 'hello');
    assert.deepEqual(
        ben.heard.filter((frame) => frame.includes('must not hear') || frame.includes('nor this')),
        [],
    );

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
    await copy.getByRole('button', { name: /^Calm/ }).waitFor();
    const [userId] = await copy.evaluate(() => {
        const sessions = Object.entries(sessionStorage).filter(([key]) => key.startsWith('parley.session.'));
        return sessions.map(([, text]) => JSON.parse(text).user.id);
    });
    assert.notEqual(userId, ada.userId);
    await rows('delete from auth.users where id = $1', [userId]);
    ada.checkQuiet();
    await ada.close();
});
