/** A web server that signs users in, fetches socket tickets for them, and publishes messages. It serves no WebSocket. */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import process from 'node:process'
import { json } from 'node:stream/consumers'
import { Redis } from 'ioredis'
import { jwtVerify, SignJWT } from 'jose'

const {
  PORT = '8000',
  REDIS_URL = 'redis://127.0.0.1:6379',
  BRIDGE_URL = 'http://127.0.0.1:8080',
  BRIDGE_KEY = 'only-for-trying-0123456789abcdef0123456789',
} = process.env
const redis = new Redis(REDIS_URL)
// It reconnects by itself.
redis.on('error', ({ message }) => console.error(`Redis: ${message}`))

/** Of the app tokens. The bridge does not know it: a socket opens with a ticket, and with nothing else. */
const secret = randomBytes(32)

class Refusal extends Error {
  constructor(status, message) {
    super(message)
    this.status = status
  }
}

/** Who has sent this? */
async function authenticate({ headers }) {
  const token = (headers.authorization ?? '').replace(/^Bearer +/i, '')
  try {
    const { payload } = await jwtVerify(token, secret, { algorithms: ['HS256'], requiredClaims: ['exp', 'username'] })
    return payload.username
  } catch {
    throw new Refusal(403, 'Send an app token, as "Authorization: Bearer …"')
  }
}

/** The body, if these fields are in it. */
async function readFields(request, ...names) {
  const body = await json(request).catch(() => undefined)
  const isText = (name) => typeof body?.[name] === 'string' && body[name] !== ''
  if (!names.every(isText)) throw new Refusal(400, `Send JSON with ${names.join(' and ')}`)
  return body
}

const operations = {
  /** Whoever asks is believed. Yours asks for a password. */
  async 'POST /token'(request) {
    const { username } = await readFields(request, 'username')
    const jwt = new SignJWT({ username }).setProtectedHeader({ alg: 'HS256' }).setExpirationTime('30 minutes')
    return { token: await jwt.sign(secret) }
  },

  async 'POST /ws/token'(request) {
    const user = await authenticate(request)
    const response = await fetch(`${BRIDGE_URL}/api/tickets`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${BRIDGE_KEY}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ user }),
    })
    if (!response.ok) throw new Error(`The bridge gives no ticket: ${await response.text()}`)
    return { token: (await response.json()).ticket }
  },

  async 'POST /message'(request) {
    await authenticate(request)
    const { username, content } = await readFields(request, 'username', 'content')
    await redis.publish('notifications', JSON.stringify({ username, content }))
    return { status: 'ok' }
  },
}

async function serve(request, response) {
  const operation = `${request.method} ${request.url}`
  if (operation === 'GET /healthcheck') return response.end('ok')
  if (operation === 'GET /') {
    response.setHeader('Content-Type', 'text/html; charset=utf-8')
    return response.end(await readFile(new URL('index.html', import.meta.url)))
  }
  response.setHeader('Content-Type', 'application/json')
  try {
    if (!Object.hasOwn(operations, operation)) throw new Refusal(404, 'There is nothing here')
    response.end(JSON.stringify(await operations[operation](request)))
  } catch (error) {
    if (!(error instanceof Refusal)) console.error(error)
    const { status = 500, message } = error instanceof Refusal ? error : { message: 'Something went wrong' }
    response.writeHead(status).end(JSON.stringify({ error: message }))
  }
}

const server = createServer((request, response) => {
  serve(request, response).catch((error) => response.destroy(error))
})
server.listen(Number(PORT), '127.0.0.1', () => console.log(`Open http://localhost:${server.address().port}`))
