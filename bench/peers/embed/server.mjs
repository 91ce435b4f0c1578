// The peer of the suite embed: the ingest of a demo's knowledge on the stack of Domo's specification, as a careful developer writes it:
// Node, LangChain's splitter, node-postgres and pgvector's own client; named statements, a pool, a hundred rows an insert, one transaction
// for all that a file gives. The lexical embedder is in lexical.mjs. One process that does nothing else, no log.
//
// BENCH_DATABASE_URL is the database, with schema.sql in the schema bench_embed; BENCH_PROVIDERS is where files and transcripts are.
// Prints its port, and ends when its standard input does.
import { createServer } from 'node:http'
import { createRequire } from 'node:module'

import pg from 'pg'
import pgvector from 'pgvector/pg'

import { embed } from './lexical.mjs'
import { split } from './split.mjs'

const ROWS = 100
const providers = process.env.BENCH_PROVIDERS
const pool = new pg.Pool({
    connectionString: process.env.BENCH_DATABASE_URL,
    options: '-c search_path=bench_embed,extensions',
    application_name: 'parley_bench_peer',
    max: 10,
    idleTimeoutMillis: 0,
})

const ask = async (path, options) => {
    const answer = await fetch(`${providers}${path}`, options)
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`)
    return answer
}

const transcribe = async (path) => {
    const signed = await ask(`/storage/v1/object/sign/demo-videos/${path}`, { method: 'POST', body: '{"expiresIn":3600}' })
    const { signedURL } = await signed.json()
    const form = new FormData()
    form.set('model_id', 'scribe_v2')
    form.set('cloud_storage_url', `${providers}/storage/v1${signedURL}`)
    const answer = await ask('/v1/speech-to-text', { method: 'POST', body: form })
    return answer.json()
}

const download = async (path) => (await ask(`/storage/v1/object/authenticated/demo-documents/${path}`)).text()

// All rows of a batch in one statement.
const insert = async (client, demo, source, contents) => {
    await client.query({
        name: 'insert',
        text: `insert into knowledge_chunks (demo_id, content, source, vector_embedding)
               select $1, c.content, $2, c.embedding::vector from unnest($3::text[], $4::text[]) as c (content, embedding)`,
        values: [demo, source, contents, contents.map((content) => pgvector.toSql(Array.from(embed(content))))],
    })
}

const inTransaction = async (work) => {
    const client = await pool.connect()
    try {
        await client.query('begin')
        const result = await work(client)
        await client.query('commit')
        client.release()
        return result
    } catch (error) {
        client.release(error)
        throw error
    }
}

// Again, it replaces what it found before.
const store = (demo, source, chunks, done) =>
    inTransaction(async (client) => {
        await client.query({ name: 'forget', text: 'delete from knowledge_chunks where demo_id = $1 and source = $2', values: [demo, source] })
        for (let from = 0; from < chunks.length; from += ROWS) await insert(client, demo, source, chunks.slice(from, from + ROWS))
        await done?.(client)
        return { chunks: chunks.length }
    })

const routes = {
    '/video': async ({ demo, path }) => {
        const title = 'Talk'
        const { rows } = await pool.query({
            name: 'video',
            text: `insert into demo_videos (demo_id, title, storage_url, order_index, processing_status)
                   values ($1, $2, $3, 0, 'processing') returning id`,
            values: [demo, title, path],
        })
        const { text, words } = await transcribe(path)
        const duration = Math.max(1, Math.ceil(words.at(-1)?.end ?? 1))
        return store(demo, `Video: ${title}`, await split(text, false), (client) =>
            client.query({
                name: 'watched',
                text: `update demo_videos set processing_status = 'completed', transcript = $2, duration_seconds = $3 where id = $1`,
                values: [rows[0].id, text, duration],
            }),
        )
    },
    '/document': async ({ demo, path }) => store(demo, 'Document: Manual', await split(await download(path), true)),
    '/note': async ({ demo, content }) => {
        await insert(pool, demo, 'Notes', [content])
        return { chunks: 1 }
    },
    '/notes': async ({ demo, contents }) =>
        inTransaction(async (client) => {
            for (let from = 0; from < contents.length; from += ROWS) await insert(client, demo, 'Notes', contents.slice(from, from + ROWS))
            return { chunks: contents.length }
        }),
    // For the proof, and for what computing alone takes.
    '/vectors': async ({ texts }) => texts.map((text) => Array.from(embed(text))),
    '/compute': async ({ text, isMarkdown }) => {
        const chunks = await split(text, isMarkdown)
        for (const chunk of chunks) embed(chunk)
        return { chunks: chunks.length }
    },
}

const read = async (request) => {
    const parts = []
    for await (const part of request) parts.push(part)
    return JSON.parse(Buffer.concat(parts))
}

const server = createServer(async (request, response) => {
    try {
        const answer = await routes[request.url](await read(request))
        response.setHeader('content-type', 'application/json')
        response.end(JSON.stringify(answer))
    } catch (error) {
        console.error(error)
        response.statusCode = 500
        response.end()
    }
})
// Nobody closes what is idle while the others have their turns.
server.keepAliveTimeout = 0

process.stdin.resume().on('end', () => process.exit())
const require = createRequire(import.meta.url)
server.listen(0, '127.0.0.1', () => {
    const { version } = require('./node_modules/@langchain/textsplitters/package.json')
    console.log(
        JSON.stringify({
            port: server.address().port,
            versions: `Node ${process.versions.node}, @langchain/textsplitters ${version}, pg ${require('pg/package.json').version}`,
        }),
    )
})
