/**
 * Everything at once, with a ledger: publishers that insist, a hundred subscribers that come back where they were, two
 * nodes, and faults drawn from a seed. What a publisher was told is published comes to each subscriber once, in the order
 * of its publisher. By hand for longer: LEDGER_SECONDS=600 LEDGER_SEED=7 npx vitest run --project e2e-bun test/e2e/history/ledger.test.ts
 */
import { expect, it } from 'vitest'
import { metric } from '../../support/clients/backend.ts'
import type { BridgeProcess } from '../../support/process.ts'
import { runtime } from '../../support/runtime.ts'
import { eventually } from '../../support/wait.ts'
import { untilReady } from '../../support/world.ts'
import { compare, startHistoryNodes, type HistoryNodes } from './stage.ts'
import { DOORS, follow, openStomp, type DoorName, type Known, type Link, type TextFrame } from './follower.ts'

const SEED = Number(process.env['LEDGER_SEED'] ?? Date.now() % 1_000_000)
/** Shorter where it is run once more. */
const SECONDS = Number(process.env['LEDGER_SECONDS'] ?? (runtime === 'bun' ? 60 : 15))

const CONFIG = `
history: [{ destination: '/topic/ledger/**', size: 200000, ttlSeconds: 3600 }]
redis: { probeIntervalMs: 500, commandTimeoutMs: 1000, reconnectMaxDelayMs: 200, connectTimeoutMs: 1000 }
`
const TOPICS = ['/topic/ledger/one', '/topic/ledger/two']
const SUBSCRIBERS = 100
const PUBLISHERS = 6
/** How long one attempt of a publisher may take, and how long it rests between two messages; milliseconds. */
const ATTEMPT_MS = 3000
const REST_MS = 15
/** How often a client is cut beside the faults, in milliseconds. */
const CHURN_MS = 100

/** Mulberry32. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

it(`nothing is lost, doubled or out of order on ${runtime}, whatever fails (seed ${SEED}, ${SECONDS} s)`, async () => {
  const random = randomOf(SEED)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
  const nodes = await startHistoryNodes(CONFIG)
  const bridges = new Bridges(nodes)
  const subscribers = Array.from(
    { length: SUBSCRIBERS },
    (_, i) => new Subscriber(`${DOORS[i % 3]} ${i}`, DOORS[i % 3]!, TOPICS[i % 2]!, bridges),
  )
  for (const each of subscribers) each.start()
  await eventually(() => expect(subscribers.filter(({ isLive }) => !isLive)).toEqual([]), { timeoutMs: 20_000 })
  const publishers = Array.from({ length: PUBLISHERS }, (_, i) => new Publisher(i, TOPICS[i % 2]!, bridges))
  const publishing = publishers.map((each) => each.run())

  // All the time somebody loses the connection.
  const churn = setInterval(() => subscribers[Math.floor(Math.random() * SUBSCRIBERS)]!.cut(), CHURN_MS)
  const story: string[] = []
  const faults: Record<string, () => Promise<unknown>> = {
    'Redis is restarted': () => nodes.redis.restart(),
    'Redis is killed and started': async () => (await nodes.redis.crash(), await pause(random() * 500), await nodes.redis.restart()),
    'Redis stands still for a moment': () => standStill(nodes, 200 + random() * 500),
    'Redis stands still for long': () => standStill(nodes, 1500 + random() * 1500),
    'subscriptions of nodes are cut': () => nodes.backend.call('CLIENT', 'KILL', 'TYPE', 'pubsub'),
    'connections of nodes are cut': () => nodes.backend.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'),
    'scripts are forgotten': () => nodes.backend.script('FLUSH'),
    'a node is killed and started': () => bridges.replace(random() < 0.5 ? 0 : 1),
    'clients are cut': async () => subscribers.forEach((each) => random() < 0.3 && each.cut()),
    'one client is cut again and again': async () => {
      const victim = pick(subscribers)
      for (let i = 0; i < 5; i++) {
        victim.cut()
        await pause(random() * 100)
      }
    },
  } // prettier-ignore
  try {
    const end = performance.now() + SECONDS * 1000
    // Each of them at least once, if there is time.
    const waiting = shuffled(Object.keys(faults), random)
    while (performance.now() < end) {
      const name = waiting.pop() ?? pick(Object.keys(faults))
      story.push(`${Math.round(end - performance.now())} ms before the end: ${name}`)
      await Promise.race([faults[name]!().catch((error: unknown) => story.push(`  ${String(error)}`)), pause(20_000)])
      await pause(200 + random() * 1200)
    }
    for (const each of publishers) each.stop()
    clearInterval(churn)
    const published = await Promise.all(publishing)
    for (const bridge of bridges.all) await untilReady(bridge)
    const total = published.flat().length
    console.log(`seed ${SEED}: ${total} messages, ${story.length} faults, ${subscribers.reduce((sum, { returns }) => sum + returns, 0)} returns of subscribers`)
    expect(total).toBeGreaterThan(SECONDS * 5)
    const wanted = new Map(TOPICS.map((topic) => [topic, publishers.flatMap((each) => (each.topic === topic ? each.done : []))]))
    const faultsOf = (each: Subscriber) => each.verdict(wanted.get(each.topic)!)
    await eventually(() => expect(subscribers.filter((each) => each.bodies.size < wanted.get(each.topic)!.length).map(({ name }) => name)).toEqual([]), { timeoutMs: 20_000, intervalMs: 100 }).catch(() => {}) // told below
    const problems = subscribers.flatMap(faultsOf)
    if (problems.length > 0) throw new Error([`${problems.length} problems`, ...problems.slice(0, 40)].join('\n'))
    // All of one topic have the same order, that of the offsets.
    for (const topic of TOPICS) {
      const [first, ...others] = subscribers.filter((each) => each.topic === topic)
      for (const other of others) expect([other.name, other.order.join() === first!.order.join()]).toEqual([other.name, true])
    }
    expect(published.flat().length).toBe(total)
    for (const bridge of bridges.all) expect(await metric(bridge, 'stomp_bridge_gaps_not_filled_total')).toBe(0)
  } catch (error) {
    throw new Error(`With LEDGER_SEED=${SEED} LEDGER_SECONDS=${SECONDS}: ${(error as Error).message}\n${story.join('\n')}`, { cause: error })
  } finally {
    clearInterval(churn)
    for (const each of publishers) each.stop()
    for (const each of subscribers) each.stop()
    nodes.redis.resume()
  }
}, (SECONDS + 120) * 1000) // prettier-ignore

async function standStill({ redis }: HistoryNodes, ms: number): Promise<void> {
  redis.pause()
  await pause(ms)
  redis.resume()
}

function shuffled<T>(list: readonly T[], random: () => number): T[] {
  return list.map((item) => [random(), item] as const).sort(([a], [b]) => a - b).map(([, item]) => item) // prettier-ignore
}

/** Two places for nodes. */
class Bridges {
  readonly all: BridgeProcess[]
  readonly #nodes: HistoryNodes

