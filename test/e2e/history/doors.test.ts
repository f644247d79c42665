/** History at the other doors: plain WebSockets, event streams, HTTP. */
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { openEventStream, type StreamEvent } from '../../support/clients/event-stream.ts'
import { openPlainWebSocket } from '../../support/clients/plain-websocket.ts'
import { runtime } from '../../support/runtime.ts'
import { handshake, send, subscribe } from '../access/stage.ts'
import {
  bodies,
  compare,
  enter,
  http,
  numbered,
  page,
  post,
  startHistoryNodes,
  type HistoryNodes,
  type Place,
} from './stage.ts'

const CONFIG = `
history:
  - { destination: '/topic/retained/**', size: 1, ttlSeconds: 3600, retain: true }
  - { destination: '/topic/h/**', size: 1000, ttlSeconds: 300 }
`

interface JsonFrame {
  readonly event?: string
  readonly destination: string
  readonly headers: Record<string, string>
  readonly body: string
  readonly encoding?: string
}

describe(`history at the doors on ${runtime}`, () => {
  let nodes: HistoryNodes
  beforeAll(async () => void (nodes = await startHistoryNodes(CONFIG)))

  let topics = 0
  const newTopic = (kind = 'h'): string => `/topic/${kind}/d${++topics}`
  const raw = (topic: string, query: string, node = nodes.b) =>
    openPlainWebSocket(`${node.url.replace('http', 'ws')}/raw${topic}?${query}`)
  const place = (topic: string): Promise<Place> => page(nodes.a, topic)
  const sinceQuery = ({ offset, epoch }: Place): string => `since=${offset}&epoch=${epoch}`

  async function binary(topic: string): Promise<void> {
    const peer = await enter(nodes.a)
    peer.send(Buffer.concat([Buffer.from(`SEND\ndestination:${topic}\ncontent-type:application/octet-stream\ncontent-length:4\nreceipt:r\n\n`), Buffer.from([0, 255, 10, 13, 0])]))
    await peer.receipt('r')
  } // prettier-ignore

  describe('a plain WebSocket', () => {
    it('with JSON frames gets the marker, then what it has missed with offset and epoch, then live', async () => {
      const topic = newTopic()
      await post(nodes.a, topic, ['m1'])
      const at = await place(topic)
      await post(nodes.a, topic, ['m2'])
      await binary(topic)
      const socket = await raw(topic, `frame=json&${sinceQuery(at)}`)
      const now = await place(topic)
      const [marker, m2, bin] = (await socket.messages.take(3)).map((text) => JSON.parse(String(text)) as JsonFrame)
      expect(marker).toEqual({ event: 'position', destination: topic, offset: now.offset, epoch: now.epoch, count: 2, recovered: true })
      expect(m2).toMatchObject({ destination: topic, body: 'm2', headers: { epoch: at.epoch } })
      expect(compare(m2!.headers['offset']!, at.offset)).toBeGreaterThan(0)
      expect(bin).toMatchObject({ body: Buffer.from([0, 255, 10, 13]).toString('base64'), encoding: 'base64', headers: { offset: now.offset } })
      await post(nodes.a, topic, ['live'])
      expect(JSON.parse(String(await socket.messages.next()))).toMatchObject({ body: 'live' })
    }) // prettier-ignore

    it('with bodies alone gets what it has missed, and no marker', async () => {
      const topic = newTopic()
      const before = Date.now() - 60_000
      await post(nodes.a, topic, numbered('m', 1, 3))
      await binary(topic)
      for (const query of ['last=4', `since-time=${before}`]) {
        const socket = await raw(topic, query)
        expect(await socket.messages.take(3)).toEqual(numbered('m', 1, 3))
        expect([...((await socket.messages.next()) as Uint8Array)]).toEqual([0, 255, 10, 13])
      }
      const none = await raw(topic, 'last=0')
      const live = await raw(topic, '')
      await post(nodes.a, topic, ['live'])
      for (const socket of [none, live]) expect(await socket.messages.next()).toBe('live')
    })

    it('is told of another epoch and of what is missing', async () => {
      const topic = newTopic()
      await post(nodes.a, topic, ['m1'])
      const socket = await raw(topic, 'frame=json&since=1-1&epoch=other')
      expect(JSON.parse(String(await socket.messages.next()))).toMatchObject({ event: 'position', recovered: false, count: 1 })
      expect(JSON.parse(String(await socket.messages.next()))).toMatchObject({ body: 'm1' })
      await http(nodes.a.url, 'DELETE', `/api/history?destination=${topic}`)
      expect(JSON.parse(String(await socket.messages.next()))).toMatchObject({ event: 'position', recovered: false, count: 0 })
    }) // prettier-ignore

    it.each([
      ['/raw/topic/none?last=1', 'no-history'],
      ['/raw/topic/h/x?last=x', 'bad-field'],
      ['/raw/topic/h/x?last=1&since-time=1', 'bad-field'],
      ['/raw/topic/h/x?since=1-1', 'bad-field'],
      ['/raw/topic/h/*?last=1', undefined],
    ])('that asks wrongly is refused before the upgrade: %s', async (path, code) => {
      const answer = await handshake(nodes.a, path)
      expect(answer.status).toBe(400)
      if (code) expect(answer.json).toMatchObject({ error: { code } })
    })

    it('gets the retained message unasked', async () => {
      const topic = newTopic('retained')
      await post(nodes.a, topic, ['one', 'two'])
      expect(await (await raw(topic, '')).messages.next()).toBe('two')
      const frame = JSON.parse(String(await (await raw(topic, 'frame=json')).messages.next())) as JsonFrame
      expect(frame).toMatchObject({ body: 'two', headers: { retained: 'true' } })
    })
  })

  describe('an event stream', () => {
    const stream = (topic: string, query = '', headers: Record<string, string> = {}, node = nodes.b) =>
      openEvents(`${node.url}/sse${topic}?${query}`, headers)

    it('has an id with each event, and goes on with Last-Event-ID on another node', async () => {
      const topic = newTopic()
      const first = await stream(topic, 'last=0', {}, nodes.a)
      expect(await first.next()).toMatchObject({ event: 'position' })
      await post(nodes.a, topic, numbered('m', 1, 3))
      const [m1] = await first.take(3)
      expect(m1).toMatchObject({ event: 'message', data: 'm1' })
      for (const query of [`since=${encodeURIComponent(m1!.id)}`, undefined]) {
        const again = await stream(topic, query ?? '', query === undefined ? { 'last-event-id': m1!.id } : {})
        const [position, ...missed] = await again.take(3)
        expect(position!.event).toBe('position')
        expect(JSON.parse(position!.data)).toMatchObject({ destination: topic, count: 2, recovered: true })
        expect(missed.map(({ data }) => data)).toEqual(['m2', 'm3'])
      }
      const asked = await stream(topic, sinceQuery(await place(topic)))
      expect(JSON.parse((await asked.next()).data)).toMatchObject({ count: 0, recovered: true })
    })

    it('gets the retained message unasked, alone and among others, and goes on behind it', async () => {
      const topic = newTopic('retained')
      await post(nodes.a, topic, ['one', 'two'])
      const [two] = await (await stream(topic)).take(1)
      expect(two).toMatchObject({ event: 'message', data: 'two' })
      const several = await openEvents(`${nodes.b.url}/sse?destination=${topic}&destination=${newTopic()}`, {})
      const frame = JSON.parse((await several.next()).data) as JsonFrame
      expect(frame).toMatchObject({ destination: topic, body: 'two', headers: { retained: 'true' } })
      await post(nodes.a, topic, ['three'])
      // Until it has come to this node it is not missed there, it is live.
      expect(JSON.parse((await several.next()).data)).toMatchObject({ body: 'three' })
      const [position, three] = await (await stream(topic, '', { 'last-event-id': two!.id })).take(2)
      expect(JSON.parse(position!.data)).toMatchObject({ event: 'position', count: 1, recovered: true })
      expect(three).toMatchObject({ event: 'message', data: 'three' })
    })

    it('goes on from its last id also when that was of the marker', async () => {
      const topic = newTopic()
      const first = await stream(topic, 'last=0')
      const { id } = await first.next()
      await post(nodes.a, topic, ['m1'])
      await first.next()
      const second = await stream(topic, '', { 'last-event-id': id })
      const [marker, m1] = await second.take(2)
      expect(m1!.data).toBe('m1')
      await post(nodes.a, topic, ['m2'])
      await second.next()
      const third = await stream(topic, '', { 'last-event-id': marker!.id })
      const texts = (await third.take(3)).map(({ data, event }) => (event === 'position' ? event : data))
      expect(texts).toEqual(['position', 'm1', 'm2'])
    }) // prettier-ignore

    it('of several destinations has one id for all of them', async () => {
      const [one, two, none] = [newTopic(), newTopic(), '/topic/none']
      const query = [one, two, none].map((destination) => `destination=${destination}`).join('&')
      const first = await openEvents(`${nodes.a.url}/sse?${query}&last=0`)
      expect((await first.take(3)).map(({ event }) => event)).toEqual(['position', 'position', 'position'])
      await post(nodes.a, one, ['a1', 'a2'])
      await post(nodes.a, two, ['b1'])
      await post(nodes.a, one, ['a3'])
      const came = await first.take(4)
      const ids = came.map(({ id }) => id)
      expect(new Set(ids).size).toBe(4)
      for (const [i, rest] of [['a2', 'a3', 'b1'], undefined, undefined, []].entries()) {
        if (!rest) continue
        const again = await openEvents(`${nodes.b.url}/sse?${query}`, { 'last-event-id': ids[i]! })
        const events = await again.take(3 + rest.length)
        const positions = events.filter(({ event }) => event === 'position').map(({ data }) => JSON.parse(data) as Record<string, unknown>)
        expect(new Set(positions.map(({ destination }) => destination))).toEqual(new Set([one, two, none]))
        for (const { destination, recovered } of positions) expect([destination, recovered]).toEqual([destination, destination !== none])
        const texts = events.filter(({ event }) => event === 'message').map(({ data }) => (JSON.parse(data) as JsonFrame).body)
        expect(texts.sort()).toEqual(rest)
        for (const [topic, text] of [[none, 'n'], [two, 'b'], [one, 'a']] as const) {
          await post(nodes.a, topic, [`live ${text}`])
          expect(JSON.parse((await again.next()).data)).toMatchObject({ destination: topic, body: `live ${text}` })
        }
        // what came live has ids too
        const last = again.last!.id
        const third = await openEvents(`${nodes.a.url}/sse?${query}`, { 'last-event-id': last })
        expect((await third.take(3)).map(({ event }) => event)).toEqual(['position', 'position', 'position'])
        return
      }
    }) // prettier-ignore

    it('an id that nobody gave recovers nothing that is told as whole', async () => {
      const topic = newTopic()
      await post(nodes.a, topic, ['m1'])
      for (const id of ['nonsense', '', '1-1@', '@', '1@2,3@4', '-', '99999999999999999999-1@x']) {
        const events = await stream(topic, '', { 'last-event-id': id })
        const [position, m1] = await events.take(2)
        expect(JSON.parse(position!.data)).toMatchObject({ recovered: false, count: 1 })
        expect(m1!.data).toBe('m1')
      }
    })

    it('carries what events cannot as JSON, from the history too', async () => {
      const topic = newTopic()
      await binary(topic)
      await post(nodes.a, topic, ['', 'a\r\nb', 'a\nb'])
      const events = await (await stream(topic, 'last=4')).take(5)
      const [bin, empty, returns] = events.slice(1, 4).map(({ data }) => JSON.parse(data) as JsonFrame)
      expect(bin).toMatchObject({ encoding: 'base64', body: Buffer.from([0, 255, 10, 13]).toString('base64') })
      expect([empty!.body, returns!.body, events[4]!.data]).toEqual(['', 'a\r\nb', 'a\nb'])
    })

    it('is told of a DELETE', async () => {
      const topic = newTopic()
      const events = await stream(topic, 'last=0')
      await events.next()
      await http(nodes.a.url, 'DELETE', `/api/history?destination=${topic}`)
      expect(JSON.parse((await events.next()).data)).toMatchObject({ recovered: false, count: 0 })
      await post(nodes.a, topic, ['new'])
      expect((await events.next()).data).toBe('new')
    })
  })

  describe('HTTP', () => {
    it('pages oldest first, from where it is told', async () => {
      const topic = newTopic()
      await post(nodes.a, topic, numbered('m', 1, 25))
      const all = await page(nodes.b, topic)
      expect(all.messages.map(({ body }) => body)).toEqual(numbered('m', 1, 25))
      expect(all.recovered).toBeUndefined()
      expect(all.offset).toBe(all.messages.at(-1)!.offset)
      const seen: string[] = []
      let at: Place = { offset: all.messages[0]!.offset, epoch: all.epoch }
      for (;;) {
        const next = await page(nodes.a, topic, { since: at.offset, epoch: at.epoch, limit: '7' })
        expect(next.recovered).toBe(true)
        if (next.messages.length === 0) break
        seen.push(...next.messages.map(({ body }) => body))
        at = { offset: next.messages.at(-1)!.offset, epoch: next.epoch }
      }
      expect(seen).toEqual(numbered('m', 2, 25))
      expect((await page(nodes.a, topic, { last: '3' })).messages.map(({ body }) => body)).toEqual(numbered('m', 23, 25))
      expect((await page(nodes.a, topic, { last: '3', limit: '2' })).messages.map(({ body }) => body)).toEqual(['m23', 'm24'])
      expect((await page(nodes.a, topic, { last: '0' })).messages).toEqual([])
      expect((await page(nodes.a, topic, { 'since-time': '1' })).messages).toHaveLength(25)
      expect(await page(nodes.a, topic, { since: '1-1', epoch: 'x' })).toMatchObject({ recovered: false, messages: { length: 25 } })
    }) // prettier-ignore

    it('tells time, type, headers and binary bodies', async () => {
      const topic = newTopic()
      const peer = await enter(nodes.a)
      const before = Date.now()
      send(peer, topic, 'text', { 'content-type': 'text/x', 'x-a': '1', receipt: 'r' })
      await peer.receipt('r')
      await binary(topic)
      await post(nodes.a, topic, [{ id: 1 }])
      const { messages } = await page(nodes.b, topic)
      expect(messages).toMatchObject([
        { body: 'text', contentType: 'text/x', headers: { 'x-a': '1' } },
        { body: Buffer.from([0, 255, 10, 13]).toString('base64'), encoding: 'base64', contentType: 'application/octet-stream' },
        { body: '{"id":1}' },
      ])
      expect(messages[0]!.encoding).toBeUndefined()
      for (const { timestamp } of messages) {
        expect(timestamp).toBeGreaterThanOrEqual(before - 1000)
        expect(timestamp).toBeLessThanOrEqual(Date.now() + 1000)
      }
    }) // prettier-ignore

    it('gives the retained message, or 404', async () => {
      const topic = newTopic('retained')
      const url = `/api/retained?destination=${topic}`
      expect(await http(nodes.a.url, 'GET', url)).toMatchObject({ status: 404, json: { error: { code: 'not-found' } } })
      await post(nodes.b, topic, ['one', 'two'])
      expect(await http(nodes.a.url, 'GET', url)).toMatchObject({ status: 200, json: { body: 'two' } })
      await http(nodes.a.url, 'DELETE', `/api/history?destination=${topic}`)
      expect((await http(nodes.b.url, 'GET', url)).status).toBe(404)
      const fresh = await enter(nodes.a)
      await subscribe(fresh, topic)
      await post(nodes.b, topic, ['three'])
      expect(await bodies(fresh, 1)).toEqual(['three'])
    })

    it.each([
      ['GET', '/api/history'],
      ['GET', '/api/history?destination=/topic/none'],
      ['GET', '/api/history?destination=/topic/h/*'],
      ['GET', '/api/history?destination=/topic/h/x&since=1-1'],
      ['GET', '/api/history?destination=/topic/h/x&last=1&since-time=1'],
      ['GET', '/api/history?destination=/topic/h/x&last=-1'],
      ['GET', '/api/history?destination=/topic/h/x&limit=0'],
      ['GET', '/api/history?destination=/topic/h/x&limit=x'],
      ['DELETE', '/api/history'],
      ['DELETE', '/api/history?destination=/topic/none'],
      ['DELETE', '/api/history?destination=/topic/**'],
      ['GET', '/api/retained'],
    ])('refuses %s %s', async (method, path) => {
      const { status, json } = await http(nodes.a.url, method, path)
      expect(status).toBe(400)
      expect(json).toMatchObject({ error: { code: expect.any(String) as string } })
    })
  })
})

interface Events {
  /** Of all so far. */
  readonly last: StreamEvent | undefined
  next(): Promise<StreamEvent>
  take(count: number): Promise<StreamEvent[]>
}

/** A stream that is open, and goes with the test. */
async function openEvents(url: string, headers: Record<string, string> = {}): Promise<Events> {
  const { events, response, close } = await openEventStream(url, { headers })
  onTestFinished(close)
  expect(response.status).toBe(200)
  const take = (count: number): Promise<StreamEvent[]> => events.take(count)
  return {
    get last() {
      return events.all.at(-1)
    },
    next: async () => (await take(1))[0]!,
    take,
  }
}
