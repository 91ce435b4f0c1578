// The playground in a real browser: tabs that are people, and a way to the stack that can be broken.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { after } from 'node:test';
import { chromium } from 'playwright-core';
import { row, rows } from './database.mjs';
import { root, stack } from './stack.mjs';

/** How long anything may take on a busy machine. */
export const PATIENCE = 45_000;

const names = ['chromium', 'chromium-browser', 'google-chrome'];
const flags = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
];

function findBrowser() {
    for (const name of names) {
        try {
            return execFileSync('which', [name], { encoding: 'utf8' }).trim();
        } catch {
            // The next one, then.
        }
    }
    throw new Error(`there is no browser (looked for ${names.join(', ')}): run bin/setup --test`);
}

let browser;
const met = new Set();

after(async () => {
    await browser?.close();
    await rows('delete from echoroom.sessions where created_by = any ($1)', [[...met]]);
    await rows('delete from auth.users where id = any ($1)', [[...met]]);
});

/** A new window with a profile of its own. Whatever it complains about, or asks another server for, fails the test at `checkQuiet`. */
export async function newTab({ width = 1280, height = 800, scheme = 'light', url = stack.url, ...more } = {}) {
    browser ??= await chromium.launch({ executablePath: findBrowser(), args: flags });
    const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, ...more });
    context.setDefaultTimeout(PATIENCE);
    const page = await context.newPage();
    const complaints = [];
    const strangers = [];
    const heard = [];
    page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => heard.push(String(payload))));
    page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) {
            complaints.push(message.text());
        }
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    const host = new URL(url).host;
    page.on('request', (request) => {
        if (new URL(request.url()).host !== host) {
            strangers.push(request.url());
        }
    });
    return {
        context,
        page,
        url,
        /** Everything that came over the live connection. */
        heard,
        /** Nothing on the console, and nobody asked but the stack. */
        checkQuiet(expected = /$^/) {
            assert.deepEqual(
                complaints.filter((text) => !expected.test(text)),
                [],
            );
            assert.deepEqual(strangers, []);
        },
        close: () => context.close(),
    };
}

/** Goes to a path of the page and waits until it is somebody: in Domo the browser's one person, else the tab's own. Remembers them, to clean up. */
export async function visit(tab, path = '') {
    await tab.page.goto(`${tab.url}/${path}`);
    await tab.page.getByRole('navigation', { name: 'Apps' }).waitFor();
    const handle = await tab.page.waitForFunction((isOfBrowser) => {
        const key = Object.keys(sessionStorage).find((name) => name.startsWith('parley.session.'));
        const kept = isOfBrowser ? localStorage.getItem('parley.account') : key && sessionStorage.getItem(key);
        return kept && JSON.parse(kept).user.id;
    }, path.startsWith('#/domo'));
    tab.userId = await handle.jsonValue();
    met.add(tab.userId);
}

/** Remembers somebody whom a test met otherwise, to clean up. */
export const meet = (userId) => met.add(userId);

/** Opens a room of a mood that nobody else uses, from the lobby; returns its id. */
export async function openRoom(tab, { name = 'Ada', mood = `Playground ${crypto.randomUUID()}`, seats = '6' } = {}) {
    await visit(tab);
    await tab.page.getByLabel('Your name').fill(name);
    await tab.page.getByLabel('Mood', { exact: true }).fill(mood);
    await tab.page.getByLabel('Seats').selectOption(seats);
    await tab.page.getByRole('button', { name: 'Open a room' }).click();
    await seated(tab);
    return tab.page.url().split('/').at(-1);
}

/** Goes to the link of a room and stays in front of it. */
export async function comeByLink(tab, sessionId) {
    await visit(tab);
    await tab.page.goto(`${tab.url}/#/echoroom/${sessionId}`);
    await tab.page.locator('#door-title').waitFor();
}

/** Follows the link to a room, says a name and takes a seat. */
export async function followLink(tab, sessionId, name = 'Ben') {
    await comeByLink(tab, sessionId);
    await tab.page.getByLabel('Your name').fill(name);
    await tab.page.getByRole('button', { name: 'Take a seat' }).click();
    await seated(tab);
}

/** Says yes to the question that is asked. */
export const confirm = (tab, yes) => tab.page.locator('dialog[open]').getByRole('button', { name: yes, exact: true }).click();

export async function seated(tab) {
    await tab.page.getByRole('textbox', { name: 'Message', exact: true }).waitFor();
    await badge(tab, 'Connected');
}

/** Waits until the badge says this. */
export async function badge(tab, word) {
    await tab.page.locator('.badge', { hasText: word }).waitFor();
}

export async function say(tab, text) {
    await tab.page.getByRole('textbox', { name: 'Message', exact: true }).fill(text);
    await tab.page.keyboard.press('Enter');
}

/** The texts of the conversation as shown, those on their way included. */
export function shown(tab) {
    return tab.page.locator('.messages .content').allTextContents();
}

/** Waits until the conversation as shown is this and nothing else. */
export async function shows(tab, texts) {
    await until(async () => assert.deepEqual(await shown(tab), texts));
}

