// Domo in the playground: real tabs, the real worker and its built-in embedder, and the simulator of Tavus.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { rows } from './database.mjs';
import { callOf } from './demos.mjs';
import { service } from './people.mjs';
import { badge, checkAccessible, newTab, picture, until, visit, withoutClock } from './playground.mjs';

const region = (tab, name) => tab.page.getByRole('region', { name, exact: true });
const button = (tab, name) => tab.page.getByRole('button', { name, exact: true });
const pieces = (tab) => region(tab, 'Knowledge').getByRole('list', { name: 'Pieces of knowledge' }).getByRole('listitem');

/** Files lie in Storage until somebody removes them there. */
const demos = [];
after(async () => {
    const { storage } = service().client;
    for (const bucket of ['demo-documents', 'demo-videos']) {
        const found = await rows('select name from storage.objects where bucket_id = $1 and (storage.foldername(name))[1] = any ($2)', [bucket, demos]);
        if (found.length > 0) {
            await storage.from(bucket).remove(found.map(({ name }) => name));
        }
    }
});

async function createDemo(tab, name) {
    await visit(tab, '#/domo');
    await tab.page.getByLabel('Name', { exact: true }).fill(name);
    await tab.page.getByLabel('Name of the agent').fill('Ada');
    await tab.page.getByLabel('Greeting').fill('Good morning!');
    await button(tab, 'Create the demo').click();
    await opened(tab, name);
    const id = tab.page.url().split('/').at(-1);
    demos.push(id);
    return id;
}

async function opened(tab, name) {
    await tab.page.getByRole('heading', { name, level: 1 }).waitFor();
    await badge(tab, 'Connected');
}

async function teach(tab, content, { question = '', source = '' } = {}) {
    const form = tab.page.getByRole('form', { name: 'Add knowledge' });
    await form.getByLabel('Text').fill(content);
    await form.getByLabel('Question').fill(question);
    await form.getByLabel('Source').fill(source);
    await form.getByRole('button', { name: 'Add it' }).click();
    await pieces(tab).getByText(content).waitFor();
}

/** Waits until the page says this of what is known. */
const known = (tab, words) => tab.page.getByRole('status', { name: 'How much is known' }).getByText(words).waitFor();

/** Searches and gives what was found, best first. */
async function found(tab, query) {
    await tab.page.getByRole('searchbox', { name: 'Search for' }).fill(query);
    await tab.page.getByRole('search').getByRole('button', { name: 'Search' }).click();
    const list = tab.page.getByRole('list', { name: `Found for ${query}` });
    await list.waitFor();
    return list.getByRole('listitem').allTextContents();
}

/** Every number of the totals, by its name. */
const totals = (tab) =>
    region(tab, 'Analytics').evaluate((panel) =>
        Object.fromEntries([...panel.querySelectorAll('dl > div')].map((pair) => [pair.querySelector('dt').textContent, pair.querySelector('dd').textContent])),
    );

test('a demo learns what one writes and what a document says, finds it, is published, and comes back after a reload', async () => {
    const tab = await newTab();
    const id = await createDemo(tab, 'Our watering can');
    await known(tab, 'Nothing is known yet.');
    await button(tab, 'Publish').click();
    await tab.page.getByRole('alert').getByText('There is nothing to show yet.').waitFor();
    await checkAccessible(tab, 'an empty demo');

    await teach(tab, 'The can holds 9 litres and waters 20 pots.', { question: 'How much does it hold?', source: 'Handbook' });
    await teach(tab, 'It is made of copper and comes from Portugal.', { source: 'Catalogue' });
    await known(tab, '2 of 2 pieces embedded');
    await tab.page.getByRole('note', { name: 'How it is searched' }).getByText('Embedded by lexical-v2, the built-in embedder. By nearness the answer is exact').waitFor();
    const [best, ...others] = await found(tab, 'litres it holds');
    assert.match(best, /9 litres and waters 20 pots\..*Handbook.*By words: place 1.*By nearness: place 1/s);
    assert.ok(others.every((text) => !text.includes('litres')));
    await tab.page.getByText('Searched by words and by nearness.').waitFor();

    const words = ['Frost bursts a can that is full of water.', 'Empty it in November and keep it in the shed.'];
    await tab.page.getByLabel('Add a document').setInputFiles({ name: 'winter notes.md', mimeType: 'text/markdown', buffer: Buffer.from(`# Winter\n\n${words.join('\n\n')}\n`) });
    const file = tab.page.getByRole('list', { name: 'Files' }).getByRole('listitem').filter({ hasText: 'winter notes.md' });
    await file.getByText('Document · done').waitFor();
    await pieces(tab).filter({ hasText: words[0] }).getByText('embedded').waitFor();
    assert.match((await found(tab, 'frost in the winter'))[0], /Frost bursts a can/);

    await tab.page.getByLabel('Add a video').setInputFiles({ name: 'picture.png', mimeType: 'image/png', buffer: Buffer.from('no film') });
    await tab.page.getByText('Files of this type are not taken.').waitFor();
    await tab.page.getByLabel('Add a video').setInputFiles({ name: 'tour.mp4', mimeType: 'video/mp4', buffer: Buffer.from('SPEECH:\nThe spout turns to the left.\n') });
    await tab.page.getByText('Video · done').waitFor();
    assert.match((await found(tab, 'where does the spout turn'))[0], /The spout turns to the left/);

    await checkAccessible(tab, 'a full demo');
    await picture(tab, 'domo-wide-light');
    await button(tab, 'Publish').click();
    await tab.page.getByRole('status', { name: 'Status of the demo' }).getByText('published').waitFor();
    await tab.page.reload();
    await opened(tab, 'Our watering can');
    assert.equal(tab.page.url(), `${tab.url}/#/domo/${id}`);
    await file.getByText('Document · done').waitFor();
    await pieces(tab).getByText('It is made of copper').waitFor();

    // Somebody else has the address, and sees nothing.
    const other = await newTab();
    await visit(other, '#/domo');
    await other.page.getByText('There is none yet.').waitFor();
    await other.page.goto(`${other.url}/#/domo/${id}`);
    await other.page.getByText('There is no such demo, or it is not yours.').waitFor();
    assert.doesNotMatch(await other.page.content(), /watering|copper|Frost/);
    // The browser notes each answer that says no.
    other.checkQuiet(/status of 404/);
    await other.close();

    await button(tab, 'Archive').click();
    await tab.page.getByRole('status', { name: 'Status of the demo' }).getByText('archived').waitFor();
    await button(tab, 'All demos').click();
    await tab.page.getByRole('list', { name: 'Your demos' }).getByRole('link', { name: /Our watering can archived Ada · \d+ pieces of knowledge · 1 video · 0 calls/ }).waitFor();
    await checkAccessible(tab, 'the list of demos');
    tab.checkQuiet(/status of 4(00|15|22)/);
    await tab.close();
});

