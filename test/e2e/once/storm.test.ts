/**
 * A storm: all clients of two nodes lose their connections at once and come back. `STORM_CLIENTS=10000` makes it a larger
 * one, and prints what it took; the limits grow with it.
 */
import { expect, it, onTestFinished } from 'vitest'
import WebSocket from 'ws'
import { metric, notify } from '../../support/clients/backend.ts'
import { spawnBridge, type BridgeProcess } from '../../support/process.ts'
import { startRedis } from '../../support/redis.ts'
import { eventually } from '../../support/wait.ts'
import { untilReady } from '../../support/world.ts'

const given = process.env['STORM_CLIENTS']
const CLIENTS = Number(given ?? 600)
/** Of each node, in a second, and at once. */
const RATE = Math.ceil(CLIENTS / 6)
const BURST = Math.ceil(RATE / 2)
/** No answer may take longer, on a machine that is busy with all the rest too. */
const MAX_ANSWER_MS = 5000
const HELLO = 'CONNECT\naccept-version:1.2\n\n\0SUBSCRIBE\nid:0\ndestination:/topic/storm\nreceipt:r\n\n\0'

/** A client that comes back until it is let in. */
class Client {
  readonly #nodes: readonly BridgeProcess[]
  #next: number
  #socket: WebSocket | undefined
  #onBack: () => void = () => {}
  refusals = 0
  messages = 0
  readonly problems: string[] = []

  constructor(nodes: readonly BridgeProcess[], first: number) {
    this.#nodes = nodes
    this.#next = first
  }

  /** Resolves when it has its RECEIPT. */
  connect(): Promise<void> {
    return new Promise((resolve) => {
      this.#onBack = resolve
      this.#try()
    })
  }

  cut(): void {
    this.#socket?.terminate()
  }

  #try(): void {
    const node = this.#nodes[this.#next++ % this.#nodes.length]!
    const socket = new WebSocket(node.wsUrl, { perMessageDeflate: false })
    this.#socket = socket
    socket.on('open', () => socket.send(HELLO))
    socket.on('message', (data: Buffer) => {
      const text = data.toString()
      if (text.startsWith('RECEIPT')) this.#onBack()
      else if (text.startsWith('MESSAGE')) this.messages++
      else if (!text.startsWith('CONNECTED')) this.problems.push(text)
    })
    socket.on('unexpected-response', (_request, response) => {
      const retryAfter = Number(response.headers['retry-after'])
      if (response.statusCode === 503 && retryAfter >= 1 && retryAfter <= 5) this.refusals++
      else this.problems.push(`${response.statusCode} with Retry-After ${retryAfter}`)
      socket.terminate()
      // Sooner than it was told, as those do that cannot read it.
      setTimeout(() => this.#try(), 100 + Math.random() * 400)
    })
    socket.on('error', () => {}) // of the attempt that was refused
  }
}

it(
  'all clients of two nodes come back at the pace of the nodes, which answer meanwhile',
  async () => {
    const redis = await startRedis()
    onTestFinished(() => redis.stop())
    const env = {
      REDIS_URL: redis.url,
      STOMP_BRIDGE_LIMITS_CONNECTS_PER_SECOND: String(RATE),
      STOMP_BRIDGE_LIMITS_CONNECT_BURST: String(BURST),
    }
    const nodes = await Promise.all([1, 2].map(() => spawnBridge({ runtime: 'bun', env })))
    for (const node of nodes) await untilReady(node)
    const clients = Array.from({ length: CLIENTS }, (_, i) => new Client(nodes, i))
    onTestFinished(() => clients.forEach((client) => client.cut()))
    await Promise.all(clients.map((client) => client.connect()))

    // Nobody of the first round is counted in the second.
    for (const client of clients) client.cut()
    const sessions = async () =>
      (await Promise.all(nodes.map((node) => metric(node, 'stomp_bridge_sessions')))).reduce((sum, each) => sum + each)
    await eventually(async () => expect(await sessions()).toBe(0))
    for (const client of clients) client.refusals = 0

    const answers: number[] = []
    let isOver = false
    const watching = Promise.all(
      nodes.map(async ({ url }) => {
        while (!isOver) {
          const askedMs = performance.now()
          expect((await fetch(`${url}/health`)).status).toBe(200)
          answers.push(performance.now() - askedMs)
          await new Promise((resolve) => setTimeout(resolve, 50))
        }
      }),
    )
    const begunMs = performance.now()
    await Promise.all(clients.map((client) => client.connect()))
    const tookMs = performance.now() - begunMs
    isOver = true
    await watching

    expect(clients.flatMap(({ problems }) => problems)).toEqual([])
    expect(await sessions()).toBe(CLIENTS)
    // Both together let in two bursts, and then as many as their rates have room for.
    expect(tookMs).toBeGreaterThan(((CLIENTS - 2 * BURST) / (2 * RATE)) * 1000 * 0.9)
    const refused = clients.reduce((sum, { refusals }) => sum + refusals, 0)
    expect(refused).toBeGreaterThan(0)
    expect(Math.max(...answers)).toBeLessThan(MAX_ANSWER_MS)
    await notify(nodes[0]!, '/topic/storm', 'all there?')
    await eventually(() => expect(clients.filter(({ messages }) => messages !== 1)).toEqual([]))
    if (given !== undefined) {
      const slowest = Math.max(...answers).toFixed(0)
      console.log(`${CLIENTS} back in ${tookMs.toFixed(0)} ms, ${refused} refusals; /health at most ${slowest} ms`)
    }
  },
  given === undefined ? 60_000 : 600_000,
)