/** Waits until the live connection has brought these in one frame, so that asking every few seconds cannot pass for it. */
export async function hears(tab, ...texts) {
    const isThere = () => tab.heard.some((frame) => texts.every((text) => frame.includes(text)));
    await until(async () => assert.ok(isThere(), `${texts.join(' with ')} never came live`));
}

/** Waits until the live connection has joined the topic that the room has now; before, what is said may come by asking. */
export async function hasMoved(tab, sessionId) {
    const { topic } = await row('select echoroom_private.topic(id, epoch) as topic from echoroom.sessions where id = $1', [sessionId]);
    await hears(tab, topic, 'presence_state');
}

/** The texts of a room as stored. */
export async function stored(sessionId) {
    const found = await rows('select content from echoroom.chat_messages where session_id = $1 and deleted_at is null order by seq', [sessionId]);
    return found.map(({ content }) => content);
}

/** Asks again until the assertion holds; its last failure is the error. */
export async function until(assertion, patience = PATIENCE) {
    const deadline = Date.now() + patience;
    for (;;) {
        try {
            return await assertion();
        } catch (error) {
            if (Date.now() > deadline) {
                throw error;
            }
            await new Promise((resolve) => setTimeout(resolve, 50));
        }
    }
}

/** Keeps a picture of the page under .parley/artifacts. */
export async function picture(tab, name) {
    const folder = join(root, '.parley/artifacts');
    mkdirSync(folder, { recursive: true });
    await tab.page.screenshot({ path: join(folder, `playground-${name}.png`), animations: 'disabled' });
}

const axe = readFileSync(join(import.meta.dirname, 'node_modules/axe-core/axe.min.js'), 'utf8');

/** No rule of WCAG 2.2 A and AA that a machine can check is broken, contrast above all. */
export async function checkAccessible(tab, what) {
    await tab.page.evaluate(axe);
    const { violations, passes } = await tab.page.evaluate(() =>
        globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }),
    );
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`);
    assert.deepEqual(found, [], what);
    assert.ok(passes.some(({ id }) => id === 'color-contrast'), `${what}: contrast was measured`);
}

/** A way to the stack that can be cut, and whose sockets can go deaf: open on both ends, and nothing arrives. */
export async function newWay() {
    const target = new URL(stack.url);
    const pairs = new Set();
    let isCut = false;
    const server = createServer((near) => {
        if (isCut) {
            near.destroy();
            return;
        }
        const far = connect(Number(target.port), target.hostname);
        const pair = { near, far, isSocket: false, isDeaf: false };
        pairs.add(pair);
        near.on('data', (chunk) => {
            pair.isSocket ||= chunk.includes('GET /realtime/v1/websocket');
            far.write(chunk);
        });
        far.on('data', (chunk) => {
            if (!pair.isDeaf) {
                near.write(chunk);
            }
        });
        for (const [one, other] of [
            [near, far],
            [far, near],
        ]) {
            one.on('error', () => undefined);
            one.on('close', () => {
                other.destroy();
                pairs.delete(pair);
            });
        }
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const end = () => {
        for (const { near, far } of pairs) {
            near.destroy();
            far.destroy();
        }
    };
    after(() => {
        end();
        server.close();
    });
    return {
        url: `http://127.0.0.1:${server.address().port}`,
        cut() {
            isCut = true;
            end();
        },
        mend() {
            isCut = false;
        },
        /** The live connections hear nothing any more, and are not told. */
        deafen() {
            for (const pair of pairs) {
                pair.isDeaf = pair.isSocket;
            }
        },
        /** Ends the live connections alone. */
        dropSockets() {
            for (const { near, isSocket } of pairs) {
                if (isSocket) {
                    near.destroy();
                }
            }
        },
    };
}

/** What the browser itself says when it cannot reach the server; nothing of the page's. */
export const UNREACHABLE = /net::ERR_|WebSocket connection to/;

export const personIn = (tab, name) => tab.page.getByRole('listitem').filter({ has: tab.page.locator('.person-name', { hasText: name }) });
export const field = (tab) => tab.page.getByRole('textbox', { name: 'Message', exact: true });
export const messageIn = (tab, text) => tab.page.locator('.messages > li', { has: tab.page.locator('.content', { hasText: text }) });

/** Presses a button of a message, which is there while the pointer is over it: when the list moves in between, as it does for a new message, once more. */
export const pressOnMessage = (tab, text, name) =>
    until(async () => {
        const message = messageIn(tab, text);
        await message.hover();
        await message.getByRole('button', { name }).click({ timeout: 2_000 });
    });

/** A page that never asks by itself: its clock stands still, so what it shows of others came with an event. */
export const withoutClock = () => {
    globalThis.Worker = class {
        postMessage() {}
        terminate() {}
    };
};

/** Two people in a room of their own. */
export async function pair(one = {}, two = {}) {
    const ada = await newTab(one);
    const sessionId = await openRoom(ada);
    const ben = await newTab(two);
    await followLink(ben, sessionId);
    return { ada, ben, sessionId };
}
