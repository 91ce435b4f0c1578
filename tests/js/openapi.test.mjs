// The description of the worker's routes is one that tools take, and comes by the gateway, too: refusals point to it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { stack } from './stack.mjs';

const methods = ['get', 'put', 'post', 'delete', 'patch', 'head', 'options', 'trace'];

test('the description is valid, whole, and the same by the gateway', async () => {
    const answer = await fetch(`${stack.url}/openapi.json`);
    assert.equal(answer.status, 200);
    const description = await answer.json();
    assert.deepEqual(description, await (await fetch(`${stack.workerUrl}/openapi.json`)).json());

    // Checked against the schema of the version that it names.
    const { valid, errors } = await new Validator().validate(structuredClone(description));
    assert.ok(valid, JSON.stringify(errors, null, 2));

    // What the schema alone does not see.
    assert.deepEqual(description.servers.map(({ url }) => url), ['/']);
    const operations = Object.entries(description.paths).flatMap(([path, item]) =>
        methods.filter((method) => item[method]).map((method) => ({ name: `${method} ${path}`, ...item[method] })),
    );
    assert.ok(operations.length > 20, `${operations.length} operations`);
    const ids = operations.map(({ operationId }) => operationId);
    assert.equal(new Set(ids).size, ids.length, `an operationId stands twice: ${ids}`);
    const schemes = Object.keys(description.components.securitySchemes);
    for (const { name, responses, security, summary } of operations) {
        assert.ok(summary, `${name} has no summary`);
        assert.ok(Array.isArray(security), `${name} does not say who may call it`);
        for (const scheme of security.flatMap(Object.keys)) {
            assert.ok(schemes.includes(scheme), `${name}: ${scheme} is not described`);
        }
        for (const [status, { description: words }] of Object.entries(responses)) {
            assert.ok(words, `${name} ${status} is not described`);
        }
    }
});
