// Whose demos are: a browser's, over all its tabs, or an account's; and what their owner changes, deletes, brings back and erases.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { row, rows } from './database.mjs';
import { lastMessageTo } from './mailbox.mjs';
import { ok, service, someEmail } from './people.mjs';
import { badge, checkAccessible, confirm, newTab, picture, until, visit } from './playground.mjs';

const button = (tab, name) => tab.page.getByRole('button', { name, exact: true });
const card = (tab, name) => tab.page.getByRole('list', { name: 'Your demos' }).getByRole('link', { name: new RegExp(name) });
const dialog = (tab) => tab.page.locator('dialog[open]');
const heading = (tab, name) => tab.page.getByRole('heading', { name, level: 1 }).waitFor();

async function createDemo(tab, name) {
    await tab.page.getByLabel('Name', { exact: true }).fill(name);
    await button(tab, 'Create the demo').click();
    await heading(tab, name);
    return tab.page.url().split('/').at(-1);
}

async function signIn(tab, email, password) {
    await button(tab, 'Sign in').click();
    await dialog(tab).getByLabel('E-mail').fill(email);
    await dialog(tab).getByLabel('Password').fill(password);
    await dialog(tab).getByRole('button', { name: 'Sign in', exact: true }).click();
}

const password = 'correct horse battery';

test('demos survive their tab without an account, and all tabs of the browser show them; a room still makes each tab somebody else', async () => {
    const tab = await newTab();
    await visit(tab, '#/domo');
    const id = await createDemo(tab, 'Kept in the browser');
    await tab.page.close();
    const page = await tab.context.newPage();
    await page.goto(`${tab.url}/#/domo`);
    await page.getByRole('link', { name: /Kept in the browser/ }).click();
    await page.getByRole('heading', { name: 'Kept in the browser', level: 1 }).waitFor();
    assert.ok(page.url().endsWith(id));
    const [inRooms, again] = await Promise.all(
        [0, 1].map(async () => {
            const other = { ...tab, page: await tab.context.newPage() };
            await visit(other);
            return other.userId;
        }),
    );
    assert.equal(new Set([inRooms, again, tab.userId]).size, 3);
    assert.equal((await rows('select from domo.demos where user_id = $1', [tab.userId])).length, 1);
    tab.checkQuiet();
    await tab.close();
});

test('an address makes an account of it, under the same id; elsewhere one signs in with a password or a code and finds the demos', async () => {
    const email = someEmail();
    const tab = await newTab({ width: 390, height: 844 });
    await visit(tab, '#/domo');
    await createDemo(tab, 'Mine everywhere');
    await button(tab, 'All demos').click();
    await checkAccessible(tab, 'a list without an account');
    await button(tab, 'Keep them with an e-mail').click();
    await checkAccessible(tab, 'the way to an account');
    await picture(tab, 'domo-keep-phone-light');
    await dialog(tab).getByLabel('E-mail').fill(email);
    await dialog(tab).getByLabel('Password').fill('short');
    await dialog(tab).getByRole('button', { name: 'Keep them' }).click();
    await dialog(tab).getByRole('alert').getByText('This password is too short or too simple.').waitFor();
    await dialog(tab).getByLabel('Password').fill(password);
    await dialog(tab).getByRole('button', { name: 'Keep them' }).click();
    await tab.page.getByText(`Signed in as ${email}.`).waitFor();
    assert.deepEqual(await row('select id, is_anonymous from auth.users where email = $1', [email]), { id: tab.userId, is_anonymous: false });
    await card(tab, 'Mine everywhere').waitFor();

    // Who signs in with demos of no account is asked first.
    const other = await newTab();
    await visit(other, '#/domo');
    await createDemo(other, 'Left behind');
    await button(other, 'All demos').click();
    await card(other, 'Left behind').waitFor();
    await button(other, 'Sign in').click();
    await dialog(other).getByText('There is one demo here without an account.').waitFor();
    await confirm(other, 'Sign in anyway');
    await dialog(other).getByLabel('E-mail').fill(email);
    await dialog(other).getByLabel('Password').fill('wrong horse battery');
    await dialog(other).getByRole('button', { name: 'Sign in', exact: true }).click();
    await dialog(other).getByText('There is no account with this address and password.').waitFor();
    // Nothing that was written is gone.
    assert.equal(await dialog(other).getByLabel('E-mail').inputValue(), email);
    await dialog(other).getByLabel('Password').fill(password);
    await other.page.keyboard.press('Enter');
    await card(other, 'Mine everywhere').waitFor();
    await other.page.reload();
    await card(other, 'Mine everywhere').waitFor();

    // Signed out, the browser begins anew; a code opens the account again.
    await button(other, 'Sign out').click();
    await confirm(other, 'Sign out');
    await other.page.getByText('There is none yet.').waitFor();
    await button(other, 'Sign in').click();
    await dialog(other).getByLabel('E-mail').fill(someEmail());
    await button(other, 'Send me a code instead').click();
    await dialog(other).getByText('There is no account with this address.').waitFor();
    await dialog(other).getByLabel('E-mail').fill(email);
    await button(other, 'Send me a code instead').click();
    await dialog(other).getByRole('link', { name: '/_mail in a new tab' }).waitFor();
    const code = await until(async () => (await lastMessageTo(email)).code);
    await dialog(other).getByLabel('Code').fill(code);
    await other.page.keyboard.press('Enter');
    await card(other, 'Mine everywhere').waitFor();
    other.checkQuiet(/status of 4(00|22)/);
    tab.checkQuiet(/status of 422/);
    await Promise.all([tab.close(), other.close()]);
});

