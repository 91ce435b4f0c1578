// Links to rooms in real tabs: one is asked before one sits, told what the room is, and offered another.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { rows } from './database.mjs';
import { badge, checkAccessible, comeByLink, followLink, newTab, openRoom, pair, personIn, picture, say, seated, shows } from './playground.mjs';

const heading = (tab, name) => tab.page.getByRole('heading', { name, level: 1 }).waitFor();
const seatsOf = (userId) => rows('select session_id, user_name from echoroom.participants where user_id = $1', [userId]);
const another = (tab, mood) => tab.page.getByRole('button', { name: `Find another ${mood} room` });

test('who follows a link sees the room and chooses a name before anybody sees them; a reload then asks no more', async () => {
    const mood = `Playground ${randomUUID()}`;
    const ada = await newTab();
    const sessionId = await openRoom(ada, { mood });
    const ben = await newTab({ width: 390, height: 844 });
    await comeByLink(ben, sessionId);
    await heading(ben, mood);
    await ben.page.getByText('1 of 6 seats taken').waitFor();
    await badge(ben, 'Connected');
    assert.deepEqual(await seatsOf(ben.userId), []);
    await checkAccessible(ben, 'the door of a room');
    await picture(ben, 'door-phone-light');

    await ben.page.getByLabel('Your name').fill('n'.repeat(45));
    await ben.page.getByText('45 of 40 characters: 5 too many. Nothing was cut.').waitFor();
    assert.equal(await ben.page.getByRole('button', { name: 'Take a seat' }).isDisabled(), true);
    await ben.page.getByLabel('Your name').fill('Ben');
    await ben.page.keyboard.press('Enter');
    await seated(ben);
    await personIn(ada, 'Ben').waitFor();
    await ben.page.reload();
    await seated(ben);

    // Who left is asked again.
    await ben.page.getByRole('button', { name: 'Leave' }).click();
    await ben.page.getByRole('heading', { name: 'How do you feel?' }).waitFor();
    await ben.page.goto(`${ben.url}/#/echoroom/${sessionId}`);
    await heading(ben, mood);
    for (const tab of [ada, ben]) {
        tab.checkQuiet();
        await tab.close();
    }
});

test('a room that is open and not among those that are listed is entered in the same way', async () => {
    const ada = await newTab();
    const sessionId = await openRoom(ada);
    const ben = await newTab();
    // As where there are more rooms than the list is long.
    await ben.page.route('**/rpc/list_sessions*', (route) => route.fulfill({ json: [] }));
    await comeByLink(ben, sessionId);
    await heading(ben, 'A room of EchoRoom');
    assert.deepEqual(await seatsOf(ben.userId), []);
    await ben.page.getByLabel('Your name').fill('Ben');
    await ben.page.keyboard.press('Enter');
    await seated(ben);
    await personIn(ada, 'Ben').waitFor();
    ada.checkQuiet();
    ben.checkQuiet(/status of 403/);
    await Promise.all([ada.close(), ben.close()]);
});

test('a name can be changed in the room, and the others see it', async () => {
    const { ada, ben } = await pair();
    await say(ben, 'hello');
    await ben.page.getByRole('button', { name: 'Change my name' }).click();
    const dialog = ben.page.getByRole('dialog', { name: 'Change my name' });
    await dialog.getByLabel('Your name').fill('   ');
    assert.equal(await dialog.getByRole('button', { name: 'Save' }).isDisabled(), true);
    await dialog.getByLabel('Your name').fill('Benjamin');
    await ben.page.keyboard.press('Enter');
    await personIn(ada, 'Benjamin').waitFor();
    assert.equal(await ben.page.evaluate(() => document.activeElement?.getAttribute('aria-label')), 'Change my name');
    await ben.page.reload();
    await seated(ben);
    assert.equal((await seatsOf(ben.userId))[0].user_name, 'Benjamin');
    for (const tab of [ada, ben]) {
        tab.checkQuiet();
        await tab.close();
    }
});

