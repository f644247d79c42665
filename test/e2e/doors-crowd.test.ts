/** A thousand clients of each kind on one destination: all get everything, once and in order. */
import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import { createParser } from 'eventsource-parser'
import type { Redis } from 'ioredis'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import WebSocket, { type RawData } from 'ws'
import type { BridgeProcess } from '../support/process.ts'
import { runtime } from '../support/runtime.ts'
import { eventually } from '../support/wait.ts'
import { startWorld } from '../support/world.ts'

const CLIENTS = 1000
const MESSAGES = 100
/** How many connect at a time. */
const BATCH = 100

/** What one client has got: only its order and number are looked at, there is a lot of it. */
class Count {
  received = 0
  fault: string | undefined

  put(body: string): void {
    if (body !== `${this.received}`) this.fault ??= `${body} came as number ${this.received}`
    this.received++
  }
}

async function openSocket(url: string, onMessage: (text: string) => void): Promise<WebSocket> {
  const socket = new WebSocket(url)
  socket.on('message', (data: RawData) => onMessage((data as Buffer).toString()))
  onTestFinished(() => socket.terminate())
  await once(socket, 'open')
  return socket
}

describe(`${CLIENTS} clients of each kind on ${runtime}`, () => {
  let backend: Redis
  let bridge: BridgeProcess
  beforeAll(async () => {
    ;({ backend, bridge } = await startWorld({ runtime }))
  })

  const openers: Readonly<Record<string, (count: Count) => Promise<void>>> = {
    async raw(count) {
      await openSocket(`${bridge.url.replace('http', 'ws')}/raw/topic/crowd`, (text) => count.put(text))
    },
    async sse(count) {
      const parser = createParser({ onEvent: ({ data }) => count.put(data) })
      const agent = new Agent()
      const [response] = (await once(get(`${bridge.url}/sse/topic/crowd`, { agent }), 'response')) as [IncomingMessage]
      onTestFinished(() => void response.destroy())
      response.setEncoding('utf8').on('data', (chunk: string) => parser.feed(chunk))
    },
    async stomp(count) {
      let isSubscribed!: () => void
      const subscribed = new Promise<void>((resolve) => (isSubscribed = resolve))
      const socket = await openSocket(bridge.wsUrl, (text) => {
        if (text.startsWith('MESSAGE')) count.put(text.slice(text.indexOf('\n\n') + 2, text.indexOf('\0')))
        else if (text.startsWith('RECEIPT')) isSubscribed()
      })
      socket.send('CONNECT\naccept-version:1.2\nhost:x\n\n\0')
      socket.send('SUBSCRIBE\nid:sub-0\ndestination:/topic/crowd\nreceipt:r\n\n\0')
      await subscribed
    },
  }

  it('get every message of one destination once and in order', async () => {
    const counts = new Map<string, Count[]>()
    for (const [kind, open] of Object.entries(openers)) {
      const all = Array.from({ length: CLIENTS }, () => new Count())
      counts.set(kind, all)
      for (let i = 0; i < CLIENTS; i += BATCH) await Promise.all(all.slice(i, i + BATCH).map(open))
    }
    // Ten at a time, so that messages of one turn leave together.
    for (let i = 0; i < MESSAGES; i += 10) {
      await Promise.all(Array.from({ length: 10 }, (_, j) => backend.publish('topic:crowd', `"${i + j}"`)))
    }
    for (const [kind, all] of counts) {
      await eventually(
        () =>
          expect(
            all.filter(({ received }) => received < MESSAGES),
            kind,
          ).toHaveLength(0),
        {
          timeoutMs: 20_000,
          intervalMs: 50,
        },
      )
      expect(
        all.filter(({ received, fault }) => fault !== undefined || received > MESSAGES),
        kind,
      ).toEqual([])
    }
  }, 60_000)
})
