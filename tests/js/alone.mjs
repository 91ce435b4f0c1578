// An app alone: a new database in the same cluster with as much of Supabase as the apps' migrations name, the kernel, and the apps asked for.

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { migrationsOf } from '../../bin/lib/apps.mjs';
import { admin, database } from './database.mjs';
import { expectedKernel, root, stack } from './stack.mjs';

const folder = join(root, 'migrations');

const contract = `
    create schema auth;
    create schema realtime;
    create schema storage;
    create schema if not exists extensions;
    create table auth.users (
        id uuid primary key, email text, role text, aud text, is_anonymous boolean not null default true, raw_user_meta_data jsonb, created_at timestamptz,
        updated_at timestamptz, last_sign_in_at timestamptz
    );
    create table auth.sessions (id uuid primary key, user_id uuid, created_at timestamptz, updated_at timestamptz, refreshed_at timestamp);
    create index on auth.sessions (user_id);
    create function auth.uid() returns uuid language sql stable as
        $$ select nullif(nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub', '')::uuid $$;
    create function auth.role() returns text language sql stable as
        $$ select nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role' $$;
    create function auth.jwt() returns jsonb language sql stable as $$ select nullif(current_setting('request.jwt.claims', true), '')::jsonb $$;
    create table realtime.messages (topic text not null, extension text not null, payload jsonb, event text, private boolean default false);
    create function realtime.topic() returns text language sql stable as $$ select current_setting('realtime.topic', true) $$;
    create table storage.buckets (id text primary key, name text not null, public boolean, file_size_limit bigint, allowed_mime_types text[]);
    create table storage.objects (id uuid primary key default gen_random_uuid(), bucket_id text references storage.buckets, name text, metadata jsonb, version text);
    create function storage.foldername(name text) returns text[] language sql immutable as
        $$ select (string_to_array(name, '/'))[1:cardinality(string_to_array(name, '/')) - 1] $$;
    grant usage on schema auth, realtime, storage, extensions to anon, authenticated, service_role`;

function urlOf(url, name) {
    const changed = new URL(url);
    changed.pathname = `/${name}`;
    return changed.toString();
}

/** Runs `work` with the addresses of a new, empty database, as role postgres and as a superuser; the database is dropped afterwards. */
export async function inEmptyDatabase(work) {
    const name = `alone_${randomUUID().replaceAll('-', '')}`;
    await database.query(`create database ${name} template template0`);
    try {
        return await work({ url: urlOf(stack.dbUrl, name), adminUrl: urlOf(stack.adminDbUrl, name), name });
    } finally {
        await admin.query(`drop database ${name} with (force)`);
    }
}

/** Runs `work` with a client at an address. */
export async function connected(connectionString, work) {
    const client = new pg.Client({ connectionString });
    await client.connect();
    try {
        return await work(client);
    } finally {
        await client.end();
    }
}

/**
 * Runs `work` with a client of role postgres in a new database that holds the kernel and some apps, and with the addresses of the database,
 * which is dropped afterwards. Where an app is not the first of its family's needs, the error is that of the migration.
 */
export async function inDatabaseWith(wanted, work) {
    return inEmptyDatabase(async (addresses) => {
        await connected(addresses.adminUrl, async (superuser) => {
            // What a plain Postgres reserves for superusers and Supabase does not.
            await superuser.query('create schema extensions; create extension if not exists vector with schema extensions; grant usage on schema extensions to postgres');
            await superuser.query(`alter database ${addresses.name} set parley.kernel = '${expectedKernel}'; alter schema extensions owner to postgres`);
        });
        return connected(addresses.url, async (client) => {
            await client.query(contract);
            for (const file of migrationsOf(wanted)) {
                await client.query(readFileSync(join(folder, file), 'utf8')).catch((error) => {
                    throw new Error(`${file}: ${error.message}`, { cause: error });
                });
            }
            return work(client, addresses);
        });
    });
}
