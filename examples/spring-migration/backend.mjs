/** It stands for the Spring application: its controllers, without its WebSockets. Node, Bun or Deno run it. */
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import process from 'node:process'
import { json } from 'node:stream/consumers'
import { Redis } from 'ioredis'
import { SignJWT } from 'jose'

const { PORT = '8000', REDIS_URL = 'redis://127.0.0.1:6379' } = process.env
/** The bridge has it too. */
const secret = Buffer.from(process.env.TOKEN_SECRET ?? 'only-for-trying-0123456789abcdef')
const NAME = /^\w{1,32}$/

const redis = new Redis(REDIS_URL)
const subscriber = redis.duplicate()
// They reconnect by themselves.
for (const each of [redis, subscriber]) each.on('error', ({ message }) => console.error(`Redis: ${message}`))

const greetings = []

/** In Spring: @MessageMapping("/hello") @SendTo("/topic/greetings"). */
async function hello({ name }, user) {
  if (typeof name !== 'string' || name.length > 100) throw new TypeError('Send JSON with a name')
  const greeting = { id: greetings.length + 1, content: `Hello, ${name}!`, from: user }
  greetings.push(greeting)
  await redis.publish('topic:greetings', JSON.stringify(greeting))
  const count = greetings.filter(({ from }) => from === user).length
  await toUser(user, 'answers', { content: `You have said hello ${count === 1 ? 'once' : `${count} times`}` })
}

/** In Spring: convertAndSendToUser(user, "/queue/answers", answer), or @SendToUser("/queue/answers"). */
function toUser(user, queue, answer) {
  return redis.publish(`user:${user}:${queue}`, JSON.stringify(answer))
}

subscriber.on('message', async (_channel, payload) => {
  const { body, user } = JSON.parse(payload)
  try {
    await hello(JSON.parse(body), user)
  } catch (error) {
    console.error(error.message)
    await toUser(user, 'answers', { content: 'This is not understood' }).catch(() => {})
  }
})
await subscriber.subscribe('app:hello')

const HTML = 'text/html; charset=utf-8'
const files = {
  '/': [HTML, new URL('index.html', import.meta.url)],
  '/sockjs.js': ['text/javascript', new URL('../../node_modules/sockjs-client/dist/sockjs.min.js', import.meta.url)],
  '/stomp.js': ['text/javascript', new URL('../../node_modules/stompjs/lib/stomp.min.js', import.meta.url)],
}

async function serve({ method, url }, body, response) {
  if (method === 'GET' && Object.hasOwn(files, url)) {
    const [type, path] = files[url]
    return response.setHeader('Content-Type', type).end(await readFile(path))
  }
  response.setHeader('Content-Type', 'application/json')
  // In Spring: @SubscribeMapping("/greetings"), now @GetMapping("/greetings"). The newest 50.
  if (method === 'GET' && url === '/greetings') return response.end(JSON.stringify(greetings.slice(-50)))
  if (method === 'POST' && url === '/login') {
    const { name } = (await body()) ?? {}
    if (!NAME.test(name)) return response.writeHead(400).end(JSON.stringify({ error: 'Send JSON with a name' }))
    // Whoever asks is believed. Yours asks for a password.
    const jwt = new SignJWT({ sub: name, aud: 'greetings' }).setExpirationTime('12 hours')
    return response.end(JSON.stringify({ token: await jwt.setProtectedHeader({ alg: 'HS256' }).sign(secret) }))
  }
  return response.writeHead(404).end('{}')
}

const server = createServer((request, response) => {
  const body = () => json(request).catch(() => undefined)
  serve(request, body, response).catch((error) => response.destroy(error))
})
server.listen(Number(PORT), '127.0.0.1', () => console.log(`Open http://localhost:${server.address().port}`))
