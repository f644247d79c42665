/** One of several backends: it handles its share of what pages send, and answers all of them. It talks to Redis alone. */
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import process from 'node:process'
import { Redis } from 'ioredis'
import { createBackend } from '../../src/backend/index.ts' // in your program: 'stomp-bridge/backend'

const { NAME = 'one', PORT, REDIS_URL = 'redis://127.0.0.1:6379' } = process.env
const { BRIDGES = 'http://localhost:8080,http://localhost:8081' } = process.env

const redis = new Redis(REDIS_URL)
// It reconnects by itself.
redis.on('error', ({ message }: Error) => console.error(`Redis: ${message}`))

const backend = createBackend(redis)
const consumer = backend.consume(
  'TEST_EVENT_TO_BACKEND',
  'CONSUMER_GROUP',
  NAME,
  async ({ fields }) => {
    const answer = JSON.stringify({ text: fields['message'], by: NAME })
    await redis.xadd(
      'TEST_EVENT_TO_WEBSOCKET_SERVER',
      'MAXLEN',
      '~',
      '100000',
      '*',
      'topic',
      '/topic/handled',
      'message',
      answer,
    )
  },
  // What a backend that died had taken is handled by another one.
  { claimIdleMs: 5000, onError: (error) => console.error(String(error)) },
)
process.on('SIGTERM', () => void consumer.stop().then(() => process.exit(0)))

// One of them also serves the page, and notifies through the bridge that it is told.
if (PORT === undefined) console.log(`Backend ${NAME} handles what comes`)
else {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
      const bridge = BRIDGES.split(',')[Number(searchParams.get('bridge'))]
      if (pathname === '/notify' && request.method === 'POST' && bridge !== undefined) {
        const posted = await fetch(`${bridge}/api/notification`, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify({ topic: '/topic/frontend', message: `A notification through ${bridge}` }),
        })
        response.writeHead(posted.status).end()
      } else if (pathname === '/') {
        response.setHeader('Content-Type', 'text/html; charset=utf-8')
        response.end(await readFile(new URL('index.html', import.meta.url)))
      } else response.writeHead(404).end()
    } catch (error) {
      console.error(String(error))
      response.writeHead(502).end()
    }
  }
  const server = createServer((request, response) => void answer(request, response))
  server.listen(Number(PORT), '127.0.0.1', () => {
    const address = server.address() as AddressInfo
    console.log(`Backend ${NAME} handles what comes. Open http://localhost:${address.port}`)
  })
}
