// The avatar in the playground: real tabs, the real worker, and the simulator of Tavus.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callAtTavus, endAtTavus, hopelessMood, sayInCall } from './avatar.mjs';
import { row, rows } from './database.mjs';
import { UNREACHABLE, badge, checkAccessible, followLink, newTab, newWay, openRoom, pair, picture, seated, until, withoutClock } from './playground.mjs';

const panel = (tab) => tab.page.getByRole('region', { name: 'Avatar' });
const state = (tab) => panel(tab).getByRole('status');
const bring = (tab) => panel(tab).getByRole('button', { name: 'Bring an avatar' });
const another = (tab) => panel(tab).getByRole('button', { name: 'Bring another' });
const end = (tab) => panel(tab).getByRole('button', { name: 'End it' });
const call = (tab) => panel(tab).getByRole('link', { name: 'Open the call in a new tab' });
const transcript = (tab) => panel(tab).getByRole('list', { name: 'Transcript of the Calm avatar' });

/** Waits until the tab says this of the avatar. */
const says = (tab, words) => state(tab).getByText(words).waitFor();

/** Chooses a mood that there is a persona of: most rooms of these tests have one of their own. */
async function bringCalm(tab, button = bring) {
    await panel(tab).getByRole('combobox', { name: 'Mood of the avatar' }).selectOption('Calm');
    await button(tab).click();
}

/** The conversation of a room that is newest. */
const latest = (sessionId) => row('select * from echoroom.conversations where session_id = $1 order by created_at desc limit 1', [sessionId]);

test('one brings an avatar, both see it come, open its call, end it, and read what was said', async () => {
    const ada = await newTab();
    const sessionId = await openRoom(ada);
    const ben = await newTab();
    await ben.context.addInitScript(withoutClock);
    await followLink(ben, sessionId);
    await ada.page.getByRole('button', { name: 'Events', exact: true }).click();
    await bringCalm(ada);
    for (const tab of [ada, ben]) {
        await says(tab, 'here, in the call');
        await state(tab).getByText('Calm avatar').waitFor();
        assert.equal(await bring(tab).count(), 0, 'there is one avatar a room');
    }
    const { conversation_id, conversation_url } = await latest(sessionId);
    for (const tab of [ada, ben]) {
        assert.equal(await call(tab).getAttribute('href'), conversation_url);
    }
    const [room] = await Promise.all([ben.context.waitForEvent('page'), call(ben).click()]);
    await room.getByRole('heading', { name: 'A simulated room' }).waitFor();
    await room.getByRole('textbox').fill('Good evening');
    await room.getByRole('button', { name: 'Say' }).click();
    await room.getByText('You said: Good evening').waitFor();
    await room.close();

    await end(ben).click();
    for (const tab of [ada, ben]) {
        await says(tab, 'gone: somebody ended the call');
        await transcript(tab).getByText('You said: Good evening').waitFor();
        assert.deepEqual(await transcript(tab).locator('strong').allTextContents(), ['Calm avatar', 'Somebody in the call', 'Calm avatar']);
        assert.doesNotMatch(await panel(tab).textContent(), /prompt/);
        await another(tab).waitFor();
    }
    assert.equal((await callAtTavus(conversation_id)).is_active, false);
    const log = ada.page.getByRole('list', { name: 'Events, newest first' });
    for (const event of ['avatar-starting', 'avatar-started', 'avatar-ended', 'avatar-transcript']) {
        await log.locator('.kind.event', { hasText: event }).waitFor();
    }

    // Another one; what was said before stays to be read.
    await bringCalm(ben, another);
    await says(ada, 'here, in the call');
    await panel(ada).getByText('What was said (3)').waitFor();
    await end(ada).click();
    await says(ben, 'gone: somebody ended the call');
    for (const tab of [ada, ben]) {
        tab.checkQuiet();
        await tab.close();
    }
});

