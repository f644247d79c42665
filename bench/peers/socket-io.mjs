/** Socket.IO with its Redis adapter on Node: every client is in one room, and a backend emits to it through Redis. */
import { createServer } from 'node:http'
import { createAdapter } from '@socket.io/redis-adapter'
import { Redis } from 'ioredis'
import { Server } from 'socket.io'

const http = createServer()
const publisher = new Redis(process.env.REDIS_URL)
const io = new Server(http, {
  transports: ['websocket'],
  adapter: createAdapter(publisher, publisher.duplicate()),
  pingInterval: 3_600_000, // the clients here answer none
})
io.on('connection', (socket) => socket.join('bench'))

// The adapter takes packets in its own format; a plain channel stands for the backend's emit.
const backend = publisher.duplicate()
await backend.subscribe(process.env.CHANNEL)
backend.on('message', (_channel, payload) => io.local.to('bench').emit('message', JSON.parse(payload)))
http.listen(Number(process.env.PORT), '127.0.0.1')
