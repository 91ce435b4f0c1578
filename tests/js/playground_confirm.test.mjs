// The way to an account where addresses are confirmed first, as hosted projects have it: a stack of this test's own, with that setting.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startStack } from './own_stack.mjs';
import { newTab, until } from './playground.mjs';
import { someEmail } from './people.mjs';
import { root } from './stack.mjs';

const folder = mkdtempSync(join(tmpdir(), 'parley-confirm-'));
const button = (tab, name) => tab.page.getByRole('button', { name, exact: true });

function makeProject() {
    const project = join(folder, 'project');
    mkdirSync(join(project, 'supabase'), { recursive: true });
    // The page and the migrations are those of the repository.
    symlinkSync(join(root, 'local_stack'), join(project, 'local_stack'));
    symlinkSync(join(root, 'migrations'), join(project, 'supabase/migrations'));
    const config = readFileSync(join(root, 'supabase/config.toml'), 'utf8');
    writeFileSync(join(project, 'supabase/config.toml'), `${config}\n[auth.email]\nenable_confirmations = true\n`);
    return project;
}

test('where an address has to be confirmed, the code of its mail makes the account, and the password counts from then on', async (t) => {
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const stack = await startStack(makeProject(), join(folder, 'data'), {
        PARLEY_API_PORT: '0',
        PARLEY_DB_PORT: '0',
        PARLEY_WORKER_PORT: '0',
        PARLEY_KERNEL: 'portable',
    });
    t.after(() => stack.stop());
    const { url } = stack.connection;
    const email = someEmail();
    const tab = await newTab({ url });
    const { page } = tab;
    const dialog = page.locator('dialog[open]');
    await page.goto(`${url}/#/domo`);
    await page.getByLabel('Name', { exact: true }).fill('To be kept');
    await button(tab, 'Create the demo').click();
    await page.getByRole('heading', { name: 'To be kept', level: 1 }).waitFor();
    await button(tab, 'All demos').click();
    await button(tab, 'Keep them with an e-mail').click();
    await dialog.getByLabel('E-mail').fill(email);
    await dialog.getByLabel('Password').fill('correct horse battery');
    await dialog.getByRole('button', { name: 'Keep them' }).click();
    await dialog.getByText(`A code was sent to ${email}.`).waitFor();
    await dialog.getByLabel('Code').fill('000000');
    await dialog.getByRole('button', { name: 'Confirm' }).click();
    await dialog.getByText('This is not the code, or it is too old.').waitFor();
    const code = await until(async () => {
        const response = await fetch(`${url}/_mail/messages?to=${encodeURIComponent(email)}`);
        const { messages } = await response.json();
        assert.ok(messages[0]?.code);
        return messages[0].code;
    });
    await dialog.getByLabel('Code').fill(code);
    await page.keyboard.press('Enter');
    await page.getByText(`Signed in as ${email}.`).waitFor();
    await page.getByRole('link', { name: /To be kept/ }).waitFor();

    const elsewhere = await newTab({ url });
    await elsewhere.page.goto(`${url}/#/domo`);
    await button(elsewhere, 'Sign in').click();
    await elsewhere.page.locator('dialog[open]').getByLabel('E-mail').fill(email);
    await elsewhere.page.locator('dialog[open]').getByLabel('Password').fill('correct horse battery');
    await elsewhere.page.keyboard.press('Enter');
    await elsewhere.page.getByRole('link', { name: /To be kept/ }).waitFor();
    elsewhere.checkQuiet();
    tab.checkQuiet(/status of 403/);
    await Promise.all([tab.close(), elsewhere.close()]);
});