test('a reload, and a connection that was away, come back to the avatar as it is', async () => {
    const way = await newWay();
    const ada = await newTab();
    const sessionId = await openRoom(ada);
    const ben = await newTab({ url: way.url });
    await followLink(ben, sessionId);
    await bringCalm(ada);
    await says(ada, 'here, in the call');
    await ada.page.reload();
    await seated(ada);
    await says(ada, 'here, in the call');
    await says(ben, 'here, in the call');

    const { conversation_id, conversation_url } = await latest(sessionId);
    way.cut();
    await badge(ben, 'Reconnecting');
    await sayInCall(conversation_url, 'Nobody hears this live');
    await endAtTavus(conversation_id, 'participant_left_timeout reached');
    await says(ada, 'gone: everybody had left the call');
    await says(ben, 'here, in the call');
    way.mend();
    await badge(ben, 'Connected');
    await says(ben, 'gone: everybody had left the call');
    await transcript(ben).getByText('You said: Nobody hears this live').waitFor();

    // Who comes later reads it, too.
    await ada.page.reload();
    await seated(ada);
    await transcript(ada).getByText('You said: Nobody hears this live').waitFor();
    ada.checkQuiet();
    ben.checkQuiet(UNREACHABLE);
    await Promise.all([ada.close(), ben.close()]);
});

test('an avatar that cannot come, and a start that is refused, are told in plain words', async () => {
    const mood = await hopelessMood();
    const { ada, ben, sessionId } = await pair();
    await panel(ada).getByRole('combobox').selectOption(mood);
    await bring(ada).click();
    const { failure } = await until(async () => {
        const found = await latest(sessionId);
        assert.equal(found?.status, 'failed');
        return found;
    });
    for (const tab of [ada, ben]) {
        await says(tab, `could not come. ${failure}`);
    }

    await rows('delete from echoroom.persona where mood = $1', [mood]);
    await panel(ben).getByRole('combobox').selectOption(mood);
    await another(ben).click();
    await ben.page.getByRole('alert').filter({ hasText: 'There is no avatar of this mood. Choose another.' }).waitFor();
    await bringCalm(ben, another);
    await says(ada, 'here, in the call');

    await rows('update echoroom.sessions set is_active = false where id = $1', [sessionId]);
    for (const tab of [ada, ben]) {
        await says(tab, 'gone:');
        await another(tab).waitFor({ state: 'detached' });
    }
    ada.checkQuiet();
    ben.checkQuiet(/status of 404/);
    await Promise.all([ada.close(), ben.close()]);
});

for (const [name, width, height] of [
    ['phone', 390, 844],
    ['desktop', 1280, 800],
]) {
    for (const scheme of ['light', 'dark']) {
        test(`${name} width, ${scheme}: every state of an avatar fits, everybody can read it, and pictures are kept`, async () => {
            const tab = await newTab({ width, height, scheme, hasTouch: name === 'phone', reducedMotion: 'reduce' });
            const sessionId = await openRoom(tab, { mood: 'Calm', seats: '2' });
            const looks = async (what) => {
                assert.ok((await tab.page.evaluate(() => document.documentElement.scrollWidth)) <= width, `${what} is too wide`);
                await checkAccessible(tab, what);
                await picture(tab, `avatar-${what}-${name}-${scheme}`);
            };
            await bring(tab).waitFor();
            await looks('none');

            // Held back as if a worker were at it, so that there is time for a picture.
            const { id } = await row(
                `insert into echoroom.conversations (session_id, persona_id, mood, claimed_until)
                values ($1, 'default_calm_persona', 'Calm', now() + interval '1 hour') returning id`,
                [sessionId],
            );
            await says(tab, 'on its way');
            await looks('starting');
            await rows(`update echoroom.conversations set status = 'failed', failure = 'Tavus has no more credits.', ended_at = now() where id = $1`, [id]);
            await says(tab, 'could not come. Tavus has no more credits.');
            await looks('failed');

            await another(tab).click();
            await says(tab, 'here, in the call');
            await looks('there');
            const { conversation_url } = await latest(sessionId);
            for (const text of ['I could not sleep last night.', 'The rain kept me awake, and then I began to like it.']) {
                await sayInCall(conversation_url, text);
            }
            await end(tab).click();
            await says(tab, 'gone: somebody ended the call');
            await panel(tab).getByText('What was said (5)').waitFor();
            if (name === 'phone') {
                await panel(tab).getByText('What was said (5)').click();
            }
            await transcript(tab).getByText('I could not sleep last night.', { exact: true }).waitFor();
            await looks('ended');
            tab.checkQuiet();
            await tab.close();
        });
    }
}
