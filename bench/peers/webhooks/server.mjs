// The peer of the suite webhooks: a receiver of Tavus' callbacks on the stack that EchoRoom's specification prescribes, Node, Express and
// Postgres, as a careful developer writes it: the raw body with a limit, the token compared in constant time, a pool, named statements,
// one transaction that claims, keeps and applies the event, and 200 only after its commit. One process that does nothing else, no log.
//
// BENCH_DATABASE_URL is the database, with schema.sql in the schema bench_webhooks; BENCH_SECRET signs the tokens; BENCH_CONNECTIONS is
// the size of the pool. Prints its port, and ends when its standard input does.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'

import express from 'express'
import pg from 'pg'

const secret = process.env.BENCH_SECRET
const pool = new pg.Pool({
    connectionString: process.env.BENCH_DATABASE_URL,
    options: '-c search_path=bench_webhooks',
    application_name: 'parley_bench_peer',
    max: Number(process.env.BENCH_CONNECTIONS),
    idleTimeoutMillis: 0,
})

// The conversation that a token is for, or nothing: echoroom.<uuid without hyphens>.<HMAC, base64url>.
const conversationOf = (token) => {
    const [, hex, signature] = /^echoroom\.([0-9a-f]{32})\.([\w-]{43})$/.exec(token) ?? []
    if (!hex) return undefined
    const id = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
    const expected = createHmac('sha256', secret).update(`parley tavus callback\0echoroom\0${id}`).digest('base64url')
    return timingSafeEqual(Buffer.from(signature), Buffer.from(expected)) ? id : undefined
}

const onceAConversation = new Set([
    'system.replica_joined',
    'system.shutdown',
    'application.transcription_ready',
    'application.perception_analysis',
])

// Tavus sends no event id.
const keyOf = (event, raw) => {
    const key = `${event.conversation_id}/${event.event_type}`
    return onceAConversation.has(event.event_type)
        ? key
        : `${key}/${event.timestamp}/${createHash('sha256').update(raw).digest('hex')}`
}

const spoken = (transcript) =>
    (transcript ?? [])
        .filter(({ role }) => role !== 'system')
        .map(({ role, content, timestamp, seconds_from_start, duration }) => ({
            role,
            content,
            timestamp,
            seconds_from_start,
            duration,
        }))

// What an event does to its conversation, and what the room hears of it.
const effects = {
    'system.replica_joined': {
        name: 'joined',
        text: `update conversations set replica_joined_at = $2, replica_id = $3, updated_at = now(),
                   status = case when status = 'starting' then 'active' else status end
               where id = $1 returning session_id, conversation_url, persona_id, mood`,
        values: ({ timestamp, properties }) => [timestamp, properties.replica_id ?? properties.face_id],
        tells: 'avatar-started',
        payload: ({ conversation_id, properties }, { conversation_url, persona_id, mood }) => ({
            conversation_id,
            conversation_url,
            persona_id,
            replica_id: properties.replica_id ?? properties.face_id,
            mood,
        }),
    },
    'system.shutdown': {
        name: 'ended',
        text: `update conversations set status = 'ended', ended_at = $2, shutdown_reason = $3, updated_at = now()
               where id = $1 returning session_id`,
        values: ({ timestamp, properties }) => [timestamp, properties.shutdown_reason ?? properties.reason],
        tells: 'avatar-ended',
        payload: ({ conversation_id, properties }) => ({
            conversation_id,
            reason: properties.shutdown_reason ?? properties.reason,
            failed: false,
        }),
    },
    'application.transcription_ready': {
        name: 'transcript',
        text: 'update conversations set transcript = $2, updated_at = now() where id = $1 returning session_id',
        values: ({ properties }) => [JSON.stringify(spoken(properties.transcript))],
        tells: 'avatar-transcript',
        payload: ({ conversation_id, properties }) => ({
            conversation_id,
            entries: (properties.transcript ?? []).filter(({ role }) => role !== 'system').length,
        }),
    },
    'application.perception_analysis': {
        name: 'perception',
        text: 'update conversations set perception_analysis = $2, updated_at = now() where id = $1 returning session_id',
        values: ({ properties }) => [properties.analysis],
    },
    'application.recording_ready': {
        name: 'recording',
        text: 'update conversations set recording = $2, updated_at = now() where id = $1 returning session_id',
        values: ({ properties }) => [JSON.stringify(properties)],
    },
}

const apply = async (client, conversation, event) => {
    const effect = effects[event.event_type]
    if (!effect) return
    const { name, text, tells, payload } = effect
    const { rows } = await client.query({ name, text, values: [conversation, ...effect.values(event)] })
    if (!tells) return
    await client.query({
        name: 'tell',
        text: 'select realtime.send($1, $2, $3, true)',
        values: [JSON.stringify(payload(event, rows[0])), tells, `bench_webhooks:${rows[0].session_id}`],
    })
}

// The event without what is kept elsewhere: the address of the callback holds the token, the transcript goes to the conversation.
const kept = ({ webhook_url, ...event }) => {
    if (event.event_type !== 'application.transcription_ready') return JSON.stringify(event)
    const { transcript, ...properties } = event.properties
    return JSON.stringify({ ...event, properties })
}

const receive = async (conversation, event, raw) => {
    const client = await pool.connect()
    try {
        await client.query('begin')
        const { rowCount } = await client.query({
            name: 'claim',
            text: `insert into webhook_events (source, event_key, conversation, event_type, body)
                   values ('tavus', $1, $2, $3, $4)
                   on conflict (source, event_key) do nothing`,
            values: [keyOf(event, raw), conversation, event.event_type, kept(event)],
        })
        if (rowCount === 1) await apply(client, conversation, event)
        await client.query('commit')
        client.release()
    } catch (error) {
        client.release(error)
        throw error
    }
}

const app = express()
app.disable('x-powered-by')
app.disable('etag')

app.post(
    '/webhooks/tavus/:token',
    (request, response, next) => {
        response.locals.conversation = conversationOf(request.params.token)
        if (response.locals.conversation) next()
        else response.sendStatus(401)
    },
    express.raw({ type: 'application/json', limit: '1mb' }),
    async (request, response) => {
        if (!Buffer.isBuffer(request.body)) return response.sendStatus(415)
        let event
        try {
            event = JSON.parse(request.body)
        } catch {
            return response.sendStatus(400)
        }
        if (typeof event?.event_type !== 'string' || typeof event.conversation_id !== 'string') return response.sendStatus(400)
        event.properties ??= {}
        await receive(response.locals.conversation, event, request.body)
        response.sendStatus(200)
    },
)

// Whoever sent it sends it again.
app.use((error, request, response, next) => {
    if (error.status) return response.sendStatus(error.status)
    console.error(error)
    response.set('retry-after', '1').sendStatus(503)
})

process.stdin.resume().on('end', () => process.exit())
const { version } = createRequire(import.meta.url)('express/package.json')
const server = createServer(app).listen(0, '127.0.0.1', () => {
    console.log(JSON.stringify({ port: server.address().port, versions: `Node ${process.versions.node}, Express ${version}` }))
})
