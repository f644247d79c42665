/**
 * Who takes part in the ledger: publishers that insist until they are told that it is done, and subscribers that come back
 * as often as they are cut and know what is wrong with what they have got.
 */
import type { Redis } from 'ioredis'
import { follow, openStomp, type DoorName, type Known, type Link, type TextFrame } from './follower.ts'
import { pause, type Bridges as AllBridges } from './ledger-world.ts'
import { compare } from './stage.ts'

type Bridges = Pick<AllBridges, 'url'>

/** How long one attempt of a publisher may take, and how long it rests between two messages; milliseconds. */
const ATTEMPT_MS = 3000
const REST_MS = 15

/** A stretch of time, by `performance.now()`. */
export interface Span {
  readonly fromMs: number
  readonly toMs: number
}

/** Comes back on whatever node; where it asks, from where it was, as the contract says. */
export class Subscriber {
  readonly name: string
  readonly topic: string
  /** What came, with how often; and in which order. */
  readonly bodies = new Map<string, number>()
  readonly order: string[] = []
  /** When it was not there: from what came last to what came first again. */
  readonly away: Span[] = []
  isLive = false
  /** Has nothing come since it was cut? */
  isAway = true
  returns = -1
  readonly #i: number
  readonly #door: DoorName
  readonly #bridges: Bridges
  readonly #asks: boolean
  readonly #problems: string[] = []
  #place: Known | undefined
  #link: Link | undefined
  #cameMs = performance.now()
  #isOver = false

  constructor(i: number, door: DoorName, topic: string, bridges: Bridges, asks: boolean) {
    this.name = `${door} ${i}`
    this.topic = topic
    this.#i = i
    this.#door = door
    this.#bridges = bridges
    this.#asks = asks
  }

  start(): void {
    if (this.#isOver) return
    this.returns++
    const isFirst = this.#place === undefined
    let isGone = false
    const url = this.#bridges.url(this.returns + this.#i)
    this.#link = follow(this.#door, url, this.topic, this.#asks ? this.#place : 'nothing', {
      onMarker: (marker) => {
        if (isGone) return
        this.isLive = true
        if (marker.recovered === false) {
          this.#problems.push(`was told ${JSON.stringify(marker)} behind ${JSON.stringify(this.#place)}`)
        }
        if (!isFirst && marker.recovered === undefined) this.#problems.push('was not told whether it has recovered')
        // A reader of events remembers the id of each event; others remember a marker only if nothing follows.
        if (marker.count === 0) this.#place = marker
        else if (marker.id !== undefined) this.#place = { offset: '0', epoch: '', ...this.#place, id: marker.id }
      },
      onMessage: (message) => {
        if (isGone) return
        this.isLive = true
        if (this.#asks) this.#remember(message)
        if (this.isAway) this.away.push({ fromMs: this.#cameMs, toMs: performance.now() })
        this.isAway = false
        this.#cameMs = performance.now()
        this.bodies.set(message.body, (this.bodies.get(message.body) ?? 0) + 1)
        this.order.push(message.body)
      },
      onGone: (reason) => {
        if (isGone) return
        isGone = true
        this.isAway = true
        // What has come to the operating system and not to us is not read any more: it is asked for again.
        this.#link?.cut()
        if (reason.startsWith('ERROR') && !/bus-unavailable|shutting-down/.test(reason)) this.#problems.push(reason)
        setTimeout(() => this.start(), 50 + Math.random() * 200)
      },
    })
  }

  cut(): void {
    this.#link?.cut()
  }

  stop(): void {
    this.#isOver = true
    this.#link?.cut()
  }

  /** Those of them that it has not got. */
  lost(wanted: readonly string[]): string[] {
    return wanted.filter((body) => !this.bodies.has(body))
  }

  /** What is wrong with what it has, beside what is lost. */
  problems(wanted: readonly string[]): string[] {
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
    if (doubled.length > 0) problems.push(`doubled ${doubled.length}: ${doubled.slice(0, 5).join(', ')}`)
    if (disordered.length > 0) problems.push(`out of order ${disordered.length}: ${disordered.slice(0, 5).join(', ')}`)
    if (others > 0) problems.push(`${others} that nobody was told to be published`)
    return problems.slice(0, 8).map((problem) => `${this.name} ${problem}`)
  }

  #remember({ body, offset, epoch, id }: Known & { readonly body: string }): void {
    const last = this.#place
    if (last && last.epoch === epoch && compare(offset, last.offset) <= 0) {
      this.#problems.push(`got ${body} at ${offset} behind ${last.offset}`)
    }
    this.#place = { offset, epoch, id }
  }
}

/** Publishes once, at most for a while. Resolves to whether it was told that it is done; asked again, it does not double it. */
export type Way = (topic: string, body: string) => Promise<boolean>

/** Publishes one message after the other, each until it was told that it is published. */
export class Publisher {
  readonly topic: string
  readonly done: string[] = []
  /** When each was begun, and when it was told to be done. */
  readonly spans = new Map<string, Span>()
  readonly #i: number
  readonly #way: Way
  #isOver = false

