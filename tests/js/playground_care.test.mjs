// What is easily lost: a long text, something that one click would destroy, the place of the focus, an error below the edge of the screen.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { row, rows } from './database.mjs';
import { UNREACHABLE, badge, checkAccessible, confirm, field, messageIn, newTab, newWay, pair, picture, pressOnMessage, say, shows, stored, until, visit } from './playground.mjs';

const button = (tab, name) => tab.page.getByRole('button', { name, exact: true });
const pieces = (tab) => tab.page.getByRole('list', { name: 'Pieces of knowledge' }).getByRole('listitem');
const focused = (tab) => tab.page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent.trim());
const hasFocus = (tab, name) => until(async () => assert.equal(await focused(tab), name));
const long = (length) => `${'word '.repeat(Math.ceil(length / 5)).slice(0, length - 4)}last`;

async function openDemo(tab, name) {
    await visit(tab, '#/domo');
    await tab.page.getByLabel('Name', { exact: true }).fill(name);
    await button(tab, 'Create the demo').click();
    await tab.page.getByRole('heading', { name, level: 1 }).waitFor();
    await badge(tab, 'Connected');
    return tab.page.url().split('/').at(-1);
}

async function teach(tab, content) {
    await tab.page.getByRole('form', { name: 'Add knowledge' }).getByLabel('Text').fill(content);
    await button(tab, 'Add it').click();
    await pieces(tab).filter({ hasText: content }).waitFor();
}

test('4,500 pasted characters stay 4,500, are said to be too many, and go out shortened or as two messages', async () => {
    const { ada, ben, sessionId } = await pair();
    const text = long(4_500);
    await field(ada).fill(text);
    await ada.page.getByText('4,500 of 4,000 characters: 500 too many. Nothing was cut.').waitFor();
    assert.equal(await field(ada).inputValue(), text);
    await ada.page.keyboard.press('Enter');
    assert.equal(await field(ada).inputValue(), text);
    assert.equal(await button(ada, 'Send').isDisabled(), true);
    await checkAccessible(ada, 'a text that is too long');
    await picture(ada, 'too-long-desktop-light');
    await ada.page.reload();
    await until(async () => assert.equal(await field(ada).inputValue(), text));
    await button(ada, 'Send it as 2 messages').click();
    await until(async () => assert.equal((await stored(sessionId)).length, 2));
    assert.equal((await stored(sessionId)).join(' '), text);
    await hasFocus(ada, 'Message');

    // 4,000 emoji are 8,000 units of UTF-16 and 4,000 characters.
    await field(ada).fill('😀'.repeat(4_000));
    await ada.page.keyboard.press('Enter');
    await until(async () => assert.equal((await stored(sessionId)).at(-1), '😀'.repeat(4_000)));
    await pressOnMessage(ada, '😀', 'Edit');
    await ada.page.getByLabel('Edit your message').fill(long(4_001));
    assert.equal(await button(ada, 'Save').isDisabled(), true);
    await ada.page.getByText('4,001 of 4,000 characters: 1 too many.').waitFor();
    await ada.page.getByLabel('Edit your message').fill(long(4_000));
    await button(ada, 'Save').click();
    await messageIn(ben, 'last (edited)').waitFor();
    for (const tab of [ada, ben]) {
        tab.checkQuiet();
        await tab.close();
    }
});

