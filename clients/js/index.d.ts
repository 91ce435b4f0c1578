// The types of a database with Parley's apps in it.

import type { Schema as Domo } from './domo/index.js';
import type { Schema as Echoroom } from './echoroom/index.js';

/** The schemas of all apps, by name. */
export type Apps = { echoroom: Echoroom; domo: Domo };

/** A database with all apps: `createClient<Database>(url, key)`. */
export type Database = Apps;

/**
 * A project's own `Database`, as `supabase gen types` writes it, with some apps, else all of them, typed as this package describes them:
 * `createClient<WithApps<Database, 'echoroom'>>(url, key)`.
 */
export type WithApps<Own, App extends keyof Apps = keyof Apps> = Omit<Own, App> & Pick<Apps, App>;
