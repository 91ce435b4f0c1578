// The playground by keyboard, at the width of a phone and of a desk, in light and dark; pictures are kept under .parley/artifacts.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { rows } from './database.mjs';
import { ok, person } from './people.mjs';
import { checkAccessible, confirm, field, followLink, messageIn, newTab, picture, say, seated, shown, shows, until, visit } from './playground.mjs';

test('all of it works with the keyboard alone', async () => {
    const ada = await newTab();
    const { page } = ada;
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent.trim());
    const hasFocus = (name, why) => until(async () => assert.equal(await focused(), name, why));
    /** Tabs on until what is called (or begins with) this has the focus, and sees that one can see it. */
    const tabTo = async (name) => {
        const sought = name instanceof RegExp ? name : new RegExp(`^${name}`);
        for (let presses = 0; presses < 60; presses += 1) {
            if (sought.test((await focused()) ?? '')) {
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
    await hasFocus('Skip to the content');
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
    await hasFocus('Message', 'one can write at once');

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
    await until(async () => assert.equal(await page.locator('.waiting-mark').count(), 0));

    // The arrow up in the empty field edits, Escape gives it up, Enter saves.
    await page.keyboard.press('ArrowUp');
    await hasFocus('Edit your message');
    await page.keyboard.type(' no');
    await page.keyboard.press('Escape');
    await hasFocus('Message');
    await shows(ada, ['hi there', 'one line\nanother']);
    await page.keyboard.press('ArrowUp');
    await hasFocus('Edit your message');
    await page.keyboard.type('!');
    await page.keyboard.press('Enter');
    await shows(ada, ['hi there', 'one line\nanother! (edited)']);
    await hasFocus('Message');

    // Back to the messages; the arrows move between them; their buttons follow in the order of the tab key.
    await page.keyboard.press('Shift+Tab');
    while (!(await page.evaluate(() => document.activeElement?.matches('.messages > li')))) {
        await page.keyboard.press('Shift+Tab');
    }
    await page.keyboard.press('ArrowUp');
    await until(async () => assert.match(await focused(), /hi there/));
    await page.keyboard.press('Tab');
    await hasFocus('React');
    await page.keyboard.press('Enter');
    await hasFocus('React with 👍');
    await page.keyboard.press('Escape');
    await hasFocus('React');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await messageIn(ada, 'hi there').getByRole('button', { name: '❤️, 1 person' }).waitFor();
    await page.keyboard.press('Tab');
    await hasFocus('Answer');
    await page.keyboard.press('Enter');
    await hasFocus('Message');
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
    await hasFocus('Events');

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
    await hasFocus('Remove Ben');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    // A dialog says that it closed a frame later; opened again before, it still knows whom it is about.
    await page.evaluate(async () => {
        document.querySelector('dialog[open]').close();
        document.activeElement.click();
        await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    });
    await page.getByRole('dialog', { name: 'Remove Ben?' }).waitFor();
    // Not the button that opened it: `Remove Ben` begins the same way.
    await tabTo(/^Remove$/);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Let Ben back in' }).waitFor();
    await page.evaluate(() => document.querySelector('.brand').focus());
    await tabTo('Leave');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'How do you feel?' }).waitFor();
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
            await until(async () => assert.equal(await tab.page.locator('.waiting-mark').count(), 0));
            await say(tab, `A very long word does not break it: ${'o'.repeat(120)}`);
            await until(async () => assert.equal((await shown(tab)).length, 6));
            await fits('the room');
            await checkAccessible(tab, 'the room');
            await messageIn(tab, 'A very long word').getByRole('button', { name: 'Delete' }).dispatchEvent('click');
            await confirm(tab, 'Delete');
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
