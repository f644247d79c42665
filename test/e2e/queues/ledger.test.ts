/**
 * Work queues with a ledger: publishers that insist, workers that acknowledge, refuse, forget and get lost, two nodes, and
 * faults drawn from a seed. What a publisher was told is in the queue is delivered; what a worker was told is settled is
 * never delivered again; what is delivered for the first time comes in the order of its publisher. By hand for longer:
 * LEDGER_SECONDS=600 LEDGER_SEED=7 npx vitest run --project e2e-bun test/e2e/queues/ledger.test.ts
 */
import type { Redis } from 'ioredis'
import { expect, it } from 'vitest'
import { runtime } from '../../support/runtime.ts'
import { eventually } from '../../support/wait.ts'
import { untilReady } from '../../support/world.ts'
import { openStomp, type Link, type TextFrame } from '../history/follower.ts'
import { postingTo, Publisher, sendingTo, type Way } from '../history/ledger-clients.ts'
import { Bridges, EAGER_REDIS, faultsOf, pause, randomOf, runFaults } from '../history/ledger-world.ts'
import { startHistoryNodes } from '../history/stage.ts'
import { countsOf } from './support.ts'

const SEED = Number(process.env['LEDGER_SEED'] ?? Date.now() % 1_000_000)
/** Shorter where it is run once more. */
const SECONDS = Number(process.env['LEDGER_SECONDS'] ?? (runtime === 'bun' ? 60 : 15))

const CONFIG = `
queues: [{ destination: '/queue/ledger/**', visibilitySeconds: 10, maxDeliveries: 1000 }]
${EAGER_REDIS}
`
const QUEUES = ['/queue/ledger/one', '/queue/ledger/two']
const WORKERS = 20
const PUBLISHERS = 6
/** How often a worker is cut beside the faults, in milliseconds. */
const CHURN_MS = 400
/** What a worker has is settled long before it would be taken from it, or never. */
const WORK_MS = 100
/** Until everything is settled that the faults have left: leases, and the time that a message may be kept. */
const SETTLED_MS = 60_000

it(`no job is lost on ${runtime}, whatever fails (seed ${SEED}, ${SECONDS} s)`, async () => {
  const random = randomOf(SEED)
  const nodes = await startHistoryNodes(CONFIG)
  const bridges = new Bridges(nodes)
  const ledger = new Ledger()
  const workers = Array.from({ length: WORKERS }, (_, i) => new Worker(i, QUEUES[i % 2]!, bridges, ledger))
  for (const each of workers) each.start()
  const ends: (() => void)[] = []
  const ways: Way[] = [
    postingTo(bridges),
    sendingTo(bridges, (end) => ends.push(end)),
    addingOnceTo(nodes.backend),
  ]
  const publishers = Array.from(
    { length: PUBLISHERS },
    (_, i) => new Publisher(i, QUEUES[i % 2]!, ways[Math.floor(i / 2)]!),
  )
  const publishing = publishers.map((each) => each.run())
  const churn = setInterval(() => workers[Math.floor(Math.random() * WORKERS)]!.cut(), CHURN_MS)
  const story: string[] = []
  try {
    const faults = faultsOf(nodes, bridges, workers, random)
    await runFaults(faults, bridges, random, story, { seconds: SECONDS, restMs: () => 200 + random() * 1200 })
    for (const each of publishers) each.stop()
    clearInterval(churn)
    await Promise.all(publishing)
    for (const each of workers) each.isDiligent = true
    for (const bridge of bridges.all) await untilReady(bridge)
    const isEmpty = async (): Promise<void> => {
      for (const queue of QUEUES) {
        expect(await countsOf(bridges.all[0]!, queue)).toMatchObject({ ready: 0, pending: 0, dead: 0 })
      }
    }
    await eventually(isEmpty, { timeoutMs: SETTLED_MS, intervalMs: 200 })
    const published = publishers.flatMap(({ done }) => done)
    const { problems, deliveries, again } = ledger
    console.log(`seed ${SEED}: ${published.length} jobs, ${deliveries} deliveries, ${again} of them again, ${story.length} faults`) // prettier-ignore
    expect(published.length).toBeGreaterThan(SECONDS * 5)
    const lost = published.filter((body) => !ledger.has(body))
    if (lost.length > 0) problems.push(`lost ${lost.length}: ${lost.slice(0, 5).join(', ')}`)
    if (problems.length > 0) throw new Error([`${problems.length} problems`, ...problems.slice(0, 40)].join('\n'))
  } catch (error) {
    const how = `With LEDGER_SEED=${SEED} LEDGER_SECONDS=${SECONDS}`
    const told = [`${how}: ${(error as Error).message}`, ...ledger.problems.slice(0, 20), ...story].join('\n')
    throw new Error(told, { cause: error })
  } finally {
    clearInterval(churn)
    for (const each of publishers) each.stop()
    for (const end of ends) end()
    for (const each of workers) each.stop()
    nodes.redis.resume()
  }
}, (SECONDS + SETTLED_MS / 1000 + 60) * 1000) // prettier-ignore

