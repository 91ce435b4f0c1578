// The types of clients/js as JSON schemas, so that what a database says can be held against them.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { createGenerator } from 'ts-json-schema-generator';
import { root } from './stack.mjs';

/** The schemas of an app's types, by name. Objects allow no field that their type does not have. */
export function schemasOfApp(app) {
    const path = join(root, 'clients/js', app, 'index.d.ts');
    const generator = createGenerator({ path, type: '*', expose: 'export', additionalProperties: false, skipTypeCheck: true });
    return generator.createSchema('*');
}

/** Holds values against the types of an app, and remembers which nullable fields it has seen as null and as a value. */
export class Types {
    #root;
    #ajv = new Ajv({ allErrors: true, strict: false });
    #validators = new Map();
    #seen = new Map();

    constructor(app) {
        this.#root = schemasOfApp(app);
        this.#ajv.addSchema(this.#root, app);
        this.app = app;
    }

    /** The schema behind a reference. */
    resolve(schema) {
        return schema.$ref ? this.resolve(this.#root.definitions[decodeURIComponent(schema.$ref.replace('#/definitions/', ''))]) : schema;
    }

    /** The schema of a type, or of what lies below it: `of('Functions', 'join_room', 'Returns')`. */
    of(name, ...fields) {
        return fields.reduce((schema, field) => {
            const found = this.resolve(schema).properties?.[field];
            assert.ok(found, `clients/js/${this.app} has no ${[name, ...fields].join('.')}`);
            return found;
        }, this.#root.definitions[name]);
    }

    /** Why a value is not of a type; null where it is. */
    misfit(schema, value) {
        const text = JSON.stringify(schema).replaceAll('"#/definitions/', `"${this.app}#/definitions/`);
        let validate = this.#validators.get(text);
        if (!validate) {
            validate = this.#ajv.compile(JSON.parse(text));
            this.#validators.set(text, validate);
        }
        return validate(value) ? null : this.#ajv.errorsText(validate.errors);
    }

    accepts(schema, value) {
        return this.misfit(schema, value) === null;
    }

    /** Asserts that a value is of a type. */
    check(value, name, ...fields) {
        const schema = this.of(name, ...fields);
        const misfit = this.misfit(schema, value);
        assert.equal(misfit, null, `${this.app}.${[name, ...fields].join('.')}: ${misfit}\n${JSON.stringify(value, null, 2)}`);
        this.#see(schema, value, [name, ...fields].join('.'));
    }

    /** Notes which nullable fields are null here and which are not, by the type that they are a field of. */
    #see(schema, value, name) {
        if (schema.$ref) {
            const alias = decodeURIComponent(schema.$ref.replace('#/definitions/', ''));
            this.#see(this.resolve(schema), value, alias.includes('<') ? name : alias);
        } else if (schema.anyOf) {
            const branch = schema.anyOf.find((each) => this.accepts(each, value));
            this.#see(branch, value, branch.properties?.event?.const ?? branch.properties?.table?.const ?? name);
        } else if (Array.isArray(value) && schema.items) {
            value.forEach((each) => this.#see(schema.items, each, name));
        } else if (value !== null && typeof value === 'object') {
            for (const [field, type] of Object.entries(schema.properties ?? {})) {
                if (schema.required?.includes(field) && this.accepts(type, null)) {
                    const key = `${name}.${field}`;
                    this.#seen.set(key, (this.#seen.get(key) ?? new Set()).add(value[field] === null));
                }
                if (value[field] !== undefined) {
                    this.#see(type, value[field], this.resolve(type).type === 'object' ? `${name}.${field}` : name);
                }
            }
        }
    }

    /** The nullable fields that were never seen as null, or never as anything else. */
    halfSeen() {
        return [...this.#seen]
            .filter(([, kinds]) => kinds.size < 2)
            .map(([key, kinds]) => `${key} is ${kinds.has(true) ? 'always' : 'never'} null`)
            .sort();
    }
}
