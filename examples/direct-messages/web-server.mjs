/** A web server that gives out tokens and publishes messages. It knows Redis, and nothing of WebSockets. */
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import process from 'node:process'
import { json } from 'node:stream/consumers'
import { Redis } from 'ioredis'

const { PORT = '5000', REDIS_URL = 'redis://127.0.0.1:6379' } = process.env
const redis = new Redis(REDIS_URL)
// It reconnects by itself.
redis.on('error', ({ message }) => console.error(`Redis: ${message}`))

const LIFETIME_MS = 24 * 60 * 60 * 1000
/** Tokens, and when each ends. */
const tokens = new Map()

function createToken() {
  for (const [token, end] of tokens) if (end <= Date.now()) tokens.delete(token)
  const token = randomUUID()
  tokens.set(token, Date.now() + LIFETIME_MS)
  return token
}

const isValid = (token) => tokens.get(token) > Date.now()

/** Answers with an HTTP status, and what becomes the JSON. */
async function publish(request) {
  const body = await json(request).catch(() => undefined)
  const { uuid_remote, uuid_local, message } = body ?? {}
  if (![uuid_remote, uuid_local, message].every((field) => typeof field === 'string' && field !== '')) {
    return [400, { status: false, error: 'uuid_remote, uuid_local and message must be text' }]
  }
  if (!isValid(uuid_local)) return [403, { status: false, error: 'uuid_local is no token of this server' }]
  await redis.publish('article', JSON.stringify({ uuid_remote, uuid_local, message }))
  return [200, { status: true }]
}

async function answer(request) {
  const { method, url } = request
  if (method === 'POST' && url === '/publish') return publish(request)
  if (method === 'GET' && url === '/token') return [200, { token: createToken() }]
  if (method === 'GET' && url.startsWith('/auth/')) return [200, { auth: isValid(url.slice('/auth/'.length)) }]
  return [404, { error: 'There is nothing here' }]
}

const server = createServer(async (request, response) => {
  try {
    if (request.method === 'GET' && new URL(request.url, 'http://localhost').pathname === '/') {
      response.setHeader('Content-Type', 'text/html; charset=utf-8')
      response.end(await readFile(new URL('index.html', import.meta.url)))
      return
    }
    const [status, body] = await answer(request)
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
  } catch (error) {
    console.error(error)
    response.writeHead(500, { 'Content-Type': 'application/json' }).end('{"error":"Something went wrong here"}')
  }
})
server.listen(Number(PORT), '127.0.0.1', () => console.log(`Open http://localhost:${server.address().port}`))