test('every field with a limit keeps what is pasted and says that it is too long', async () => {
    const tab = await newTab({ width: 390, height: 844 });
    await visit(tab);
    const tooLong = async (label, length, max) => {
        const input = tab.page.getByLabel(label, { exact: label === 'Name' || label === 'Mood' });
        await input.fill('x'.repeat(length));
        assert.equal((await input.inputValue()).length, length, label);
        await tab.page.getByText(`${length.toLocaleString('en')} of ${max.toLocaleString('en')} characters:`).waitFor();
        assert.equal(await input.getAttribute('aria-invalid'), 'true', label);
        await input.fill('');
    };
    await tooLong('Your name', 41, 40);
    await tooLong('Mood', 65, 64);
    await openDemo(tab, 'Limits');
    const form = tab.page.getByRole('form', { name: 'Add knowledge' });
    for (const [label, length, max] of [
        ['Question', 2_001, 2_000],
        ['Answer', 8_001, 8_000],
        ['Source', 501, 500],
    ]) {
        await tooLong(label, length, max);
    }
    await form.getByLabel('Text').fill(long(9_000));
    await button(tab, 'Add it as 2 pieces').click();
    await until(async () => assert.equal(await pieces(tab).count(), 2));
    await button(tab, 'Edit').click();
    for (const [label, length, max] of [
        ['Name of the demo', 256, 255],
        ['Description', 5_001, 5_000],
        ['What it is like', 4_001, 4_000],
    ]) {
        await tooLong(label, length, max);
    }
    await tab.page.locator('dialog[open]').getByRole('button', { name: 'Do not change it' }).click();
    await button(tab, 'All demos').click();
    for (const [label, length, max] of [
        ['Name', 256, 255],
        ['Name of the agent', 101, 100],
        ['Greeting', 1_001, 1_000],
        ['Persona at Tavus', 201, 200],
    ]) {
        await tooLong(label, length, max);
    }
    // No field of the page cuts what is pasted into it, but for the search, which has its own.
    assert.deepEqual(await tab.page.locator('[maxlength]').count(), 0);
    tab.checkQuiet();
    await tab.close();
});

test('what destroys asks first, by keyboard as well, and the focus goes on to what stands in its place', async () => {
    const { ada, ben } = await pair();
    for (const text of ['one', 'two']) {
        await say(ada, text);
    }
    await shows(ben, ['one', 'two']);
    await until(async () => assert.equal(await ada.page.locator('.waiting-mark').count(), 0));
    await messageIn(ada, 'two').focus();
    for (const name of ['React', 'Answer', 'Edit', 'Delete']) {
        await ada.page.keyboard.press('Tab');
        await hasFocus(ada, name);
    }
    await ada.page.keyboard.press('Enter');
    await ada.page.getByRole('dialog', { name: 'Delete this message?' }).waitFor();
    await hasFocus(ada, 'Keep');
    await ada.page.keyboard.press('Escape');
    await hasFocus(ada, 'Delete');
    await shows(ada, ['one', 'two']);
    await ada.page.keyboard.press('Enter');
    await hasFocus(ada, 'Keep');
    await ada.page.keyboard.press('Tab');
    await ada.page.keyboard.press('Enter');
    await ben.page.getByText('This message was deleted.').waitFor();
    assert.equal(await ada.page.evaluate(() => document.activeElement?.matches('.messages > li.deleted')), true);
    // From there the arrows go on.
    await ada.page.keyboard.press('ArrowUp');
    await until(async () => assert.match(await focused(ada), /one/));

    // A message that was refused is not thrown away by one click.
    await ada.page.route('**/rpc/send_message', (route) =>
        route.fulfill({ status: 422, json: { code: 'PT422', details: 'invalid_content', message: 'No.', hint: '' } }),
    );
    await say(ada, 'refused');
    await button(ada, 'Discard').click();
    await confirm(ada, 'Keep');
    await messageIn(ada, 'refused').waitFor();
    await button(ada, 'Discard').click();
    await confirm(ada, 'Discard');
    await messageIn(ada, 'refused').waitFor({ state: 'detached' });
    await hasFocus(ada, 'Message');

    await button(ada, 'Remove Ben').focus();
    await ada.page.keyboard.press('Enter');
    await confirm(ada, 'Remove');
    await until(async () => assert.notEqual(await ada.page.evaluate(() => document.activeElement?.tagName), 'BODY'));
    ada.checkQuiet(/status of 422/);
    await Promise.all([ada.close(), ben.close()]);
});