  constructor(i: number, topic: string, way: Way) {
    this.#i = i
    this.topic = topic
    this.#way = way
  }

  stop(): void {
    this.#isOver = true
  }

  /** Resolves when it was stopped, and has what it has begun. */
  async run(): Promise<void> {
    for (let number = 1; !this.#isOver; number++) {
      const body = `${this.#i} ${number}`
      const fromMs = performance.now()
      while (!(await this.#way(this.topic, body))) await pause(100)
      this.spans.set(body, { fromMs, toMs: performance.now() })
      this.done.push(body)
      await pause(REST_MS)
    }
  }
}

/** By HTTP, each time to another node. */
export function postingTo(bridges: Bridges): Way {
  let attempts = 0
  return async (topic, message) => {
    try {
      const { status } = await fetch(`${bridges.url(attempts++)}/api/notification`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': `ledger ${message}` },
        body: JSON.stringify({ topic, message }),
        signal: AbortSignal.timeout(ATTEMPT_MS),
      })
      return status === 200
    } catch {
      return false
    }
  }
}

/** By SEND with a receipt, on one connection as long as that goes well. */
export function sendingTo(bridges: Bridges, onEnd: (end: () => void) => void): Way {
  let attempts = 0
  let sender: (Link & { send: ((text: string) => void) | undefined }) | undefined
  let onReceipt: ((isTaken: boolean, id?: string) => void) | undefined
  onEnd(() => sender?.cut())

  function connect(frame: string): void {
    const link = openStomp(
      bridges.url(attempts++),
      ({ command, headers }: TextFrame, send) => {
        if (sender?.cut !== link.cut) return
        if (command === 'CONNECTED') {
          sender.send = send
          send(frame)
        } else onReceipt?.(command === 'RECEIPT', headers.get('receipt-id'))
      },
      () => {
        if (sender?.cut === link.cut) onReceipt?.(false)
      },
    )
    sender = { cut: link.cut, send: undefined }
  }

  return (topic, body) =>
    new Promise((resolve) => {
      const timer = setTimeout(() => settle(false), ATTEMPT_MS)
      const settle = (isTaken: boolean): void => {
        clearTimeout(timer)
        onReceipt = undefined
        if (!isTaken) {
          sender?.cut()
          sender = undefined
        }
        resolve(isTaken)
      }
      const frame = `SEND\ndestination:${topic}\nreceipt:${body}\nidempotency-key:ledger ${body}\n\n${body}\0`
      onReceipt = (isTaken, id) => {
        if (id === undefined || id === body) settle(isTaken)
      }
      if (sender?.send) sender.send(frame)
      else connect(frame)
    })
}

/** By XADD to a stream that nobody else adds to: an entry has the id that it was to have at first, and is there once. */
export function addingTo(backend: Redis, stream: string): Way {
  let ids = 0
  let last: { readonly body: string; readonly id: string } | undefined
  return async (_topic, body) => {
    if (last?.body !== body) last = { body, id: `${Date.now()}-${++ids}` }
    const added = backend.call('XADD', stream, last.id, 'message', body).then(
      () => true,
      (error: unknown) => String(error).includes('equal or smaller'),
    )
    return Promise.race([added, pause(ATTEMPT_MS).then(() => false)])
  }
}
