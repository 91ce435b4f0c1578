// Takes the picture of the README from the running page: bin/screenshot. Two people in a room, talking.

import { join } from 'node:path';
import { test } from 'node:test';
import { followLink, messageIn, newTab, openRoom, personIn, say, seated, shows } from './playground.mjs';
import { root } from './stack.mjs';

const path = join(root, 'docs/images/playground.png');

const talk = [
    ['ada', 'Hello! Is anybody here?'],
    ['ben', 'Just came in. I start my new job on Monday.'],
    ['ada', 'That is wonderful. What are you looking forward to most?'],
    ['ben', 'Building something that people talk in, funnily enough.'],
];
const reactions = [
    ['ada', talk[1][1], '🎉'],
    ['ben', talk[2][1], '❤️'],
];

test('the picture of the README', async (t) => {
    const size = { width: 1320, height: 760, deviceScaleFactor: 1.4 };
    const tabs = { ada: await newTab(size), ben: await newTab(size) };
    const sessionId = await openRoom(tabs.ada, { name: 'Ada', mood: 'Hopeful' });
    await followLink(tabs.ben, sessionId, 'Ben');
    const texts = [];
    for (const [who, text] of talk) {
        await say(tabs[who], text);
        texts.push(text);
        await Promise.all(Object.values(tabs).map((tab) => shows(tab, texts)));
    }
    for (const [who, text, emoji] of reactions) {
        const message = messageIn(tabs[who], text);
        await message.hover();
        await message.getByRole('button', { name: 'React', exact: true }).click();
        await message.getByRole('button', { name: `React with ${emoji}` }).click();
        await messageIn(tabs.ada, text).locator('.reaction', { hasText: emoji }).waitFor();
    }
    await tabs.ben.page.getByRole('button', { name: 'Speaking' }).click();
    const { page } = tabs.ada;
    await personIn(tabs.ada, 'Ben').getByText('speaking').waitFor();
    await page.getByRole('button', { name: 'Events' }).click();
    await page.getByRole('list', { name: 'Events, newest first' }).getByText('voice-status').first().waitFor();
    await page.getByRole('textbox', { name: 'Message', exact: true }).focus();
    await page.mouse.move(0, 0);
    await page.screenshot({ path, animations: 'disabled' });
    t.diagnostic(path);
});
