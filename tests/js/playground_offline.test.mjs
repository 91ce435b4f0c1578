// What somebody does in a room while the server is away, or slow: kept, shown as waiting, and done or refused in words afterwards.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { row, rows } from './database.mjs';
import { ok, service } from './people.mjs';
import { UNREACHABLE, badge, confirm, messageIn, newWay, pair, personIn, pressOnMessage, say, seated, shows, until } from './playground.mjs';

const idOf = async (sessionId, content) => (await row('select id from echoroom.chat_messages where session_id = $1 and content = $2', [sessionId, content])).id;
const edit = async (tab, text, to) => {
    await pressOnMessage(tab, text, 'Edit');
    await tab.page.getByLabel('Edit your message').fill(to);
    await tab.page.getByRole('button', { name: 'Save' }).click();
};
const react = async (tab, text, emoji) => {
    await pressOnMessage(tab, text, 'React');
    await tab.page.getByRole('button', { name: `React with ${emoji}` }).click();
};
const goOffline = async (tab, way) => {
    way.cut();
    await tab.context.setOffline(true);
    await badge(tab, 'Offline');
};
const comeBack = async (tab, way) => {
    way.mend();
    await tab.context.setOffline(false);
    await badge(tab, 'Connected');
};

for (const [width, height] of [
    [1280, 800],
    [390, 844],
]) {
    test(`${width} wide: edits, deletions, reactions, voice and name of an offline tab wait, survive its reload, and are done once it is back`, async () => {
        const way = await newWay();
        const { ada, ben, sessionId } = await pair({ url: way.url, width, height });
        for (const text of ['to edit', 'to delete', 'to react to']) {
            await say(ada, text);
        }
        await shows(ben, ['to edit', 'to delete', 'to react to']);
        await react(ben, 'to react to', '👋');
        await messageIn(ada, 'to react to').getByRole('button', { name: '👋, 1 person' }).waitFor();

        await goOffline(ada, way);
        await edit(ada, 'to edit', 'edited offline');
        await edit(ada, 'edited offline', 'edited twice');
        await pressOnMessage(ada, 'to delete', 'Delete');
        await confirm(ada, 'Delete');
        await react(ada, 'to react to', '🎉');
        await messageIn(ada, 'to react to').getByRole('button', { name: '👋, 1 person' }).click();
        await ada.page.getByRole('button', { name: 'Muted' }).click();
        await ada.page.getByRole('button', { name: 'Change my name' }).click();
        await ada.page.locator('dialog[open]').getByLabel('Your name').fill('Ada the second');
        await confirm(ada, 'Save');
        // All of it shows as it will be, and as waiting.
        await shows(ada, ['edited twice (edited)', 'to react to']);
        await messageIn(ada, 'edited twice').getByText('Waiting to be sent: edited').waitFor();
        await ada.page.getByText('Waiting to be sent: deleted').waitFor();
        await messageIn(ada, 'to react to').getByText('Waiting to be sent: 🎉, 👋').waitFor();
        await personIn(ada, 'Ada the second').getByText('muted').waitFor({ state: 'attached' });
        await shows(ben, ['to edit', 'to delete', 'to react to']);

        // The tab is reloaded where it can be, and reaches nothing that changes something.
        const changing = /rpc\/(edit_message|delete_message|add_reaction|remove_reaction|set_voice_status|update_participant)/;
        await ada.page.route(changing, (route) => route.abort());
        way.mend();
        await ada.context.setOffline(false);
        await ada.page.reload();
        await seated(ada);
        await shows(ada, ['edited twice (edited)', 'to react to']);
        await shows(ben, ['to edit', 'to delete', 'to react to']);

        await ada.page.unroute(changing);
        await shows(ben, ['edited twice (edited)', 'to react to']);
        await messageIn(ben, 'to react to').getByRole('button', { name: '👋, 2 people' }).waitFor();
        await messageIn(ben, 'to react to').getByRole('button', { name: '🎉, 1 person' }).waitFor();
        await personIn(ben, 'Ada the second').getByText('muted').waitFor();
        await until(async () => assert.equal(await ada.page.locator('.waiting-mark').count(), 0));
        const [seat] = await rows('select user_name, is_muted from echoroom.participants where user_id = $1', [ada.userId]);
        assert.deepEqual(seat, { user_name: 'Ada the second', is_muted: true });
        assert.equal((await rows('select from echoroom.chat_messages where session_id = $1 and deleted_at is null', [sessionId])).length, 2);
        ada.checkQuiet(UNREACHABLE);
        ben.checkQuiet();
        await Promise.all([ada.close(), ben.close()]);
    });
}