test('a piece of knowledge and a file go after a question, and the focus goes to the next one', async () => {
    const tab = await newTab();
    const id = await openDemo(tab, 'Focus');
    for (const content of ['first', 'second', 'third']) {
        await teach(tab, content);
    }
    await button(tab, 'Delete: third').focus();
    await tab.page.keyboard.press('Enter');
    await tab.page.getByRole('dialog', { name: 'Delete this piece of knowledge?' }).getByText('third').waitFor();
    await tab.page.keyboard.press('Tab');
    await tab.page.keyboard.press('Enter');
    await hasFocus(tab, 'Delete: second');
    await button(tab, 'Delete: first').focus();
    await tab.page.keyboard.press('Enter');
    await confirm(tab, 'Delete');
    await hasFocus(tab, 'Delete: second');
    await tab.page.keyboard.press('Enter');
    await confirm(tab, 'Delete');
    await hasFocus(tab, 'Knowledge');
    await until(async () => assert.equal((await rows('select from domo.knowledge_chunks where demo_id = $1 and deleted_at is null', [id])).length, 0));

    await tab.page.getByLabel('Add a document').setInputFiles({ name: 'notes.md', mimeType: 'text/markdown', buffer: Buffer.from('Nothing much.\n') });
    await tab.page.getByText('Document · done').waitFor();
    await button(tab, 'Remove notes.md').focus();
    await tab.page.keyboard.press('Enter');
    await confirm(tab, 'Keep');
    await hasFocus(tab, 'Remove notes.md');
    await tab.page.keyboard.press('Enter');
    await confirm(tab, 'Remove');
    await hasFocus(tab, 'Documents and videos');
    await tab.page.getByText('Document · done').waitFor({ state: 'detached' });
    tab.checkQuiet();
    await tab.close();
});

for (const [width, height, scheme] of [
    [390, 844, 'light'],
    [1280, 800, 'dark'],
]) {
    test(`${width} by ${height}: a full demo has one scroller, which ends where its content ends, and an error is in sight wherever one has scrolled`, async () => {
        const tab = await newTab({ width, height, scheme, reducedMotion: 'reduce' });
        await openDemo(tab, 'Long');
        for (let index = 1; index <= 9; index += 1) {
            await teach(tab, `Piece ${index} of what the agent knows, which is more than fits into the window.`);
        }
        await tab.page.getByRole('searchbox', { name: 'Search for' }).fill('Piece');
        await tab.page.getByRole('search').getByRole('button', { name: 'Search' }).click();
        await tab.page.getByRole('list', { name: 'Found for Piece' }).waitFor();
        assert.equal(await pieces(tab).count(), 6);
        await button(tab, 'Show all 9 pieces').click();
        assert.equal(await pieces(tab).count(), 9);

        const scrollers = await tab.page.evaluate(() => {
            window.scrollTo(0, 100_000);
            const canScroll = (element) => element.scrollHeight > element.clientHeight + 1 && /auto|scroll/.test(getComputedStyle(element).overflowY);
            return { page: window.scrollY, others: [...document.querySelectorAll('body *')].filter(canScroll).map((element) => element.id || element.className) };
        });
        assert.deepEqual(scrollers, { page: 0, others: ['main'] });
        // The end of it is the end of the content, and not a blank screen.
        const blank = await tab.page.evaluate(() => {
            const main = document.querySelector('main');
            main.scrollTop = main.scrollHeight;
            const bottoms = [...main.querySelectorAll('.domo-panel')].map((panel) => panel.getBoundingClientRect().bottom);
            return main.getBoundingClientRect().bottom - Math.max(...bottoms);
        });
        assert.ok(blank < 100, `${blank} pixels of nothing below the content`);

        // At the lower end something fails that is asked for at the upper end, and the other way round.
        await tab.page.route('**/api/domo/demos/*/knowledge', (route) => route.fulfill({ status: 400, json: { code: 'XX', details: '', message: 'Made to fail', hint: '' } }));
        const inSight = async () => {
            const notice = tab.page.getByRole('alert').filter({ hasText: 'Made to fail' });
            await notice.waitFor();
            const box = await notice.boundingBox();
            assert.ok(box.y >= 0 && box.y + box.height <= height, `the error stands at ${box.y}`);
        };
        for (const place of ['0', 'document.querySelector("main").scrollHeight']) {
            await tab.page.getByRole('searchbox', { name: 'Search for' }).press('Enter');
            await tab.page.evaluate(`document.querySelector('main').scrollTop = ${place}`);
            await inSight();
            await button(tab, 'Dismiss').click();
        }
        // What is refused later is said in sight, too, and stands where it belongs.
        await tab.page.route('**/rest/v1/demos*', (route) => route.fulfill({ status: 400, json: { code: 'XX', details: '', message: 'Made to fail', hint: '' } }));
        await tab.page.getByLabel('Persona at Tavus').fill('some_persona');
        await button(tab, 'Use it for calls').click();
        await inSight();
        await tab.page.locator('.demo-bar .refusal', { hasText: 'Not changed.' }).getByRole('button', { name: 'Discard' }).click();
        await tab.page.getByRole('alert').filter({ hasText: 'Made to fail' }).waitFor({ state: 'detached' });
        await tab.page.getByRole('searchbox', { name: 'Search for' }).press('Enter');
        await inSight();
        await checkAccessible(tab, 'a demo with an error');
        await picture(tab, `domo-error-${width}-${scheme}`);
        tab.checkQuiet(/status of 400/);
        await tab.close();
    });
}

