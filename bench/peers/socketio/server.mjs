// The peer of the suite fanout: the stack that EchoRoom's specification prescribes, Node, Socket.IO and Postgres. A message is inserted,
// committed and then emitted to the room. It is as fast as that stack goes: one process that does nothing else, prepared statements, a
// pool, WebSockets only, no compression, no log. Nobody is checked.
//
// BENCH_DATABASE_URL is the database, with the specification's tables in the schema bench_seed. Prints its port, and ends when its
// standard input does.
import { createServer } from 'node:http'
import { createRequire } from 'node:module'

import pg from 'pg'
import { Server } from 'socket.io'

const pool = new pg.Pool({
    connectionString: process.env.BENCH_DATABASE_URL,
    options: '-c search_path=bench_seed',
    application_name: 'parley_bench_peer',
    max: 10,
    idleTimeoutMillis: 0,
})

const insert = ({ session_id, user_id, sender, text, type }) => ({
    name: 'insert',
    text: `insert into chat_messages (session_id, user_id, sender_name, content, message_type)
           values ($1, $2, $3, $4, $5) returning id, created_at`,
    values: [session_id, user_id, sender, text, type],
})

// committing is for the benchmark: when the commit was sent, on the clock that all processes of the machine share.
const now = () => Number(process.hrtime.bigint())

// The statement is a transaction of its own: the fewest round trips.
const store = async (message) => {
    const committing = now()
    const { rows } = await pool.query(insert(message))
    return { row: rows[0], committing }
}

// The same with a commit of its own, so that the time from there can be measured.
const storeInTransaction = async (message) => {
    const client = await pool.connect()
    try {
        await client.query('begin')
        const { rows } = await client.query(insert(message))
        const committing = now()
        await client.query('commit')
        client.release()
        return { row: rows[0], committing }
    } catch (error) {
        client.release(error)
        throw error
    }
}

const http = createServer()
const io = new Server(http, { transports: ['websocket'], perMessageDeflate: false, httpCompression: false, serveClient: false })

io.on('connection', (socket) => {
    const answering = (store) => async (message, answer) => {
        try {
            const { row, committing } = await store(message)
            answer({ id: row.id })
            io.to(message.session_id).emit('receiveMessage', {
                id: row.id,
                user_id: message.user_id,
                sender: message.sender,
                text: message.text,
                type: message.type,
                timestamp: row.created_at.toISOString(),
                reactions: [],
                committing,
            })
        } catch (error) {
            console.error(error)
            answer(null)
        }
    }
    socket.on('joinRoom', ({ session_id }, answer) => {
        socket.join(session_id)
        answer({})
    })
    socket.on('sendMessage', answering(store))
    socket.on('sendMessageInTransaction', answering(storeInTransaction))
})

process.stdin.resume().on('end', () => process.exit())
const { version } = createRequire(import.meta.url)('socket.io/package.json')
http.listen(0, '127.0.0.1', () => {
    console.log(JSON.stringify({ port: http.address().port, versions: `Node ${process.versions.node}, Socket.IO ${version}` }))
})
