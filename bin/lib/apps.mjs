// The apps that there are, and which migrations are whose.

import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '../..');

/** The list of apps: name, schema, title, what it is, and the settings of `config.toml` that it needs. */
export const apps = JSON.parse(readFileSync(join(root, 'tests/apps.json'), 'utf8'));

/** The schemas that clients see. */
export const schemas = apps.map(({ schema }) => schema);

const KERNEL = 'parley';
const families = [KERNEL, ...schemas];
const isMigration = (file) => /^\d+_\w+\.sql$/.test(file);

/** Whose a migration is: the kernel's (`parley`), an app's schema, or undefined. `<stamp>_<family>_<concern>.sql` */
export const familyOf = (file) => families.find((family) => file.replace(/^\d+_/, '').startsWith(`${family}_`));

/** Every migration, in order. */
export const migrations = readdirSync(join(root, 'migrations')).filter(isMigration).sort();

/** The kernel's and some apps' migrations, in order. */
export const migrationsOf = (wanted) => migrations.filter((file) => [KERNEL, ...wanted].includes(familyOf(file)));