test('in the lists of moods and of demos an error is in sight where one pressed', async () => {
    const tab = await newTab({ width: 390, height: 844 });
    await visit(tab);
    await tab.page.getByRole('button', { name: /^Calm/ }).waitFor();
    await tab.page.route('**/rpc/create_session', (route) => route.fulfill({ status: 400, json: { code: 'XX', details: '', message: 'Made to fail', hint: '' } }));
    await tab.page.getByLabel('Mood', { exact: true }).fill('Curious');
    await button(tab, 'Open a room').click();
    const notice = tab.page.getByRole('alert').filter({ hasText: 'Made to fail' });
    await notice.waitFor();
    const box = await notice.boundingBox();
    assert.ok(box.y >= 0 && box.y + box.height <= 844);
    // Buttons that vanish when they are pressed leave the focus nearby.
    await tab.page.unroute('**/rpc/create_session');
    await tab.page.route('**/rpc/create_session', (route) => route.abort());
    await button(tab, 'Open a room').click();
    await button(tab, 'Do not wait').focus();
    await tab.page.keyboard.press('Enter');
    await button(tab, 'Do not wait').waitFor({ state: 'detached' });
    await until(async () => assert.notEqual(await tab.page.evaluate(() => document.activeElement?.tagName), 'BODY'));
    tab.checkQuiet(/status of 400|net::ERR_/);
    await tab.close();
});

test('what is done to demos offline waits, whichever demo is open, and is done once it is back; a call is refused in words', async () => {
    const way = await newWay();
    const tab = await newTab({ url: way.url });
    const id = await openDemo(tab, 'Offline');
    await teach(tab, 'to forget');
    await tab.page.getByLabel('Persona at Tavus').fill('default_calm_persona');
    await button(tab, 'Use it for calls').click();
    await button(tab, 'Call the agent').waitFor();
    way.cut();
    await tab.context.setOffline(true);
    await badge(tab, 'Offline');
    await tab.page.getByRole('form', { name: 'Add knowledge' }).getByLabel('Text').fill('written offline');
    await button(tab, 'Add it').click();
    await tab.page.getByRole('list', { name: 'Waiting to be stored' }).getByText('written offline').waitFor();
    await button(tab, 'Delete: to forget').click();
    await confirm(tab, 'Delete');
    await pieces(tab).filter({ hasText: 'to forget' }).waitFor({ state: 'detached' });
    await button(tab, 'Edit').click();
    await tab.page.locator('dialog[open]').getByLabel('Name of the demo').fill('Renamed offline');
    await confirm(tab, 'Save');
    await tab.page.getByRole('heading', { name: 'Renamed offline', level: 1 }).waitFor();
    await button(tab, 'Archive').click();
    await tab.page.getByText('Waiting to be stored: what you changed, archived').waitFor();
    await button(tab, 'Call the agent').click();
    await tab.page.getByRole('alert').filter({ hasText: 'Not done: the server cannot be reached.' }).waitFor();
    await tab.page.getByLabel('Add a document').setInputFiles({ name: 'late.md', mimeType: 'text/markdown', buffer: Buffer.from('Sent when the way was free.\n') });
    await tab.page.getByText('Sending late.md… Keep this page open.').waitFor();
    await button(tab, 'All demos').click();
    await tab.page.getByLabel('Name', { exact: true }).fill('Made offline');
    await button(tab, 'Create the demo').click();
    await tab.page.getByText('waits to be created').waitFor();
    // Looking at the other app costs nothing of it.
    await tab.page.getByRole('link', { name: 'EchoRoom' }).click();
    await tab.page.getByText('Opening Parley…').or(tab.page.getByText('The server cannot be reached.')).first().waitFor();

    way.mend();
    await tab.context.setOffline(false);
    await tab.page.getByRole('heading', { name: 'How do you feel?' }).waitFor();
    await until(async () => assert.equal((await rows('select from domo.demos where user_id = $1', [tab.userId])).length, 2));
    await tab.page.getByRole('link', { name: 'Domo' }).click();
    await tab.page.getByRole('link', { name: /Made offline/ }).waitFor();
    await until(async () => {
        const demo = await row('select name, status from domo.demos where id = $1', [id]);
        assert.deepEqual(demo, { name: 'Renamed offline', status: 'archived' });
        const known = await rows('select content from domo.knowledge_chunks where demo_id = $1 and deleted_at is null order by content', [id]);
        assert.deepEqual(known.map(({ content }) => content.trim()), ['Sent when the way was free.', 'written offline']);
    });
    tab.checkQuiet(UNREACHABLE);
    await tab.close();
});