test('what turns out to be refused is said in words at its message, and the text is kept', async () => {
    const way = await newWay();
    const { ada, ben, sessionId } = await pair({ url: way.url });
    await say(ada, 'mine');
    await shows(ben, ['mine']);
    await say(ben, 'yours');
    await shows(ada, ['mine', 'yours']);
    const yours = await idOf(sessionId, 'yours');
    await goOffline(ada, way);
    await edit(ada, 'mine', 'mine, with a long thought');
    await react(ada, 'yours', '🎉');
    await ok(service().rpc('delete_message', { message_id: yours }));
    await rows('update echoroom.sessions set is_active = false where id = $1', [sessionId]);
    await comeBack(ada, way);
    await ada.page.locator('.refusal', { hasText: 'Not changed. This room is closed: nothing more can be written here.' }).waitFor();
    await ada.page.locator('.refused-text', { hasText: 'mine, with a long thought' }).waitFor();
    await ada.page.locator('.refusal', { hasText: '🎉 was not added.' }).waitFor();
    // A reload does not lose what was written, and throwing it away is a question.
    await rows('update echoroom.sessions set is_active = true where id = $1', [sessionId]);
    await ada.page.reload();
    await seated(ada);
    const kept = ada.page.locator('.refusal', { hasText: 'mine, with a long thought' });
    await kept.getByRole('button', { name: 'Discard' }).click();
    await confirm(ada, 'Keep');
    await kept.getByRole('button', { name: 'Try again' }).click();
    await messageIn(ben, 'mine, with a long thought').waitFor();
    await until(async () => assert.equal(await kept.count(), 0));
    ada.checkQuiet(new RegExp(`${UNREACHABLE.source}|status of 4(04|10)`));
    await Promise.all([ada.close(), ben.close()]);
});

test('a removal that is asked for offline waits and is done; a call with an avatar is not kept, and says so', async () => {
    const way = await newWay();
    const { ada, ben } = await pair({ url: way.url });
    await goOffline(ada, way);
    await ada.page.getByRole('button', { name: 'Bring an avatar' }).click();
    await ada.page.getByRole('alert').filter({ hasText: 'Not done: the server cannot be reached.' }).waitFor();
    await ada.page.getByRole('button', { name: 'Remove Ben' }).click();
    await confirm(ada, 'Remove');
    await personIn(ada, 'Ben').getByText('being removed…').waitFor();
    // Who leaves with something that waits is asked.
    await ada.page.getByRole('button', { name: 'Leave' }).click();
    await ada.page.getByRole('dialog', { name: 'Leave before all is sent?' }).waitFor();
    await confirm(ada, 'Stay');
    await comeBack(ada, way);
    await ben.page.getByRole('heading', { name: 'You are out of this room' }).waitFor();
    await ada.page.getByRole('button', { name: 'Let Ben back in' }).waitFor();
    ada.checkQuiet(UNREACHABLE);
    await Promise.all([ada.close(), ben.close()]);
});

test('a seat that is asked for while the server is away is taken when it is back, unless one does not wait for it', async () => {
    const way = await newWay();
    const { ada, ben } = await pair({ url: way.url });
    await ada.page.getByRole('button', { name: 'Leave' }).click();
    await ada.page.getByRole('button', { name: /^Calm/ }).waitFor();
    way.cut();
    await ada.page.getByLabel('Mood', { exact: true }).fill(`Playground ${crypto.randomUUID()}`);
    await ada.page.getByRole('button', { name: 'Open a room' }).click();
    await ada.page.getByText('You get a seat as soon as it is possible.').waitFor();
    await ada.page.getByRole('button', { name: 'Do not wait' }).click();
    await ada.page.getByText('You get a seat as soon as it is possible.').waitFor({ state: 'detached' });
    await ada.page.getByRole('button', { name: 'Open a room' }).click();
    await ada.page.getByText('You get a seat as soon as it is possible.').waitFor();
    way.mend();
    await seated(ada);
    ada.checkQuiet(UNREACHABLE);
    await Promise.all([ada.close(), ben.close()]);
});

test('over a slow network what one does shows at once and as not done yet, and what is done meanwhile comes in order', async () => {
    const { ada, ben } = await pair();
    await say(ada, 'one');
    await shows(ben, ['one']);
    const session = await ada.context.newCDPSession(ada.page);
    await session.send('Network.emulateNetworkConditions', { offline: false, latency: 1_500, downloadThroughput: 20_000, uploadThroughput: 20_000 });
    await edit(ada, 'one', 'two');
    await shows(ada, ['two (edited)']);
    await react(ada, 'two', '🎉');
    await messageIn(ada, 'two').locator('.reaction.waits').waitFor();
    assert.equal(await messageIn(ada, 'two').evaluate((item) => item.classList.contains('waits')), true);
    await edit(ada, 'two', 'three');
    await shows(ben, ['three (edited)']);
    await messageIn(ben, 'three').getByRole('button', { name: '🎉, 1 person' }).waitFor();
    await until(async () => assert.equal(await ada.page.locator('.waits').count(), 0));
    await shows(ada, ['three (edited)']);
    ada.checkQuiet();
    await Promise.all([ada.close(), ben.close()]);
});