  constructor(nodes: HistoryNodes) {
    this.#nodes = nodes
    this.all = [nodes.a, nodes.b]
  }

  url(i: number): string {
    return this.all[i % this.all.length]!.url
  }

  /** kill -9, and another one in its place. */
  async replace(i: number): Promise<void> {
    await this.all[i]!.stop('SIGKILL')
    this.all[i] = await this.#nodes.startAnother()
  }
}

/** Comes back as often as it is cut, on whatever node, and remembers where it was as the contract says. */
class Subscriber {
  readonly name: string
  readonly topic: string
  /** What came, with how often; and in which order. */
  readonly bodies = new Map<string, number>()
  readonly order: string[] = []
  isLive = false
  returns = -1
  readonly #door: DoorName
  readonly #bridges: Bridges
  readonly #problems: string[] = []
  #place: Known | undefined
  #link: Link | undefined
  #isOver = false

  constructor(name: string, door: DoorName, topic: string, bridges: Bridges) {
    this.name = name
    this.topic = topic
    this.#door = door
    this.#bridges = bridges
  }

  start(): void {
    if (this.#isOver) return
    this.returns++
    const isFirst = this.#place === undefined
    let isGone = false
    this.#link = follow(this.#door, this.#bridges.url(this.returns + Number(this.name.split(' ')[1])), this.topic, this.#place, {
      onMarker: (marker) => {
        if (isGone) return
        this.isLive = true
        if (marker.recovered === false) this.#problems.push(`was told ${JSON.stringify(marker)} behind ${JSON.stringify(this.#place)}`)
        if (!isFirst && marker.recovered === undefined) this.#problems.push('was not told whether it has recovered')
// A reader of events remembers the id of each event; others remember a marker only if nothing follows.
        if (marker.count === 0) this.#place = marker
        else if (marker.id !== undefined) this.#place = { offset: '0', epoch: '', ...this.#place, id: marker.id }
      },
      onMessage: ({ body, offset, epoch, id }) => {
        if (isGone) return
        const last = this.#place
        if (last && last.epoch === epoch && compare(offset, last.offset) <= 0) this.#problems.push(`got ${body} at ${offset} behind ${last.offset}`)
        this.#place = { offset, epoch, id }
        this.bodies.set(body, (this.bodies.get(body) ?? 0) + 1)
        this.order.push(body)
      },
      onGone: (reason) => {
        if (isGone) return
        isGone = true
        // What has come to the operating system and not to us is not read any more: it is asked for again.
        this.#link?.cut()
        if (reason.startsWith('ERROR') && !/bus-unavailable|shutting-down/.test(reason)) this.#problems.push(reason)
        setTimeout(() => this.start(), 50 + Math.random() * 200)
      },
    }) // prettier-ignore
  }

  cut(): void {
    this.#link?.cut()
  }

  stop(): void {
    this.#isOver = true
    this.#link?.cut()
  }

  /** What is wrong with what it has, if that is what it should have. */
  verdict(wanted: readonly string[]): string[] {
    const lost = wanted.filter((body) => !this.bodies.has(body))
    const doubled = [...this.bodies].filter(([, count]) => count > 1)
    const published = new Set(wanted)
    const others = [...this.bodies.keys()].filter((body) => !published.has(body)).length
    const last = new Map<string, number>()
    const disordered = this.order.filter((body) => {
      const [publisher = '', number] = body.split(' ')
      const isBack = Number(number) <= (last.get(publisher) ?? 0)
      last.set(publisher, Number(number))
      return isBack
    })
    const problems = [...this.#problems]
    if (lost.length > 0) problems.push(`lost ${lost.length}: ${lost.slice(0, 5).join(', ')}`)
    if (doubled.length > 0) problems.push(`doubled ${doubled.length}: ${doubled.slice(0, 5).join(', ')}`)
    if (disordered.length > 0) problems.push(`out of order ${disordered.length}: ${disordered.slice(0, 5).join(', ')}`)
    if (others > 0) problems.push(`${others} that nobody was told to be published`)
    return problems.slice(0, 8).map((problem) => `${this.name} ${problem}`)
  }
}