test('what the server refuses of a demo once it is back is said with the text, and a second try of what was done makes nothing twice', async () => {
    const tab = await newTab();
    const id = await openDemo(tab, 'Refused');
    // Stored, and the answer gets lost: knowledge, and a demo.
    for (const path of ['**/rpc/add_knowledge', '**/rest/v1/demos*']) {
        let isFirst = true;
        await tab.page.route(path, async (route) => {
            if (isFirst && route.request().method() === 'POST') {
                isFirst = false;
                await route.fetch();
                await route.abort();
            } else {
                await route.continue();
            }
        });
    }
    await teach(tab, 'once');
    await button(tab, 'All demos').click();
    await tab.page.getByLabel('Name', { exact: true }).fill('Once');
    await button(tab, 'Create the demo').click();
    await tab.page.getByRole('heading', { name: 'Once', level: 1 }).waitFor();
    assert.equal((await rows('select from domo.knowledge_chunks where demo_id = $1', [id])).length, 1);
    assert.equal((await rows('select from domo.demos where user_id = $1', [tab.userId])).length, 2);

    await tab.page.route('**/rpc/add_knowledge', (route) =>
        route.fulfill({ status: 422, json: { code: 'PT422', details: 'invalid_content', message: 'No.', hint: '' } }),
    );
    await tab.page.getByRole('form', { name: 'Add knowledge' }).getByLabel('Text').fill('a long thought');
    await button(tab, 'Add it').click();
    const refused = tab.page.locator('.refusal', { hasText: 'Not added. A piece of knowledge has 1 to 8,000 characters.' });
    await refused.getByText('a long thought').waitFor();
    await refused.getByRole('button', { name: 'Discard' }).click();
    await confirm(tab, 'Keep');
    await tab.page.reload();
    await refused.getByText('a long thought').waitFor();
    await tab.page.unroute('**/rpc/add_knowledge');
    await refused.getByRole('button', { name: 'Try again' }).click();
    await pieces(tab).filter({ hasText: 'a long thought' }).waitFor();
    tab.checkQuiet(/net::ERR_|status of 4(09|22)/);
    await tab.close();
});

test('a slow network shows a demo and its changes as on their way, and loses none', async () => {
    const tab = await newTab({ width: 390, height: 844 });
    const id = await openDemo(tab, 'Slow');
    const session = await tab.context.newCDPSession(tab.page);
    await session.send('Network.emulateNetworkConditions', { offline: false, latency: 1_200, downloadThroughput: 40_000, uploadThroughput: 40_000 });
    for (const content of ['one', 'two']) {
        await tab.page.getByRole('form', { name: 'Add knowledge' }).getByLabel('Text').fill(content);
        await button(tab, 'Add it').click();
    }
    await tab.page.getByRole('list', { name: 'Waiting to be stored' }).getByText('two').waitFor();
    await until(async () => assert.equal(await pieces(tab).count(), 2));
    await tab.page.getByRole('list', { name: 'Waiting to be stored' }).waitFor({ state: 'detached' });
    assert.equal((await rows('select from domo.knowledge_chunks where demo_id = $1', [id])).length, 2);
    tab.checkQuiet();
    await tab.close();
});