/** By XADD, which a backend tries again until Redis has answered, and which has an effect once. */
function addingOnceTo(backend: Redis): Way {
  const script = `if redis.call('SET', KEYS[2], '1', 'NX') then redis.call('XADD', KEYS[1], '*', 'body', ARGV[1]) end return 1`
  return (destination, body) => {
    const stream = `queue:${destination.slice('/queue/'.length)}`
    const added = backend.eval(script, 2, stream, `once:${body}`, body).then(
      () => true,
      () => false,
    )
    return Promise.race([added, pause(3000).then(() => false)])
  }
}

/** What has become of each job. */
class Ledger {
  readonly problems: string[] = []
  deliveries = 0
  again = 0
  readonly #delivered = new Set<string>()
  readonly #settled = new Set<string>()

  has(body: string): boolean {
    return this.#delivered.has(body)
  }

  delivered(body: string, who: string, isAgain: boolean): void {
    this.deliveries++
    if (isAgain) this.again++
    if (this.#settled.has(body)) this.problems.push(`${who} got ${body}, which was settled`)
    if (!isAgain && this.#delivered.has(body)) this.problems.push(`${who} got ${body} as if for the first time`)
    this.#delivered.add(body)
  }

  settled(body: string): void {
    this.#settled.add(body)
  }
}

/** Connects again whenever it is cut; acknowledges most of what it gets, refuses some, and forgets a few. */
class Worker {
  isDiligent = false
  readonly #i: number
  readonly #queue: string
  readonly #bridges: Bridges
  readonly #ledger: Ledger
  #link: Link | undefined
  #attempts = 0
  #isOver = false

  constructor(i: number, queue: string, bridges: Bridges, ledger: Ledger) {
    this.#i = i
    this.#queue = queue
    this.#bridges = bridges
    this.#ledger = ledger
  }

  start(): void {
    if (this.#isOver) return
    const name = `worker ${this.#i}, connection ${++this.#attempts}`
    /** Of each publisher, the last that came for the first time. */
    const last = new Map<string, number>()
    const acks = new Map<string, string>()
    let isGone = false
    const gone = (): void => {
      if (isGone) return
      isGone = true
      link.cut()
      setTimeout(() => this.start(), 50 + Math.random() * 200)
    }
    const link = openStomp(
      this.#bridges.url(this.#i + this.#attempts),
      (frame, send) => {
        if (isGone) return
        if (frame.command === 'CONNECTED') {
          const prefetch = 1 + (this.#i % 7) * 5
          send(`SUBSCRIBE\nid:0\ndestination:${this.#queue}\nack:client-individual\nprefetch-count:${prefetch}\n\n\0`)
        } else if (frame.command === 'MESSAGE') this.#work(name, frame, last, acks, (text) => isGone || send(text))
        else if (frame.command === 'RECEIPT')
          this.#ledger.settled(acks.get(frame.headers.get('receipt-id') ?? '') ?? '')
        else {
          const code = frame.headers.get('code') ?? ''
          if (!/bus-unavailable|shutting-down/.test(code)) this.#ledger.problems.push(`${name} was told ${code}`)
          gone()
        }
      },
      gone,
    )
    this.#link = link
  }

  cut(): void {
    this.#link?.cut()
  }

  stop(): void {
    this.#isOver = true
    this.#link?.cut()
  }

  #work(
    name: string,
    { headers, body }: TextFrame,
    last: Map<string, number>,
    acks: Map<string, string>,
    send: (text: string) => void,
  ): void {
    const isAgain = headers.get('redelivered') === 'true'
    if (isAgain !== Number(headers.get('delivery-count')) > 1)
      this.#ledger.problems.push(`${name} got ${body} half again`)
    this.#ledger.delivered(body, name, isAgain)
    const [publisher = '', number] = body.split(' ')
    if (!isAgain) {
      if (Number(number) <= (last.get(publisher) ?? 0)) this.#ledger.problems.push(`${name} got ${body} out of order`)
      last.set(publisher, Number(number))
    }
    const ack = headers.get('ack') ?? ''
    const chance = this.isDiligent ? 1 : Math.random()
    if (chance < 0.01) return // until it is taken from it
    const receipt = `a${acks.size}`
    acks.set(receipt, chance < 0.06 ? '' : body)
    const frame = `${chance < 0.06 ? 'NACK' : 'ACK'}\nid:${ack}\nreceipt:${receipt}\n\n\0`
    setTimeout(() => send(frame), Math.random() * WORK_MS)
  }
}
