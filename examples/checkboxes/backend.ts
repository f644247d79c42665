/** One of several backends: it stores its share of the changes that pages send, and tells all pages. It talks to Redis alone. */
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { SignJWT } from 'jose'
import { createBackend } from '../../src/backend/index.ts' // in your program: 'stomp-bridge/backend'

const { NAME = 'one', PORT, REDIS_URL = 'redis://127.0.0.1:6379' } = process.env
const { SOCKETS = 'ws://localhost:8080/stomp,ws://localhost:8081/stomp' } = process.env
/** The bridge has it too. */
const secret = Buffer.from(process.env['TOKEN_SECRET'] ?? 'only-for-trying-0123456789abcdef')
const BOXES = 1000

const redis = new Redis(REDIS_URL)
// It reconnects by itself.
redis.on('error', ({ message }: Error) => console.error(`Redis: ${message}`))

interface Change {
  readonly index: number
  readonly checked: boolean
}

/** Returns nothing for what is no change: a page may send anything. */
function parseChange(text = ''): Change | undefined {
  try {
    const { index, checked } = JSON.parse(text) as Record<string, unknown>
    const isRight = Number.isInteger(index) && Number(index) >= 0 && Number(index) < BOXES
    return isRight && typeof checked === 'boolean' ? { index: Number(index), checked } : undefined
  } catch {
    return undefined
  }
}

const consumer = createBackend(redis).consume(
  'client:checkbox:change',
  'backends',
  NAME,
  async ({ id, fields }) => {
    const change = parseChange(fields['message'])
    if (!change) return console.error(`${id} is no change of a box`)
    // In one step, so that what backends publish comes in the order in which they store it.
    const step = redis.multi()
    if (change.checked) step.hset('checkbox-state', change.index, 1)
    else step.hdel('checkbox-state', String(change.index))
    await step.publish('internal-server:checkbox:change', JSON.stringify(change)).exec()
  },
  // What a backend that died had taken is handled by another one.
  { claimIdleMs: 5000, onError: (error) => console.error(String(error)) },
)
process.on('SIGTERM', () => void consumer.stop().then(() => process.exit(0)))

// One of them also serves the page.
if (PORT === undefined) console.log(`Backend ${NAME} handles what comes`)
else {
  /** `stomp-bridge/client` for the page. Your bundler does this. */
  const source = fileURLToPath(new URL('../../src/stomp-client/index.ts', import.meta.url))
  const built = await Bun.build({ entrypoints: [source], target: 'browser', minify: true })
  const client = await built.outputs[0]!.text()
  const sockets = SOCKETS.split(',')
  let guests = 0

  const answer = async ({ method, url }: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      if (method === 'POST' && url === '/join') {
        // Nobody signs in here, but each page is somebody: so they can be counted.
        const jwt = new SignJWT({ sub: `guest-${crypto.randomUUID()}`, aud: 'checkboxes' }).setExpirationTime(
          '12 hours',
        )
        const token = await jwt.setProtectedHeader({ alg: 'HS256' }).sign(secret)
        // Each begins with another node, and goes to the next one when that has gone. With a balancer there is one address.
        const first = guests++ % sockets.length
        const own = [...sockets.slice(first), ...sockets.slice(0, first)]
        response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ token, sockets: own }))
      } else if (method === 'GET' && url === '/client.js') {
        response.setHeader('Content-Type', 'text/javascript').end(client)
      } else if (method === 'GET' && url === '/') {
        response.setHeader('Content-Type', 'text/html; charset=utf-8')
        response.end(await readFile(new URL('index.html', import.meta.url)))
      } else response.writeHead(404).end()
    } catch (error) {
      console.error(String(error))
      response.writeHead(500).end()
    }
  }
  const server = createServer((request, response) => void answer(request, response))
  server.listen(Number(PORT), '127.0.0.1', () => {
    const address = server.address() as AddressInfo
    console.log(`Backend ${NAME} handles what comes. Open http://localhost:${address.port}`)
  })
}
