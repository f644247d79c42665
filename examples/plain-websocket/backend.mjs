/** A backend that knows only Redis: it serves the page, and publishes what the page posts. Node, Bun or Deno run it. */
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import process from 'node:process'
import { text } from 'node:stream/consumers'
import { Redis } from 'ioredis'

const { PORT = '8000', REDIS_URL = 'redis://127.0.0.1:6379' } = process.env
const redis = new Redis(REDIS_URL)
// It reconnects by itself.
redis.on('error', ({ message }) => console.error(`Redis: ${message}`))

const server = createServer(async (request, response) => {
  try {
    if (request.url === '/' && request.method === 'GET') {
      response.setHeader('Content-Type', 'text/html; charset=utf-8')
      response.end(await readFile(new URL('index.html', import.meta.url)))
    } else if (request.url === '/notify' && request.method === 'POST') {
      await redis.publish('app:notifications', await text(request))
      response.writeHead(204).end()
    } else response.writeHead(404).end()
  } catch (error) {
    console.error(error)
    response.writeHead(500).end()
  }
})
server.listen(Number(PORT), '127.0.0.1', () => console.log(`Open http://localhost:${server.address().port}`))
