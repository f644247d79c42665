/** What is published with history, by whom and how often: idempotent senders, programs that only PUBLISH, others on the broadcast channel. */
import type { Redis } from 'ioredis'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { listen, metric } from '../../support/clients/backend.ts'
import { Inbox } from '../../support/clients/inbox.ts'
import type { BridgeProcess } from '../../support/process.ts'
import { runtime } from '../../support/runtime.ts'
import { bodyText, type StompPeer } from '../../support/stomp-peer.ts'
import { eventually } from '../../support/wait.ts'
import { logIn, send, subscribe, token } from '../access/stage.ts'
import {
  ask,
  bodies,
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

const SECRET = 'a secret of more than thirty-two bytes'
const HISTORY = `
history:
  - { destination: '/topic/h/**', size: 1000, ttlSeconds: 300 }
  - { destination: '/user/*/queue/h', size: 100, ttlSeconds: 300 }
routes:
  inbound:
    - { channel: 'plain:{name}', destination: '/topic/h/{name}', codec: raw }
    - { channel: 'json:{name}', destination: '/topic/h/{name}', codec: json }
    - { channel: 'state:{name}', destination: '/topic/h/state/{name}', codec: raw, kept: key }
`

interface Broadcast {
  readonly topic: string
  readonly message: unknown
}

describe(`publishing with history on ${runtime}`, () => {
  let nodes: HistoryNodes
  beforeAll(async () => void (nodes = await startHistoryNodes(HISTORY)))

  let topics = 0
  const newName = (): string => `p${++topics}`
  const newTopic = (): string => `/topic/h/${newName()}`
  const both = (): BridgeProcess[] => [nodes.a, nodes.b]
  const held = async (topic: string): Promise<string[]> =>
    (await page(nodes.a, topic, { limit: '1000' })).messages.map(({ body }) => body)
  const notify = (node: BridgeProcess, topic: string, message: unknown, key?: string) =>
    http(node.url, 'POST', '/api/notification', { topic, message }, key === undefined ? {} : { 'idempotency-key': key })

  async function readers(topic: string): Promise<StompPeer[]> {
    return Promise.all(
      both().map(async (node) => {
        const peer = await enter(node)
        await subscribe(peer, topic)
        return peer
      }),
    )
  }

  /** What was sent before has come to all of them: this is the next that does. */
  async function expectEnd(peers: readonly StompPeer[], topic: string): Promise<void> {
    await post(nodes.a, topic, ['end'])
    for (const peer of peers) expect(await bodies(peer, 1)).toEqual(['end'])
  }

  it('is recorded where a value is kept too, also while nobody is subscribed', async () => {
    const topic = `/topic/h/state/${newName()}`
    const at = await page(nodes.a, topic)
    await post(nodes.a, topic, ['one', 'two'])
    await eventually(async () => expect(await held(topic)).toEqual(['one', 'two']))
    const peer = await enter(nodes.b)
    const marker = await ask(peer, topic, since(at))
    expect(marker.headers.get('recovered')).toBe('true')
    expect(await bodies(peer, 2)).toEqual(['one', 'two'])
  })

  describe('with an idempotency key', () => {
    it.each([['/topic/h/'], ['/topic/none/']])('the second POST changes nothing, below %s', async (prefix) => {
      const topic = prefix + newName()
      const peers = await readers(topic)
      for (const node of [nodes.a, nodes.b, nodes.a]) expect((await notify(node, topic, 'once', 'k')).status).toBe(200)
      expect((await notify(nodes.b, topic, 'again', 'k')).status).toBe(200)
      for (const peer of peers) expect(await bodies(peer, 1)).toEqual(['once'])
      await expectEnd(peers, topic)
      if (prefix === '/topic/h/') expect(await held(topic)).toEqual(['once', 'end'])
    })

    it('many at once on both nodes are one', async () => {
      const topic = newTopic()
      const peers = await readers(topic)
      const answers = await Promise.all(
        Array.from({ length: 60 }, (_, i) => notify(i % 2 ? nodes.a : nodes.b, topic, 'once', `key ${i % 3}`)),
      )
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
      for (const peer of peers) expect(await bodies(peer, 3)).toEqual(['once', 'once', 'once'])
      await expectEnd(peers, topic)
    })

    it('SEND: each has its RECEIPT, in a transaction too, and another destination is another message', async () => {
      const [topic, other] = [newTopic(), newTopic()]
      const peers = await readers(topic)
      const senders = await Promise.all(both().map((node) => enter(node)))
      for (const [i, sender] of [...senders, ...senders].entries()) {
        send(sender, topic, 'once', { 'idempotency-key': 'k', receipt: `r${i}` })
        await sender.receipt(`r${i}`)
      }
      const [first] = senders
      first!.send(`BEGIN\ntransaction:t\n\n\0`)
      for (const text of ['tx1', 'tx1']) send(first!, topic, text, { transaction: 't', 'idempotency-key': 'tx' })
      send(first!, topic, 'tx2', { transaction: 't' })
      send(first!, other, 'other', { transaction: 't', 'idempotency-key': 'k' })
      first!.send(`COMMIT\ntransaction:t\nreceipt:c\n\n\0`)
      await first!.receipt('c')
      for (const peer of peers) {
        const came = await messages(peer, 3)
        expect(came.map(bodyText)).toEqual(['once', 'tx1', 'tx2'])
        expect(came.map(({ headers }) => headers.has('idempotency-key'))).toEqual([false, false, false])
      }
      expect(await held(other)).toEqual(['other'])
      // anonymous clients share one, whatever the door
      expect((await notify(nodes.b, topic, 'never', 'k')).status).toBe(200)
      await expectEnd(peers, topic)
    })

    it('a batch has one, and may be sent again as a whole', async () => {
      const topic = newTopic()
      const peers = await readers(topic)
      const batch = ['b1', 'b2', 'b3'].map((message) => ({ topic, message }))
      for (const node of both()) {
        const { status, json } = await http(node.url, 'POST', '/api/notifications', batch, {
          'idempotency-key': 'batch',
        })
        expect([status, json]).toEqual([200, { results: [{ ok: true }, { ok: true }, { ok: true }] }])
      }
      for (const peer of peers) expect(await bodies(peer, 3)).toEqual(['b1', 'b2', 'b3'])
      for (const key of ['batch', '0 batch', '0batch']) await notify(nodes.a, topic, `one ${key}`, key)
      for (const peer of peers) expect(await bodies(peer, 3)).toEqual(['one batch', 'one 0 batch', 'one 0batch'])
      await expectEnd(peers, topic)
    })

    it.each([['/topic/h/'], ['/topic/none/']])('a batch is known by what it says, below %s', async (prefix) => {
      const topic = prefix + newName()
      const peers = await readers(topic)
      const batch = async (node: BridgeProcess, ...texts: string[]): Promise<void> => {
        const list = texts.map((message) => ({ topic, message }))
        const { json } = await http(node.url, 'POST', '/api/notifications', list, { 'idempotency-key': 'batch' })
        expect(json).toEqual({ results: texts.map(() => ({ ok: true })) })
      }
      await batch(nodes.a, 'b1', 'b2', 'b2')
      await batch(nodes.b, 'b2', 'b1', 'b2')
      await batch(nodes.b, 'in front', 'b2', 'b1')
      await batch(nodes.a, 'other')
      for (const peer of peers) expect(await bodies(peer, 5)).toEqual(['b1', 'b2', 'b2', 'in front', 'other'])
      await expectEnd(peers, topic)
    })

    it('has 1 to 128 characters; what was refused is not remembered', async () => {
      const topic = newTopic()
      const long = 'x'.repeat(129)
      expect(await notify(nodes.a, topic, 'm', long)).toMatchObject({ status: 400 })
      const peer = await enter(nodes.a)
      send(peer, topic, 'm', { 'idempotency-key': long, receipt: 'r' })
      await peer.expect('ERROR', { code: 'bad-header', 'receipt-id': 'r' })
      expect((await notify(nodes.a, topic, null, 'k2')).status).toBe(400)
      expect((await notify(nodes.a, '/nowhere', 'm', 'k2')).status).toBe(400)
      expect((await notify(nodes.a, topic, 'taken', 'k2')).status).toBe(200)
      expect((await notify(nodes.a, topic, 'max', 'y'.repeat(128))).status).toBe(200)
      expect(await held(topic)).toEqual(['taken', 'max'])
    })

    it.each([['ü'], ['🙂']])('of %s has as many characters, and is the same over STOMP and HTTP', async (character) => {
      const topic = newTopic()
      // `fetch` takes a header as octets
      const overHttp = (length: number): string => Buffer.from(character.repeat(length)).toString('latin1')
      expect((await notify(nodes.a, topic, 'm', overHttp(129))).status).toBe(400)
      expect((await notify(nodes.a, topic, 'over HTTP', overHttp(128))).status).toBe(200)
      const peer = await enter(nodes.b)
      send(peer, topic, 'over STOMP', { 'idempotency-key': character.repeat(128), receipt: 'r' })
      await peer.receipt('r')
      expect(await held(topic)).toEqual(['over HTTP'])
      send(peer, topic, 'm', { 'idempotency-key': character.repeat(129), receipt: 'r2' })
      await peer.expect('ERROR', { code: 'bad-header', 'receipt-id': 'r2' })
    })
  })

  describe('by programs that only PUBLISH', () => {
    it('each is recorded once, with the same offset on both nodes, in order', async () => {
      const name = newName()
      const peers = await readers(`/topic/h/${name}`)
      for (let i = 1; i <= 200; i++) void nodes.backend.publish(`plain:${name}`, `m${i}`)
      const came = await Promise.all(peers.map((peer) => messages(peer, 200)))
      for (const frames of came) expect(frames.map(bodyText)).toEqual(numbered('m', 1, 200))
      expect(came[0]!.map(placeOf)).toEqual(came[1]!.map(placeOf))
      await expectEnd(peers, `/topic/h/${name}`)
      expect(await held(`/topic/h/${name}`)).toEqual([...numbered('m', 1, 200), 'end'])
    })

    it('the same text several times is as many messages', async () => {
      const name = newName()
      const peers = await readers(`/topic/h/${name}`)
      for (let i = 0; i < 50; i++) await nodes.backend.publish(`plain:${name}`, 'same')
      for (const peer of peers) expect(await bodies(peer, 50)).toEqual(Array(50).fill('same'))
      await expectEnd(peers, `/topic/h/${name}`)
    })

    it('with JSON, binary and empty bodies', async () => {
      const name = newName()
      const peers = await readers(`/topic/h/${name}`)
      await nodes.backend.publish(`json:${name}`, '{"a":[1,2.50],"ž":"🙂"}')
      await nodes.backend.publish(`plain:${name}`, Buffer.from([0, 255, 1]))
      await nodes.backend.publish(`plain:${name}`, '')
      for (const peer of peers) {
        const came = await messages(peer, 3)
        expect(came.map(({ body }) => [...body])).toEqual([
          [...Buffer.from('{"a":[1,2.50],"ž":"🙂"}')],
          [0, 255, 1],
          [],
        ])
        expect(came[0]!.headers.get('content-type')).toContain('json')
      }
      const late = await enter(nodes.b)
      await ask(late, `/topic/h/${name}`, { last: '3' })
      expect((await messages(late, 3)).map(({ body }) => body.length)).toEqual([26, 3, 0])
    })

    it.each(['a', 'b'] as const)('nothing is lost or doubled when the node that records is killed, and late by a lease at most (%s)', async (which) => {
      const own = await startPair(nodes)
      const name = newName()
      const topic = `/topic/h/${name}`
      const peers = await Promise.all([own.a, own.b].map((node) => enter(node)))
      const [victim, survivor] = which === 'a' ? [own.a, own.b] : [own.b, own.a]
      const [before, other] = which === 'a' ? peers : [...peers].reverse()
      // the first one subscribed records
      await subscribe(before!, topic)
      await own.backend.publish(`plain:${name}`, 'm1')
      await bodies(before!, 1)
      await subscribe(other!, topic)
      let count = 1
      const publish = async (): Promise<void> => void (await own.backend.publish(`plain:${name}`, `m${++count}`))
      for (let i = 0; i < 20; i++) await publish()
      expect(await bodies(other!, 5)).toEqual(numbered('m', 2, 6))
      const killed = victim.stop('SIGKILL')
      for (let i = 0; i < 100; i++) await publish()
      await killed
      const killedAt = performance.now()
      for (let i = 0; i < 20; i++) await publish()
      expect(await bodies(other!, count - 6)).toEqual(numbered('m', 7, count))
      expect(performance.now() - killedAt).toBeLessThan(5000)
      await quiet(other!)
      const { messages: all } = await page(survivor, topic, { limit: '1000' })
      expect(all.map(({ body }) => body)).toEqual(numbered('m', 1, count))
    }) // prettier-ignore
  })

  describe('beside others on the broadcast channel', () => {
    it('what is posted and sent reads as {topic, message}, once', async () => {
      const topic = newTopic()
      const heard = await spring(nodes)
      await post(nodes.a, topic, ['text', { id: 7, price: 1 }])
      const peer = await enter(nodes.b)
      send(peer, topic, 'sent')
      expect(await heard.take(3)).toEqual([
        expect.objectContaining({ topic, message: 'text' }),
        expect.objectContaining({ topic, message: { id: 7, price: 1 } }),
        expect.objectContaining({ topic, message: 'sent' }),
      ])
    })

    it('what others write there comes once to each client, with its offset, and not a second time to the others', async () => {
      const topic = newTopic()
      const heard = await spring(nodes)
      const peers = await readers(topic)
      const sent = ['one', { two: 2 }, 'three'].map((message) => ({ topic, message }))
      for (const each of sent) await nodes.backend.publish('BROADCAST-CHANNEL', JSON.stringify(each))
      for (const peer of peers) {
        const came = await messages(peer, 3)
        expect(came.map(bodyText)).toEqual(['one', '{"two":2}', 'three'])
        expect(new Set(came.map((frame) => placeOf(frame).epoch)).size).toBe(1)
      }
      await expectEnd(peers, topic)
      expect(await held(topic)).toEqual(['one', '{"two":2}', 'three', 'end'])
      expect(await heard.take(4)).toEqual([...sent, expect.objectContaining({ topic, message: 'end' })])
    })

    it('what a backend publishes on another channel does not come to them', async () => {
      const name = newName()
      const heard = await spring(nodes)
      const peers = await readers(`/topic/h/${name}`)
      await nodes.backend.publish(`plain:${name}`, 'for the bridge')
      for (const peer of peers) expect(await bodies(peer, 1)).toEqual(['for the bridge'])
      await expectEnd(peers, `/topic/h/${name}`)
      expect(await heard.take(1)).toEqual([expect.objectContaining({ message: 'end' })])
    })
  })

  it('nothing that a backend publishes was given up', async () => {
    for (const node of both()) expect(await metric(node, 'stomp_bridge_unrecorded_total')).toBe(0)
  })
})

describe(`queues of a user with history on ${runtime}`, () => {
  it('each user has a history, on whatever node, and an idempotency key of its own', async () => {
    const nodes = await startHistoryNodes(`${HISTORY}
access:
  authenticators: [{ type: jwt, algorithms: [HS256], secret: '${SECRET}' }]
  rules: [{ allow: send, destination: '/user/{name}/queue/h' }, { allow: [send, subscribe], destination: '/topic/h/**' }]
  apiKeys: [{ name: all, key: key-of-the-backend, scopes: [publish, read, admin] }]
`)
    const login = async (node: BridgeProcess, user: string) =>
      (await logIn(node, { connect: { passcode: await token(user) } })).peer
    const key = { authorization: 'Bearer key-of-the-backend' }
    for (const [i, user] of ['ann', 'bob', 'ann'].entries()) {
      const { status } = await http(nodes.a.url, 'POST', '/api/notification', { topic: `/user/${user}/queue/h`, message: `${user} ${i}` }, key)
      expect(status).toBe(200)
    }
    const ann = await login(nodes.b, 'ann')
    const marker = await ask(ann, '/user/queue/h', { last: '10' })
    expect(await bodies(ann, 2)).toEqual(['ann 0', 'ann 2'])
    const bob = await login(nodes.a, 'bob')
    await ask(bob, '/user/queue/h', { last: '10' })
    expect(await bodies(bob, 1)).toEqual(['bob 1'])
    send(bob, '/user/ann/queue/h', 'from bob', { receipt: 's', 'idempotency-key': 'k' })
    await bob.receipt('s')
    send(ann, '/user/ann/queue/h', 'from ann', { receipt: 's', 'idempotency-key': 'k' })
    const got = [await ann.expect('MESSAGE'), await ann.frame(), await ann.frame()]
    expect(got.filter(({ command }) => command === 'MESSAGE').map(bodyText)).toEqual(['from bob', 'from ann'])
    const again = await login(nodes.a, 'ann')
    const next = await ask(again, '/user/queue/h', { since: placeOf(marker).offset, epoch: placeOf(marker).epoch })
    expect(next.headers.get('recovered')).toBe('true')
    expect(await bodies(again, 2)).toEqual(['from bob', 'from ann'])
    const url = `/api/history?destination=${encodeURIComponent('/user/ann/queue/h')}`
    expect((await http(nodes.a.url, 'GET', url)).status).toBe(401)
    expect(((await http(nodes.a.url, 'GET', url, undefined, key)).json as { messages: unknown[] }).messages).toHaveLength(4)
  }) // prettier-ignore
})

/** Two more nodes, one of which will die. */
async function startPair({ redis, startAnother }: HistoryNodes): Promise<{ a: BridgeProcess; b: BridgeProcess; backend: Redis }> {
  return { a: await startAnother(), b: await startAnother(), backend: await redis.client() }
} // prettier-ignore

/** A program that takes messages from the broadcast channel, as an instance with Spring does. */
async function spring({ redis }: HistoryNodes): Promise<Inbox<Broadcast>> {
  const payloads = await listen(redis, 'BROADCAST-CHANNEL')
  const heard = new Inbox<Broadcast>('broadcast')
  let isOver = false
  onTestFinished(() => void (isOver = true))
  const read = async (): Promise<void> => {
    while (!isOver) {
      const payload = await payloads.next(1_000_000).catch(() => undefined)
      if (payload) heard.put(JSON.parse(payload.toString()) as Broadcast)
    }
  }
  void read()
  await eventually(() => expect(isOver).toBe(false))
  return heard
}
