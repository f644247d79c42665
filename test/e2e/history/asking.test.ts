/** What a STOMP subscriber may ask of the history of a destination, and what it is told, on two nodes. */
import { beforeAll, describe, expect, it } from 'vitest'
import { runtime } from '../../support/runtime.ts'
import { bodyText, frameText } from '../../support/stomp-peer.ts'
import { expectError, send, subscribe, subscribing } from '../access/stage.ts'
import {
  ask,
  bodies,
  compare,
  enter,
  http,
  messages,
  numbered,
  page,
  placeOf,
  post,
  quiet,
  since,
  startHistoryNodes,
  type HistoryNodes,
} from './stage.ts'

const CONFIG = `
history:
  - { destination: '/topic/retained/**', size: 1, ttlSeconds: 3600, retain: true }
  - { destination: '/topic/small/**', size: 5, ttlSeconds: 300 }
  - { destination: '/topic/brief/**', size: 100, ttlSeconds: 1 }
  - { destination: '/topic/h/**', size: 1000, ttlSeconds: 300 }
`

describe(`asking for history on ${runtime}`, () => {
  let nodes: HistoryNodes
  beforeAll(async () => void (nodes = await startHistoryNodes(CONFIG)))

  let topics = 0
  const newTopic = (kind = 'h'): string => `/topic/${kind}/${++topics}`

  it('every message has an offset that rises, an epoch, and the same id on each node', async () => {
    const topic = newTopic()
    const [x, y] = [await enter(nodes.a), await enter(nodes.b)]
    for (const peer of [x, y]) await subscribe(peer, topic)
    await post(nodes.a, topic, numbered('m', 1, 5))
    await post(nodes.b, topic, numbered('m', 6, 10))
    const came = [await messages(x, 10), await messages(y, 10)]
    for (const frames of came) {
      expect(frames.map(bodyText)).toEqual(numbered('m', 1, 10))
      const places = frames.map(placeOf)
      for (const { offset } of places) expect(offset).toMatch(/^[\d-]+$/)
      for (let i = 1; i < 10; i++) expect(compare(places[i]!.offset, places[i - 1]!.offset)).toBeGreaterThan(0)
      expect(new Set(places.map(({ epoch }) => epoch)).size).toBe(1)
    }
    const ids = came.map((frames) => frames.map(({ headers }) => headers.get('message-id')))
    expect(ids[0]).toEqual(ids[1])
    expect(new Set(ids[0]).size).toBe(10)
  })

  it('who asks for nothing gets no marker, and nothing old', async () => {
    const topic = newTopic()
    await post(nodes.a, topic, ['old'])
    const peer = await enter(nodes.b)
    await subscribe(peer, topic)
    await post(nodes.a, topic, ['new'])
    expect(await bodies(peer, 1)).toEqual(['new'])
  })

  it('since: what was missed comes behind a marker that counts it, oldest first, then live', async () => {
    const topic = newTopic()
    const first = await enter(nodes.a)
    await subscribe(first, topic)
    await post(nodes.a, topic, numbered('m', 1, 10))
    const place = placeOf((await messages(first, 4)).at(-1)!)
    for (const node of [nodes.a, nodes.b]) {
      const peer = await enter(node)
      const marker = await ask(peer, topic, since(place))
      expect(Object.fromEntries(marker.headers)).toMatchObject({ count: '6', recovered: 'true', epoch: place.epoch })
      expect(marker.headers.has('missed')).toBe(false)
      expect(bodyText(marker)).toBe('')
      expect(await bodies(peer, 6)).toEqual(numbered('m', 5, 10))
      await post(node, topic, ['live'])
      expect(await bodies(peer, 1)).toEqual(['live'])
      await http(node.url, 'GET', '/api/history') // a bad request changes nothing
      peer.terminate()
      // for the next node the same again
      await http(node.url, 'DELETE', `/api/history?destination=${topic}`)
      if (node === nodes.b) break
      const again = await enter(node)
      const here = placeOf(await ask(again, topic, { last: '0' }))
      Object.assign(place, here)
      await post(node, topic, numbered('m', 5, 10))
    }
  })

  it('a marker with nothing behind it says where to go on', async () => {
    const topic = newTopic()
    const peer = await enter(nodes.a)
    const marker = await ask(peer, topic, { last: '0' })
    expect(Object.fromEntries(marker.headers)).toMatchObject({ count: '0' })
    for (const name of ['recovered', 'missed', 'retained']) expect(marker.headers.has(name)).toBe(false)
    await post(nodes.b, topic, ['one', 'two'])
    const late = await enter(nodes.b)
    const answer = await ask(late, topic, since(placeOf(marker)))
    expect(Object.fromEntries(answer.headers)).toMatchObject({ count: '2', recovered: 'true' })
    expect(await bodies(late, 2)).toEqual(['one', 'two'])
    const newest = await ask(await enter(nodes.a), topic, since(placeOf(answer)))
    expect(Object.fromEntries(newest.headers)).toMatchObject({
      count: '0',
      recovered: 'true',
      offset: placeOf(answer).offset,
    })
  })

  it('last: at most so many of the newest, at most size', async () => {
    const topic = newTopic('small')
    await post(nodes.a, topic, numbered('m', 1, 50))
    for (const [last, count] of [['0', 0], ['1', 1], ['3', 3], ['5', 5], ['6', 5], ['1000000', 5]] as const) {
      for (const node of [nodes.a, nodes.b]) {
        const peer = await enter(node)
        const marker = await ask(peer, topic, { last })
        expect([last, marker.headers.get('count')]).toEqual([last, String(count)])
        expect(await bodies(peer, count)).toEqual(numbered('m', 51 - count, 50))
        await quiet(peer)
      }
    }
  }) // prettier-ignore

  it.each([
    ['last', { last: '5' }],
    ['since-time', { 'since-time': '1' }],
    ['another epoch', { since: '1-1', epoch: 'other' }],
  ])('%s of an empty destination is answered, also to many at once and one after the other', async (_name, wanted) => {
    const topic = newTopic()
    for (let round = 0; round < 2; round++) {
      const peers = await Promise.all([nodes.a, nodes.b, nodes.a, nodes.b].map((node) => enter(node)))
      const markers = await Promise.all(peers.map((peer) => ask(peer, topic, wanted)))
      for (const { headers } of markers) expect(headers.get('count')).toBe('0')
      await post(nodes.a, topic, [`live${round}`])
      for (const peer of peers) expect(await bodies(peer, 1)).toEqual([`live${round}`])
      await http(nodes.b.url, 'DELETE', `/api/history?destination=${topic}`)
      for (const peer of peers) await peer.expect('MESSAGE', { event: 'position', recovered: 'false' })
    }
  })

  it('since-time: what is strictly later by the clock of Redis', async () => {
    const topic = newTopic()
    const begun = await redisMs()
    const peer = await enter(nodes.a)
    await subscribe(peer, topic)
    for (let i = 1; i <= 6; i++) {
      await post(nodes.b, topic, [`m${i}`])
      await laterMs()
    }
    const { messages: held } = await page(nodes.a, topic)
    for (const node of [nodes.a, nodes.b, nodes.a, nodes.b]) {
      for (const [i, { timestamp }] of held.entries()) {
        const again = await enter(node)
        const marker = await ask(again, topic, { 'since-time': String(timestamp) })
        expect(Object.fromEntries(marker.headers)).toMatchObject({ count: String(5 - i), recovered: 'true' })
        expect(await bodies(again, 5 - i)).toEqual(numbered('m', i + 2, 6))
        again.terminate()
      }
    }
    const all = await enter(nodes.b)
    const marker = await ask(all, topic, { 'since-time': String(begun) })
    expect(Object.fromEntries(marker.headers)).toMatchObject({ count: '6' })
    expect(await bodies(all, 6)).toEqual(numbered('m', 1, 6))
    const future = await ask(await enter(nodes.b), topic, { 'since-time': String((await redisMs()) + 100_000) })
    expect(Object.fromEntries(future.headers)).toMatchObject({ count: '0', recovered: 'true' })
  })

  it('recovered: false with how many are missing, when they were trimmed; and what is held follows', async () => {
    const topic = newTopic('small')
    const first = await enter(nodes.a)
    const place = placeOf(await ask(first, topic, { last: '0' }))
    await post(nodes.a, topic, numbered('m', 1, 400))
    await messages(first, 400)
    const { messages: held } = await page(nodes.b, topic, { limit: '1000' })
    expect(held.length).toBeGreaterThanOrEqual(5)
    expect(held.length).toBeLessThanOrEqual(5 + 100)
    const missed = 400 - held.length
    for (let i = 0; i < 3; i++) {
      for (const node of [nodes.a, nodes.b]) {
        const peer = await enter(node)
        const marker = await ask(peer, topic, since(place))
        expect(Object.fromEntries(marker.headers)).toMatchObject({ recovered: 'false', missed: String(missed), count: String(held.length) })
        expect(await bodies(peer, held.length)).toEqual(numbered('m', missed + 1, 400))
        await quiet(peer)
      }
    }
  }) // prettier-ignore

  it('recovered: true also when its own entry was trimmed, and nothing behind it', async () => {
    const topic = newTopic('small')
    const first = await enter(nodes.a)
    await subscribe(first, topic)
    await post(nodes.a, topic, numbered('m', 1, 400))
    const places = (await messages(first, 400)).map(placeOf)
    const { messages: held } = await page(nodes.b, topic, { limit: '1000' })
    const trimmed = 400 - held.length
    const fresh = await nodes.startAnother()
    for (const node of [fresh, nodes.a, nodes.b]) {
      const peer = await enter(node)
      const marker = await ask(peer, topic, since(places[trimmed - 1]!))
      expect(Object.fromEntries(marker.headers)).toMatchObject({ recovered: 'true', count: String(held.length) })
      expect(await bodies(peer, held.length)).toEqual(numbered('m', trimmed + 1, 400))
      const late = await ask(await enter(fresh), topic, since(places[trimmed - 2]!))
      expect(Object.fromEntries(late.headers)).toMatchObject({ recovered: 'false', missed: '1' })
    }
  })

  it('what has expired is missing, what was the newest is not', async () => {
    const topic = newTopic('brief')
    const first = await enter(nodes.a)
    const begin = placeOf(await ask(first, topic, { last: '0' }))
    await post(nodes.a, topic, ['one', 'two', 'three'])
    const places = (await messages(first, 3)).map(placeOf)
    await untilHeld(topic, 0)
    for (const node of [nodes.a, nodes.b, nodes.a, nodes.b]) {
      const answer = async (place: typeof begin) => Object.fromEntries((await ask(await enter(node), topic, since(place))).headers)
      expect(await answer(begin)).toMatchObject({ recovered: 'false', missed: '3', count: '0' })
      expect(await answer(places[0]!)).toMatchObject({ recovered: 'false', missed: '2', count: '0' })
      expect(await answer(places[2]!)).toMatchObject({ recovered: 'true', count: '0' })
    }
    await post(nodes.b, topic, ['four'])
    const peer = await enter(nodes.a)
    expect(Object.fromEntries((await ask(peer, topic, since(places[2]!))).headers)).toMatchObject({ recovered: 'true', count: '1' })
    expect(await bodies(peer, 1)).toEqual(['four'])
  }) // prettier-ignore

  it.each([
    ['another epoch', (place: { offset: string }) => ({ since: place.offset, epoch: 'nosuch' })],
    ['beyond the newest', (place: { offset: string; epoch: string }) => ({ since: beyond(place.offset, 3), epoch: place.epoch })],
    ['far beyond', (place: { epoch: string }) => ({ since: '9999999999999999-5', epoch: place.epoch })],
    ['the largest', (place: { epoch: string }) => ({ since: '99999999999999999999-99999999999999999999', epoch: place.epoch })],
    ['without a second part', (place: { epoch: string }) => ({ since: '99999999999999999999', epoch: place.epoch })],
  ])('recovered: false for %s, and all that is held follows', async (_name, wanted) => {
    const topic = newTopic()
    await post(nodes.a, topic, numbered('m', 1, 3))
    const place = await page(nodes.a, topic)
    for (const node of [nodes.a, nodes.b, nodes.a, nodes.b]) {
      const peer = await enter(node)
      const marker = await ask(peer, topic, wanted(place))
      expect(Object.fromEntries(marker.headers)).toMatchObject({ recovered: 'false', count: '3', epoch: place.epoch })
      expect(await bodies(peer, 3)).toEqual(numbered('m', 1, 3))
      await quiet(peer)
    }
    const query = wanted(place) as Record<string, string>
    expect(await page(nodes.a, topic, query)).toMatchObject({ recovered: false })
    expect((await page(nodes.a, topic, query)).messages.map(({ body }) => body)).toEqual(numbered('m', 1, 3))
  }) // prettier-ignore

  it('asking where there is no history, for a pattern, or in two ways is refused', async () => {
    const cases: [destination: string, headers: Record<string, string>, code: string][] = [
      ['/topic/none', { last: '1' }, 'no-history'],
      ['/topic/none', { since: '1-1', epoch: 'e' }, 'no-history'],
      ['/topic/h/*', { last: '1' }, 'bad-header'],
      ['/topic/**', { 'since-time': '1' }, 'bad-header'],
      ['/topic/h/1', { last: '1', 'since-time': '1' }, 'bad-header'],
      ['/topic/h/1', { last: '1', since: '1-1', epoch: 'e' }, 'bad-header'],
      ['/topic/h/1', { since: '1-1' }, 'bad-header'],
      ['/topic/h/1', { epoch: 'e' }, 'bad-header'],
      ['/topic/h/1', { since: 'x', epoch: 'e' }, 'bad-header'],
      ['/topic/h/1', { since: '-1', epoch: 'e' }, 'bad-header'],
      ['/topic/h/1', { last: '-1' }, 'bad-header'],
      ['/topic/h/1', { last: '1.5' }, 'bad-header'],
      ['/topic/h/1', { last: '' }, 'bad-header'],
      ['/topic/h/1', { 'since-time': 'now' }, 'bad-header'],
    ]
    await Promise.all(
      cases.map(async ([destination, headers, code]) => {
        const peer = await enter(nodes.a)
        subscribing(peer, destination, { ...headers, receipt: 'r' })
        expect((await expectError(peer, code, 1002)).headers.get('receipt-id')).toBe('r')
      }),
    )
  })

  it('patterns get what is sent, with its offset, and nothing old', async () => {
    const topic = newTopic('retained')
    await post(nodes.a, topic, ['old'])
    const peer = await enter(nodes.b)
    await subscribe(peer, '/topic/retained/*')
    await post(nodes.a, topic, ['new'])
    const [came] = await messages(peer, 1)
    expect(bodyText(came!)).toBe('new')
    expect(came!.headers.has('retained')).toBe(false)
    expect(placeOf(came!).epoch).toBe((await page(nodes.a, topic)).epoch)
  })

  it('retained: the newest comes unasked with retained: true, not to who asks', async () => {
    const topic = newTopic('retained')
    const early = await enter(nodes.a)
    await subscribe(early, topic)
    await post(nodes.b, topic, ['one', 'two'])
    expect((await messages(early, 2)).map(({ headers }) => headers.has('retained'))).toEqual([false, false])
    for (const node of [nodes.a, nodes.b]) {
      const peer = await enter(node)
      subscribing(peer, topic, { receipt: 'live' })
      const [kept] = await messages(peer, 1)
      expect([bodyText(kept!), kept!.headers.get('retained')]).toEqual(['two', 'true'])
      await peer.receipt('live')
      await quiet(peer)
      const asking = await enter(node)
      await ask(asking, topic, { last: '1' })
      const [asked] = await messages(asking, 1)
      expect([bodyText(asked!), asked!.headers.has('retained')]).toEqual(['two', false])
      expect(asked!.headers.get('message-id')).toBe(kept!.headers.get('message-id'))
    }
    await post(nodes.a, topic, ['three'])
    const [live] = await messages(early, 1)
    expect(live!.headers.has('retained')).toBe(false)
    const empty = await enter(nodes.b)
    await subscribe(empty, newTopic('retained'))
    await quiet(empty)
  })

  it('exclude-self leaves out what this session has sent, from the history and live', async () => {
    const topic = newTopic()
    const [me, other] = [await enter(nodes.a), await enter(nodes.b)]
    for (const [peer, body] of [[me, 'mine'], [other, 'theirs']] as const) {
      send(peer, topic, body, { receipt: body })
      await peer.receipt(body)
    }
    await ask(me, topic, { last: '10', 'exclude-self': 'true' })
    expect(await bodies(me, 1)).toEqual(['theirs'])
    send(me, topic, 'mine again', { receipt: '2' })
    await me.receipt('2')
    send(other, topic, 'theirs again')
    expect(await bodies(me, 1)).toEqual(['theirs again'])
  }) // prettier-ignore

  it.each(['client', 'client-individual'])('ack: %s names each message, and never the marker', async (mode) => {
    const topic = newTopic()
    await post(nodes.a, topic, ['m1'])
    await laterMs()
    await post(nodes.a, topic, ['m2', 'm3'])
    const peer = await enter(nodes.b)
    const marker = await ask(peer, topic, { last: '10', ack: mode })
    expect(marker.headers.has('ack')).toBe(false)
    await laterMs()
    await post(nodes.a, topic, ['m4'])
    const came = await messages(peer, 4)
    const acks = came.map(({ headers }) => headers.get('ack')!)
    expect(new Set(acks).size).toBe(4)
    // the first twice, which is no fault: in mode client the later one has settled it already
    for (const [i, at] of [1, 0, 0, 3, 2, 3].entries()) {
      peer.send(frameText('ACK', { id: acks[at]!, receipt: `ack-${i}` }))
      await peer.receipt(`ack-${i}`)
    }
    peer.send(frameText('UNSUBSCRIBE', { id: topic, receipt: 'over' }))
    await peer.receipt('over')
    peer.send(frameText('NACK', { id: acks[0]!, receipt: 'late' }))
    await peer.receipt('late')
  })

  it('a transaction is recorded as a whole, in order, and takes effect together', async () => {
    const [one, two] = [newTopic(), newTopic()]
    const reader = await enter(nodes.b)
    await subscribe(reader, one)
    const peer = await enter(nodes.a)
    peer.send(frameText('BEGIN', { transaction: 't' }))
    for (let i = 1; i <= 5; i++) send(peer, i % 2 ? one : two, `t${i}`, { transaction: 't' })
    await quiet(peer)
    expect((await page(nodes.a, one)).messages).toEqual([])
    peer.send(frameText('COMMIT', { transaction: 't', receipt: 'c' }))
    await peer.receipt('c')
    expect(await bodies(reader, 3)).toEqual(['t1', 't3', 't5'])
    expect((await page(nodes.b, one)).messages.map(({ body }) => body)).toEqual(['t1', 't3', 't5'])
    expect((await page(nodes.b, two)).messages.map(({ body }) => body)).toEqual(['t2', 't4'])
    peer.send(frameText('BEGIN', { transaction: 'u' }))
    send(peer, one, 'never', { transaction: 'u' })
    peer.send(frameText('ABORT', { transaction: 'u', receipt: 'u' }))
    await peer.receipt('u')
    expect((await page(nodes.b, one)).messages).toHaveLength(3)
  })

  it('headers and binary bodies come from the history as they come live', async () => {
    const topic = newTopic()
    const live = await enter(nodes.a)
    await subscribe(live, topic)
    const octets = Buffer.from([0, 1, 2, 255, 254, 10, 13, 0])
    const head = `SEND\ndestination:${topic}\ncontent-type:application/octet-stream\nx-own:a\\cb\\nc\noffset:9-9\nepoch:forged\ncontent-length:8\n\n`
    live.send(Buffer.concat([Buffer.from(head), octets, Buffer.from([0])]))
    send(live, topic, '{"ž":"🙂"}', { 'content-type': 'application/json' })
    send(live, topic, '')
    const came = await messages(live, 3)
    const later = await enter(nodes.b)
    await ask(later, topic, { last: '3' })
    const again = await messages(later, 3)
    const view = (frames: typeof came) => frames.map(({ headers, body }) => [Object.fromEntries(headers), [...body]])
    expect(view(again)).toEqual(view(came))
    expect([...again[0]!.body]).toEqual([...octets])
    expect(again[0]!.headers.get('x-own')).toBe('a:b\nc')
    expect(placeOf(again[0]!).epoch).not.toBe('forged')
  })

  it('a client that makes a message look like a marker does not', async () => {
    const topic = newTopic()
    const peer = await enter(nodes.a)
    await subscribe(peer, topic)
    send(peer, topic, 'x', { event: 'position', count: '7', recovered: 'false', retained: 'true' })
    const [came] = await messages(peer, 1)
    expect(came!.headers.has('event')).toBe(false)
    expect(came!.headers.has('retained')).toBe(false)
  })

  it('/metrics tells how much the longest history of each rule holds, and asks Redis seldom for it', async () => {
    const bridge = await nodes.startAnother()
    const scrape = async (): Promise<string[]> =>
      (await (await fetch(`${bridge.url}/metrics`)).text()).split('\n').filter((line) => /history_log/.test(line))
    const [one, other] = [newTopic(), newTopic()]
    const peer = await enter(bridge)
    for (const topic of [one, other]) await subscribe(peer, topic)
    await post(nodes.a, one, numbered('m', 1, 2))
    await post(nodes.b, other, numbered('m', 1, 7))
    await messages(peer, 9)
    const lines = await scrape()
    expect(lines).toContain('stomp_bridge_history_log_messages{rule="/topic/h/**"} 7')
    expect(lines).toContain('stomp_bridge_history_log_messages{rule="/topic/small/**"} 0')
    const age = lines.find((line) => line.startsWith('stomp_bridge_history_log_age_seconds{rule="/topic/h/**"}'))
    expect(Number(age!.split(' ')[1])).toBeLessThan(60)
    const calls = async (): Promise<string | undefined> =>
      /cmdstat_evalsha:calls=(\d+)/.exec(await nodes.backend.info('commandstats'))?.[1]
    const before = await calls()
    for (let i = 0; i < 5; i++) await scrape()
    expect(await calls()).toBe(before)
  })

  it('DELETE empties it on every node: another epoch, and who has asked is told', async () => {
    const topic = newTopic()
    const [asked, plain, elsewhere] = [await enter(nodes.a), await enter(nodes.a), await enter(nodes.b)]
    await subscribe(plain, topic)
    await post(nodes.a, topic, ['one'])
    await bodies(plain, 1)
    for (const peer of [asked, elsewhere]) {
      await ask(peer, topic, { last: '5' })
      await bodies(peer, 1)
    }
    const before = await page(nodes.a, topic)
    expect((await http(nodes.b.url, 'DELETE', `/api/history?destination=${topic}`)).status).toBe(204)
    const after = await page(nodes.a, topic)
    expect(after.epoch).not.toBe(before.epoch)
    expect(after.messages).toEqual([])
    for (const peer of [asked, elsewhere]) {
      const marker = await peer.expect('MESSAGE', { event: 'position', recovered: 'false', count: '0' })
      expect(placeOf(marker)).toEqual({ offset: after.offset, epoch: after.epoch })
    }
    await post(nodes.a, topic, ['two'])
    for (const peer of [asked, plain, elsewhere]) expect(await bodies(peer, 1)).toEqual(['two'])
    const late = await enter(nodes.b)
    const marker = await ask(late, topic, since(before))
    expect(Object.fromEntries(marker.headers)).toMatchObject({ recovered: 'false', count: '1' })
    expect(await bodies(late, 1)).toEqual(['two'])
  })

  const redisMs = async (): Promise<number> => {
    const [seconds, micros] = await nodes.backend.time()
    return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000)
  }

  /** Returns when the clock of Redis shows another millisecond. */
  async function laterMs(): Promise<void> {
    const now = await redisMs()
    while ((await redisMs()) === now);
  }

  async function untilHeld(topic: string, count: number): Promise<void> {
    await expect.poll(async () => (await page(nodes.a, topic)).messages.length, { timeout: 10_000 }).toBe(count)
  }
})

/** An offset with a larger last part, at the same time. */
function beyond(offset: string, by: number): string {
  const [ms, number] = offset.split('-')
  return `${ms}-${Number(number) + by}`
}