/** Publishes one message after the other, each until it was told that it is published; every second one by SEND. */
class Publisher {
  readonly topic: string
  readonly done: string[] = []
  readonly #i: number
  readonly #bridges: Bridges
  #attempts = 0
  #isOver = false

  constructor(i: number, topic: string, bridges: Bridges) {
    this.#i = i
    this.topic = topic
    this.#bridges = bridges
  }

  stop(): void {
    this.#isOver = true
  }

  /** Resolves to what was published. */
  async run(): Promise<readonly string[]> {
    for (let number = 1; !this.#isOver; number++) {
      const body = `${this.#i} ${number}`
      const isSent = (this.#i >> 1) % 2 === 0
      while (!(await (isSent ? this.#send(body) : this.#post(body)))) await pause(100)
      this.done.push(body)
      await pause(REST_MS)
    }
    this.#sender?.cut()
    return this.done
  }

  async #post(message: string): Promise<boolean> {
    try {
      const { status } = await fetch(`${this.#bridges.url(this.#attempts++)}/api/notification`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': `ledger ${message}` },
        body: JSON.stringify({ topic: this.topic, message }),
        signal: AbortSignal.timeout(ATTEMPT_MS),
      })
      return status === 200
    } catch {
      return false
    }
  }

  #sender: (Link & { send: ((text: string) => void) | undefined }) | undefined
  #onReceipt: ((isTaken: boolean, id?: string) => void) | undefined

  #send(body: string): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => settle(false), ATTEMPT_MS)
      const settle = (isTaken: boolean): void => {
        clearTimeout(timer)
        this.#onReceipt = undefined
        if (!isTaken) {
          this.#sender?.cut()
          this.#sender = undefined
        }
        resolve(isTaken)
      }
      const frame = `SEND\ndestination:${this.topic}\nreceipt:${body}\nidempotency-key:ledger ${body}\n\n${body}\0`
      this.#onReceipt = (isTaken, id) => {
        if (id === undefined || id === body) settle(isTaken)
      }
      if (this.#sender?.send) this.#sender.send(frame)
      else this.#connect(frame)
    })
  }

  #connect(frame: string): void {
    const link = openStomp(
      this.#bridges.url(this.#attempts++),
      ({ command, headers }: TextFrame, send) => {
        if (this.#sender?.cut !== link.cut) return
        if (command === 'CONNECTED') {
          this.#sender.send = send
          send(frame)
        } else this.#onReceipt?.(command === 'RECEIPT', headers.get('receipt-id'))
      },
      () => {
        if (this.#sender?.cut === link.cut) this.#onReceipt?.(false)
      },
    )
    this.#sender = { cut: link.cut, send: undefined }
  }
}
