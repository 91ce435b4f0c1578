// The command bin/apps: a Supabase project takes an app.

import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { apps, familyOf, migrations, migrationsOf, root } from './apps.mjs';

const page = join(root, 'docs/own-project.md');
const stampOf = (file) => file.split('_', 1)[0];

/** What is in the way of an app. Its message is for people. */
class InTheWay extends Error {}

/** The `[section]` of a config.toml, as lines of text. Enough of TOML for the few settings that are looked for here. */
function sectionOf(config, name) {
    const sections = config.replace(/^\s*#.*$/gm, '').split(/^\s*\[(?=[\w.]+\]\s*$)/m);
    return sections.find((section) => section.startsWith(`${name}]`)) ?? '';
}

/** The schemas that a project's API serves; the CLI's default where it does not say. */
function schemasOf(config) {
    const list = sectionOf(config, 'api').match(/^\s*schemas\s*=\s*\[([^\]]*)\]/m)?.[1];
    return list === undefined ? ['public', 'graphql_public'] : [...list.matchAll(/"([^"]+)"|'([^']+)'/g)].map(([, a, b]) => a ?? b);
}

/** The migrations of a project; its config.toml says that it is one. */
function projectAt(folder) {
    try {
        const config = readFileSync(join(folder, 'supabase/config.toml'), 'utf8');
        const path = join(folder, 'supabase/migrations');
        const files = existsSync(path) ? readdirSync(path) : [];
        return { config, path, files: files.filter((file) => /^\d+_.*\.sql$/.test(file)).sort() };
    } catch (error) {
        if (error.code === 'ENOENT' || error.code === 'ENOTDIR') {
            throw new InTheWay(`${folder} is no Supabase project: it has no supabase/config.toml. Make it one with: supabase init`);
        }
        throw error;
    }
}

const list = (files) => files.map((file) => `  ${file}\n`).join('');

/** Throws where the files that are there and those that would come do not fit together. */
function checkFit(wanted, { path, files }) {
    const content = (folder, file) => readFileSync(join(folder, file), 'utf8');
    const changed = wanted.filter((file) => files.includes(file) && content(path, file) !== content(join(root, 'migrations'), file));
    if (changed.length > 0) {
        throw new InTheWay(
            `these migrations are there with another content, from another version of Parley or changed since:\n${list(changed)}` +
                'A database that has applied them does not become this version by new files: take the version of Parley that they come from.',
        );
    }
    const ofOurs = files.filter((file) => !migrations.includes(file) && familyOf(file));
    const unknown = ofOurs.filter((file) => wanted.some((ours) => familyOf(ours) === familyOf(file)));
    if (unknown.length > 0) {
        throw new InTheWay(`these migrations come from another version of Parley, which this one does not know:\n${list(unknown)}Take that version, or a newer one.`);
    }
    const stamps = new Map(wanted.map((file) => [stampOf(file), file]));
    const taken = files.filter((file) => stamps.has(stampOf(file)) && stamps.get(stampOf(file)) !== file);
    if (taken.length > 0) {
        throw new InTheWay(`these migrations have stamps that Parley's need:\n${list(taken)}Give them other stamps (and the databases that have applied them: supabase migration repair).`);
    }
}

/**
 * Copies the migrations of an app, and of the kernel below it, to a project: those that are not there yet, with their stamps. Says which, and
 * whether some sort before what was there. Nothing is copied where something is in the way.
 */
function addApp(name, folder) {
    const app = apps.find((each) => each.name === name);
    if (!app) {
        throw new InTheWay(`there is no app ${name}; there are: ${apps.map((each) => each.name).join(', ')}`);
    }
    const project = projectAt(resolve(folder));
    const wanted = migrationsOf([app.schema]);
    checkFit(wanted, project);
    const copied = wanted.filter((file) => !project.files.includes(file));
    mkdirSync(project.path, { recursive: true });
    for (const file of copied) {
        copyFileSync(join(root, 'migrations', file), join(project.path, file));
    }
    const newest = project.files.at(-1);
    return { app, copied, config: project.config, isLate: copied.some((file) => newest !== undefined && file < newest) };
}

/** The settings of an app that a config.toml does not have, as lines of TOML. */
function missingSettings({ schema, settings }, config) {
    const served = schemasOf(config);
    const missing = served.includes(schema) ? [] : ['[api]', `schemas = ${JSON.stringify([...served, schema]).replaceAll(',', ', ')}`];
    for (const [section, values] of Object.entries(settings)) {
        const lines = Object.entries(values)
            .map(([key, value]) => `${key} = ${JSON.stringify(value)}`)
            .filter((line) => !sectionOf(config, section).split('\n').some((each) => each.trim().replace(/\s*#.*$/, '') === line));
        missing.push(...(lines.length > 0 ? [`[${section}]`, ...lines] : []));
    }
    return missing;
}

const numbered = (steps) => steps.flatMap(([first, ...more], index) => [`${index + 1}. ${first}`, ...more.map((line) => `   ${line}`)]).join('\n');

/** What an app's arrival leaves to do; where it was there already, what it still wants of config.toml. */
function whatRemains({ app, copied, config, isLate }, folder) {
    const settings = missingSettings(app, config);
    const steps = [];
    if (settings.length > 0) {
        steps.push(['supabase/config.toml: let these lines say', ...settings.map((line) => `  ${line}`), `and the same in the dashboard of a hosted project (${page}).`]);
    }
    if (copied.length === 0) {
        return numbered(steps);
    }
    steps.push([`Apply the migrations, in ${folder}:`, `  supabase db push --remote --yes${isLate ? ' --include-all' : ''}`]);
    steps.push(['Types for supabase-js:', `  npm install ${join(root, 'clients/js')}`, `  import type { WithApps } from '@parley/client'`]);
    steps.push([`Calls, files and upkeep are the work of the worker: ${page} says how to start it.`]);
    return numbered(steps);
}

const usage = `bin/apps: Parley's apps in a Supabase project of your own

  bin/apps list                   the apps that there are
  bin/apps add <app> <folder>     copies an app's migrations to the project in a folder; again: those that are new

docs/own-project.md tells the rest.`;

/** The command; its exit code. */
function main([command, ...words]) {
    if (['--help', '-h', 'help'].includes(command)) {
        console.log(usage);
        return 0;
    }
    if (command === 'list' && words.length === 0) {
        apps.forEach(({ name, summary }) => console.log(`${name.padEnd(16)}${summary}`));
        return 0;
    }
    if (command !== 'add' || words.length !== 2) {
        console.error(usage);
        return 2;
    }
    const [name, folder] = words;
    try {
        const added = addApp(name, folder);
        const { app, copied } = added;
        const remains = whatRemains(added, folder);
        console.log(
            copied.length === 0
                ? `${app.title} is in ${folder} already, as it is here.`
                : `${app.title}: ${copied.length} ${copied.length === 1 ? 'migration' : 'migrations'} copied to ${join(folder, 'supabase/migrations')}.`,
        );
        if (remains) {
            console.log(`What remains to do:\n${remains}`);
        }
        return 0;
    } catch (error) {
        if (!(error instanceof InTheWay)) {
            throw error;
        }
        console.error(`apps: ${error.message}`);
        return 1;
    }
}

process.exitCode = main(process.argv.slice(2));
