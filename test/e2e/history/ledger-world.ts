/** What the ledger stands on: two places for nodes, and faults drawn from a seed that are told when they were. */
import { untilReady } from '../../support/world.ts'
import type { BridgeProcess } from '../../support/process.ts'
import type { HistoryNodes } from './stage.ts'

/** Of `redis` in the configuration: outages are noticed soon, and over soon. */
export const EAGER_REDIS =
  'redis: { probeIntervalMs: 500, commandTimeoutMs: 1000, reconnectMaxDelayMs: 200, connectTimeoutMs: 1000 }'

/** How long one fault may take at most, in milliseconds. */
const MAX_FAULT_MS = 20_000

/** Mulberry32. */
export function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Two places for nodes. */
export class Bridges {
  readonly all: BridgeProcess[]
  /** When each was started. */
  readonly startedMs: number[]
  readonly #nodes: HistoryNodes

  constructor(nodes: HistoryNodes) {
    this.#nodes = nodes
    this.all = [nodes.a, nodes.b]
    this.startedMs = this.all.map(() => performance.now())
  }

  url(i: number): string {
    return this.all[i % this.all.length]!.url
  }

  /** kill -9, and another one in its place. */
  async replace(i: number): Promise<void> {
    await this.all[i]!.stop('SIGKILL')
    this.all[i] = await this.#nodes.startAnother()
    this.startedMs[i] = performance.now()
  }
}

export interface Fault {
  readonly name: string
  /** What a node hears while it lasts may be lost where there is no history. */
  readonly isDeaf: boolean
  /** Every node has lost its subscriptions by it, and knows. */
  readonly isCut: boolean
  happen(): Promise<unknown>
}

/** What one of many can suffer. */
interface Cuttable {
  cut(): void
}

export function faultsOf(
  nodes: HistoryNodes,
  bridges: Bridges,
  clients: readonly Cuttable[],
  random: () => number,
): Fault[] {
  const { redis, backend } = nodes
  const standStill = async (ms: number): Promise<void> => {
    redis.pause()
    await pause(ms)
    redis.resume()
  }
  const cut = { isDeaf: true, isCut: true }
  const deaf = { isDeaf: true, isCut: false }
  const harmless = { isDeaf: false, isCut: false }
  return [
    { name: 'Redis is restarted', ...cut, happen: () => redis.restart() },
    {
      name: 'Redis is killed and started',
      ...cut,
      async happen() {
        await redis.crash()
        await pause(random() * 500)
        await redis.restart()
      },
    },
    { name: 'Redis stands still for a moment', ...deaf, happen: () => standStill(200 + random() * 500) },
    { name: 'Redis stands still for long', ...deaf, happen: () => standStill(1500 + random() * 1500) },
    { name: 'subscriptions are cut', ...cut, happen: () => backend.call('CLIENT', 'KILL', 'TYPE', 'pubsub') },
    {
      name: 'connections to Redis are cut',
      ...deaf,
      happen: () => backend.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'),
    },
    { name: 'scripts are forgotten', ...harmless, happen: () => backend.script('FLUSH') },
    { name: 'a node is killed and started', ...harmless, happen: () => bridges.replace(random() < 0.5 ? 0 : 1) },
    {
      name: 'clients are cut',
      ...harmless,
      async happen() {
        for (const each of clients) if (random() < 0.3) each.cut()
      },
    },
    {
      name: 'one client is cut again and again',
      ...harmless,
      async happen() {
        const victim = clients[Math.floor(random() * clients.length)]!
        for (let i = 0; i < 5; i++) {
          victim.cut()
          await pause(random() * 100)
        }
      },
    },
  ]
}

export interface Happened {
  readonly fault: Fault
  readonly fromMs: number
  /** Every node was ready again. */
  readonly toMs: number
}

/** One fault after the other, each of them at least once if there is time. `story`: what is done, for who reads a failure. */
export async function runFaults(
  faults: readonly Fault[],
  bridges: Bridges,
  random: () => number,
  story: string[],
  { seconds, restMs }: { readonly seconds: number; readonly restMs: () => number },
): Promise<Happened[]> {
  const happened: Happened[] = []
  const end = performance.now() + seconds * 1000
  const waiting = faults.map((fault) => [random(), fault] as const).sort(([a], [b]) => a - b)
  while (performance.now() < end) {
    const fault = waiting.pop()?.[1] ?? faults[Math.floor(random() * faults.length)]!
    const fromMs = performance.now()
    story.push(`${Math.round(end - fromMs)} ms before the end: ${fault.name}`)
    const done = fault.happen().catch((error: unknown) => story.push(`  ${String(error)}`))
    await Promise.race([done, pause(MAX_FAULT_MS)])
    if (fault.isDeaf) for (const bridge of bridges.all) await untilReady(bridge)
    happened.push({ fault, fromMs, toMs: performance.now() })
    await pause(restMs())
  }
  return happened
}
