/** A web server that adds jobs and shows what is in the queue: it asks the bridges, over HTTP. Node, Bun or Deno run it. */
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import process from 'node:process'

const { PORT = '8000', BRIDGES = 'http://127.0.0.1:8080,http://127.0.0.1:8081' } = process.env
const bridges = BRIDGES.split(',')
const QUEUE = '/queue/jobs'

/** Asks one bridge after the other, until one answers. */
async function ask(path, method = 'GET', body, headers = {}) {
  for (const bridge of bridges) {
    const response = await fetch(bridge + path, {
      method,
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(3000),
    }).catch((error) => console.error(`${bridge}: ${error.message}`))
    if (response && response.status < 500) return response
  }
  throw new Error('No bridge answers')
}

let lastNumber = 0

/** With the key, a bridge that has taken them and died before its answer does no harm. A full queue answers 429. */
function add(count, job) {
  const jobs = Array.from({ length: count }, () => ({ id: `job ${++lastNumber}`, ...job }))
  const notifications = jobs.map((message) => ({ topic: QUEUE, message }))
  return ask('/api/notifications', 'POST', notifications, { 'Idempotency-Key': randomUUID() })
}

const operations = {
  'GET /queue': () => ask('/api/queues'),
  'POST /jobs': () => add(20, { ms: 300 }),
  'POST /failing-job': () => add(1, { ms: 0, failsUntil: Date.now() + 5000 }),
  'POST /redrive': () => ask(`/api/queues/${encodeURIComponent(QUEUE)}/redrive`, 'POST'),
}

const server = createServer(async (request, response) => {
  const operation = `${request.method} ${request.url}`
  try {
    if (operation === 'GET /') {
      response.setHeader('Content-Type', 'text/html; charset=utf-8')
      response.end(await readFile(new URL('index.html', import.meta.url)))
    } else if (Object.hasOwn(operations, operation)) {
      const answer = await operations[operation]()
      response.writeHead(answer.status, { 'Content-Type': 'application/json' }).end(await answer.text())
    } else response.writeHead(404).end()
  } catch (error) {
    console.error(error.message)
    response.writeHead(502, { 'Content-Type': 'application/json' }).end('{}')
  }
})
server.listen(Number(PORT), '127.0.0.1', () => console.log(`Open http://localhost:${server.address().port}`))