test('the link to a full room says so, offers another of its mood, and a seat there when one is free', async () => {
    const mood = `Playground ${randomUUID()}`;
    const ada = await newTab();
    const sessionId = await openRoom(ada, { mood, seats: '2' });
    const ben = await newTab();
    await followLink(ben, sessionId);
    const late = await newTab();
    await comeByLink(late, sessionId);
    await late.page.getByRole('alert').filter({ hasText: 'This room is full: 2 of 2 seats are taken.' }).waitFor();
    await badge(late, 'Connected');
    await checkAccessible(late, 'a full room');
    // Who sat there before, and comes back when somebody else has the seat, is told as well.
    await late.page.evaluate((id) => sessionStorage.setItem('parley.echoroom.room', id), sessionId);
    await late.page.reload();
    await heading(late, 'This room is full');
    await badge(late, 'Connected');
    await another(late, mood).waitFor();
    await late.page.getByRole('button', { name: 'Back to the moods' }).click();
    await late.page.goto(`${late.url}/#/echoroom/${sessionId}`);
    await late.page.getByRole('alert').filter({ hasText: 'This room is full: 2 of 2 seats are taken.' }).waitFor();
    await another(late, mood).click();
    await seated(late);
    assert.notEqual(late.page.url().split('/').at(-1), sessionId);

    const later = await newTab();
    await comeByLink(later, sessionId);
    await another(later, mood).waitFor();
    await ben.page.getByRole('button', { name: 'Leave' }).click();
    await later.page.getByLabel('Your name').fill('Later');
    await later.page.getByRole('button', { name: 'Take a seat' }).click();
    await seated(later);
    await personIn(ada, 'Later').waitFor();
    late.checkQuiet(/status of 409/);
    await late.close();
    for (const tab of [ada, ben, later]) {
        tab.checkQuiet();
        await tab.close();
    }
});

test('the link to a room that is not there, or closed, says so and offers rooms where people are', async () => {
    const mood = `Playground ${randomUUID()}`;
    const ada = await newTab();
    const sessionId = await openRoom(ada, { mood });
    const lost = await newTab({ width: 390, height: 844, scheme: 'dark' });
    await comeByLink(lost, randomUUID());
    await heading(lost, 'This room is not there');
    await lost.page.getByRole('alert').filter({ hasText: 'There is no such room. It may have been deleted.' }).waitFor();
    await badge(lost, 'Connected');
    await lost.page.locator('.ending button.plain').first().waitFor();
    await checkAccessible(lost, 'a room that is not there');
    await picture(lost, 'missing-phone-dark');

    const ben = await newTab();
    await followLink(ben, sessionId);
    await say(ben, 'hello');
    await shows(ada, ['hello']);
    await rows('update echoroom.sessions set is_active = false where id = $1', [sessionId]);
    // Who sits there goes on from there.
    await ben.page.getByText('This room is closed. You can still read what was said.').waitFor();
    await another(ben, mood).click();
    await ben.page.waitForURL((url) => !url.hash.includes(sessionId));
    await seated(ben);
    await lost.page.goto(`${lost.url}/#/echoroom/${sessionId}`);
    await heading(lost, 'This room is closed');
    assert.deepEqual(await seatsOf(lost.userId), []);
    // The browser notes each answer that says no.
    lost.checkQuiet(/status of 4(04|10)/);
    await lost.close();
    for (const tab of [ada, ben]) {
        tab.checkQuiet();
        await tab.close();
    }
});

test('who comes back to a room that was closed or deleted meanwhile is told, keeps what was not sent, and goes on elsewhere', async () => {
    const { ada, ben, sessionId } = await pair();
    const mood = (await rows('select category from echoroom.sessions where id = $1', [sessionId]))[0].category;
    await ben.page.route('**/rpc/send_message', (route) => route.abort());
    await say(ben, 'written and not sent');
    await ben.page.keyboard.type('half written');
    await rows('delete from echoroom.sessions where id = $1', [sessionId]);
    // The page looks when it is looked at.
    await ben.page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    await heading(ben, 'This room is not there');
    await badge(ben, 'Connected');
    await ben.page.getByRole('listitem').filter({ hasText: 'written and not sent' }).waitFor();
    await ben.page.getByRole('listitem').filter({ hasText: 'half written' }).waitFor();
    assert.equal(await ben.page.evaluate(() => document.activeElement?.id), 'ending-title');
    await another(ben, mood).click();
    await seated(ben);
    ben.checkQuiet(/net::ERR_|status of 4(03|04)/);
    await Promise.all([ada.close(), ben.close()]);
});
