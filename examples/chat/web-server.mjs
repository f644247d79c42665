/** A web server that signs people in, and publishes what they write under their names. It serves no WebSocket. */
import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import process from 'node:process'
import { json } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { jwtVerify, SignJWT } from 'jose'

const {
  PORT = '8000',
  BRIDGES = 'http://127.0.0.1:8080,http://127.0.0.1:8081',
  BRIDGE_KEY = 'only-for-trying-0123456789abcdef0123456789',
  TOKEN_SECRET = 'only-for-trying-0123456789abcdef',
} = process.env
const bridges = BRIDGES.split(',')
/** The bridge has it too. */
const secret = Buffer.from(TOKEN_SECRET)

const ROOM = /^[a-z0-9-]{1,32}$/
const MAX_TEXT = 2000

/** `stomp-bridge/client` for the page. Your bundler does this. */
function bundleClient() {
  const bun = fileURLToPath(new URL('../../node_modules/.bin/bun', import.meta.url))
  const source = fileURLToPath(new URL('../../src/stomp-client/index.ts', import.meta.url))
  return execFileSync(bun, ['build', '--minify', '--target=browser', source])
}

const pages = {
  'GET /': ['text/html; charset=utf-8', await readFile(new URL('index.html', import.meta.url))],
  'GET /client.js': ['text/javascript', bundleClient()],
}

class Refusal extends Error {
  constructor(status, message) {
    super(message)
    this.status = status
  }
}

/** The body, if each field in it is a text that fits. */
async function readFields(request, checks) {
  const body = await json(request).catch(() => undefined)
  for (const [name, isRight] of Object.entries(checks)) {
    if (typeof body?.[name] !== 'string' || !isRight(body[name])) throw new Refusal(400, `Send JSON with a ${name}`)
  }
  return body
}

/** Who has sent this? */
async function authenticate({ headers }) {
  const token = (headers.authorization ?? '').replace(/^Bearer +/i, '')
  try {
    const { payload } = await jwtVerify(token, secret, { algorithms: ['HS256'], audience: 'chat' })
    return payload.sub
  } catch {
    throw new Refusal(401, 'Join first')
  }
}

/** Asks one bridge after the other. One may have published it and not answered: with the key it is not done twice. */
async function publish(topic, message, key) {
  for (const bridge of bridges) {
    const response = await fetch(`${bridge}/api/notification`, {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${BRIDGE_KEY}`,
        'Content-Type': 'application/json',
        'Idempotency-Key': key,
      },
      body: JSON.stringify({ topic, message }),
      signal: AbortSignal.timeout(3000),
    }).catch((error) => console.error(`${bridge}: ${error.message}`))
    if (response?.ok) return
    if (response) console.error(`${bridge}: ${await response.text()}`)
  }
  throw new Refusal(503, 'No bridge takes it now')
}

let joined = 0

const operations = {
  /** Whoever asks is believed. Yours asks for a password. */
  async 'POST /join'(request) {
    const { name } = await readFields(request, { name: (text) => text.trim() !== '' && text.length <= 32 })
    const jwt = new SignJWT({ sub: name.trim(), aud: 'chat' }).setExpirationTime('12 hours')
    const token = await jwt.setProtectedHeader({ alg: 'HS256' }).sign(secret)
    // Each begins with another node, and goes to the next one when that has gone. With a balancer there is one address.
    const first = joined++ % bridges.length
    const nodes = [...bridges.slice(first), ...bridges.slice(0, first)]
    return { user: name.trim(), token, sockets: nodes.map((url) => `${url.replace('http', 'ws')}/stomp`) }
  },

  /** `key`: of the page. Who does not know whether a message has arrived sends it again with the same one. */
  async 'POST /message'(request) {
    const user = await authenticate(request)
    const { room, text, key } = await readFields(request, {
      room: (value) => ROOM.test(value),
      text: (value) => value.trim() !== '' && value.length <= MAX_TEXT,
      key: (value) => /^[\w-]{1,64}$/.test(value),
    })
    await publish(`/topic/rooms/${room}`, { user, text, key, at: Date.now() }, key)
    return { status: 'ok' }
  },
}

async function serve(request, response) {
  const operation = `${request.method} ${request.url}`
  if (Object.hasOwn(pages, operation)) {
    const [type, content] = pages[operation]
    return response.setHeader('Content-Type', type).end(content)
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
