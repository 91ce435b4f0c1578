// The columns of an app's tables as the Supabase CLI reads them from a database, in the form in which clients/js keeps them.
//
//   node tests/js/client_tables.mjs      writes clients/js/<app>/tables.d.ts anew, from the stack of stack.mjs

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import { apps } from '../../bin/lib/apps.mjs';
import { root, stack } from './stack.mjs';

const header = `// Made by tests/js/client_tables.mjs from what the Supabase CLI finds in the database. Do not edit.

import type { Json } from '../schema.js';

`;

export const fileOf = (schema) => join(root, 'clients/js', schema, 'tables.d.ts');

/** What `supabase gen types typescript` says of some schemas. */
export async function generatedTypes(schemas, dbUrl = stack.dbUrl) {
    // Over a connection without TLS, unless the address asks for it, the answer begins with a notice.
    const address = new URL(dbUrl);
    address.searchParams.set('sslmode', 'disable');
    const home = mkdtempSync(join(tmpdir(), 'parley-types-'));
    try {
        const kept = Object.entries(process.env).filter(([name]) => !/^(SUPABASE_|PG)/.test(name));
        const { stdout } = await promisify(execFile)(
            join(root, 'tests/js/node_modules/.bin/supabase'),
            ['gen', 'types', 'typescript', '--agent', 'no', `--remote=${address}`, '--schema', schemas.join(',')],
            { cwd: home, env: { ...Object.fromEntries(kept), HOME: home, SUPABASE_TELEMETRY_DISABLED: '1' }, maxBuffer: 16 * 1024 * 1024 },
        );
        return stdout;
    } finally {
        rmSync(home, { recursive: true, force: true });
    }
}

/** A member of a type literal, by name. */
function member(type, name) {
    const found = type.members.find((each) => each.name?.text === name);
    if (!found) {
        throw new Error(`the CLI's types have no ${name}`);
    }
    return found.type;
}

/** The text of `tables.d.ts` of one schema. */
export async function tablesOf(schema) {
    const source = ts.createSourceFile('generated.ts', await generatedTypes([schema]), ts.ScriptTarget.Latest);
    const database = source.statements.find((each) => ts.isTypeAliasDeclaration(each) && each.name.text === 'Database');
    const tables = member(member(database.type, schema), 'Tables');
    const alias = ts.factory.createTypeAliasDeclaration([ts.factory.createToken(ts.SyntaxKind.ExportKeyword)], 'GeneratedTables', undefined, tables);
    return `${header}${ts.createPrinter().printNode(ts.EmitHint.Unspecified, alias, source)}\n`;
}

if (process.argv[1] === import.meta.filename) {
    for (const { schema } of apps) {
        writeFileSync(fileOf(schema), await tablesOf(schema));
    }
}