test('another tab of the browser follows a sign-in, and a session that was ended elsewhere says whose it was', async () => {
    const email = someEmail();
    const { id } = (await service().client.auth.admin.createUser({ email, password, email_confirm: true })).data.user;
    const tab = await newTab();
    await visit(tab, '#/domo');
    const second = { ...tab, page: await tab.context.newPage() };
    await second.page.goto(`${tab.url}/#/domo`);
    await second.page.getByText('There is none yet.').waitFor();
    await signIn(tab, email, password);
    await tab.page.getByText(`Signed in as ${email}.`).waitFor();
    await second.page.getByText(`Signed in as ${email}.`).waitFor();
    await rows('delete from auth.sessions where user_id = $1', [id]);
    await tab.page.reload();
    await tab.page.getByText(`You are not signed in as ${email} any more.`).waitFor();
    await rows('delete from auth.users where id = $1', [id]);
    await tab.close();
});

test('a demo is edited, deleted after a question, brought back, and erased with its files', async () => {
    const tab = await newTab();
    await visit(tab, '#/domo');
    const id = await createDemo(tab, 'Our can');
    await badge(tab, 'Connected');
    await button(tab, 'Edit').click();
    await checkAccessible(tab, 'the fields of a demo');
    await dialog(tab).getByLabel('Name of the demo').fill('Our watering can');
    await dialog(tab).getByLabel('Call to action').first().fill('Buy it');
    await dialog(tab).getByLabel('Link of the call to action').fill('javascript:alert(1)');
    // Escape does not throw away what was written.
    await tab.page.keyboard.press('Escape');
    await dialog(tab).getByRole('button', { name: 'Save' }).click();
    const refused = tab.page.locator('.refusal', { hasText: 'Not changed. The link of a call to action begins with https://' });
    await refused.waitFor();
    await refused.getByText('Our watering can').waitFor();
    await heading(tab, 'Our can');
    await refused.getByRole('button', { name: 'Discard' }).click();
    await button(tab, 'Edit').click();
    await dialog(tab).getByLabel('Name of the demo').fill('Our watering can');
    await dialog(tab).getByLabel('How it greets').fill('Good morning!');
    await dialog(tab).getByRole('button', { name: 'Save' }).click();
    await heading(tab, 'Our watering can');
    await until(async () => {
        const stored = await row('select name, agent_greeting, cta_link from domo.demos where id = $1', [id]);
        assert.deepEqual(stored, { name: 'Our watering can', agent_greeting: 'Good morning!', cta_link: null });
    });

    await tab.page.getByLabel('Add a document').setInputFiles({ name: 'notes.md', mimeType: 'text/markdown', buffer: Buffer.from('# Notes\n\nIt holds 9 litres.\n') });
    await tab.page.getByText('Document · done').waitFor();
    await button(tab, 'Delete').click();
    await confirm(tab, 'Keep');
    await heading(tab, 'Our watering can');
    await button(tab, 'Delete').click();
    await confirm(tab, 'Delete');
    await heading(tab, 'Your demos');
    await tab.page.getByText('“Our watering can” is deleted.').waitFor();
    await until(async () => assert.equal(await card(tab, 'Our watering can').count(), 0));
    await button(tab, 'Bring it back').click();
    await card(tab, 'Our watering can').waitFor();
    await card(tab, 'Our watering can').click();
    await button(tab, 'Delete').click();
    await confirm(tab, 'Delete');
    await tab.page.getByText('Deleted demos (1)').click();
    await checkAccessible(tab, 'deleted demos');
    await button(tab, 'Erase Our watering can').click();
    await confirm(tab, 'Erase');
    await tab.page.getByText('Deleted demos (1)').waitFor({ state: 'detached' });
    await until(async () => assert.equal(await row('select id from domo.demos where id = $1', [id]), undefined));
    assert.deepEqual(await rows('select name from storage.objects where name like $1', [`${id}/%`]), []);
    tab.checkQuiet(/status of 400/);
    await tab.close();
});

test('the link to a demo that is not there says so and leads to a sign-in', async () => {
    const email = someEmail();
    const { client } = service();
    const owner = (await client.auth.admin.createUser({ email, password, email_confirm: true })).data.user;
    const [{ id }] = await ok(client.schema('domo').from('demos').insert({ name: 'By link', user_id: owner.id }).select('id'));
    const tab = await newTab();
    await visit(tab, `#/domo/${randomUUID()}`);
    await heading(tab, 'This demo is not there');
    await badge(tab, 'Connected');
    await tab.page.goto(`${tab.url}/#/domo/${id}`);
    await heading(tab, 'This demo is not there');
    await signIn(tab, email, password);
    await heading(tab, 'By link');
    await rows('delete from auth.users where id = $1', [owner.id]);
    await tab.close();
});