test('one calls the agent, goes into the call, ends it, and the numbers and the chart follow by themselves', async () => {
    const tab = await newTab({ width: 390, height: 800, scheme: 'dark' });
    await tab.context.addInitScript(withoutClock);
    const id = await createDemo(tab, 'Calls');
    const state = tab.page.getByRole('status', { name: 'State of the call' });
    await until(async () => assert.equal((await totals(tab)).Calls, '0'));
    await tab.page.getByLabel('Persona at Tavus').fill('default_calm_persona');
    await button(tab, 'Use it for calls').click();
    const bars = region(tab, 'Analytics').locator('rect.bar');
    assert.equal(await bars.count(), 0);

    await teach(tab, 'The can holds 9 litres.');
    await known(tab, '1 of 1 piece embedded');
    await button(tab, 'Call the agent').click();
    await state.getByText('Ada is here, in the call').waitFor();
    await until(async () => assert.deepEqual({ ...(await totals(tab)) }, { ...(await totals(tab)), Calls: '1', Running: '1', Ended: '0' }));
    await tab.page.getByLabel('As the agent does in a call').check();
    assert.match((await found(tab, 'litres'))[0], /By words: place 1.*By nearness: place 1/s);

    const link = tab.page.getByRole('link', { name: 'Open the call in a new tab' });
    const [call] = await Promise.all([tab.context.waitForEvent('page'), link.click()]);
    await call.getByRole('textbox').fill('Good evening');
    await call.getByRole('button', { name: 'Say' }).click();
    await call.getByText('You said: Good evening').waitFor();
    await call.close();

    await button(tab, 'End the call').click();
    await state.getByText('Ada is gone: somebody ended the call').waitFor();
    await until(async () => {
        const { Calls, Running, Ended, Messages } = await totals(tab);
        assert.deepEqual({ Calls, Running, Ended, Messages }, { Calls: '1', Running: '0', Ended: '1', Messages: '3' });
    });
    await until(async () => assert.equal(await bars.count(), 1));
    await region(tab, 'Analytics').getByRole('listitem').getByText(/1 call, 3 messages/).waitFor({ state: 'attached' });
    await button(tab, 'Call again').waitFor();
    // A call that this page did nothing for: it hears of it, and does not ask.
    const at = new Date().toISOString();
    await callOf(id, { status: 'ended', ended_at: at, replica_joined_at: at, shutdown_reason: 'participant_left_timeout' });
    await until(async () => assert.equal((await totals(tab)).Ended, '2'));
    await state.getByText('Ada is gone: everybody had left the call').waitFor();
    assert.ok((await tab.page.evaluate(() => document.documentElement.scrollWidth)) <= 390, 'it is too wide');
    await checkAccessible(tab, 'a demo');
    await picture(tab, 'domo-phone-dark');
    await rows('update domo.demos set deleted_at = now() where id = $1', [id]);
    await tab.page.getByText('There is no such demo, or it is not yours.').waitFor();
    // The answer to the start may come after the end, or not in time; the page goes by the table.
    tab.checkQuiet(/status of (404|410|503)/);
    await tab.close();
});
