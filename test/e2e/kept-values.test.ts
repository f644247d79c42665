/** Routes that keep the newest payload in a key, as django-websocket-redis does: on two nodes with a real Redis. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { openPlainWebSocket } from '../support/clients/plain-websocket.ts'
import { spawnBridge, type BridgeProcess } from '../support/process.ts'
import { runtime } from '../support/runtime.ts'
import { bodyText, connectPeer, frameText, type StompPeer } from '../support/stomp-peer.ts'
import { startWorld, untilReady, type World } from '../support/world.ts'

const CONFIG = `
routes:
  inbound:
    - { channel: 'state:{name}', destination: '/topic/state/{name}', codec: raw, kept: key, keptTtlSeconds: 100 }
    - { channel: 'text:{name}', destination: '/topic/text/{name}', codec: json-string, kept: key, keptTtlSeconds: 100 }
    - { channel: 'off:{name}', destination: '/topic/off/{name}', codec: raw, kept: key, keptTtlSeconds: 0 }
    - { preset: ws4redis, facility: foobar }
endpoints:
  - { path: '/ws/{facility}', preset: ws4redis }
`

describe(`kept values on ${runtime}`, () => {
  let world: World
  let a: BridgeProcess
  let b: BridgeProcess
  beforeAll(async () => {
    const directory = mkdtempSync(join(tmpdir(), 'stomp-bridge-kept-'))
    afterAll(() => rmSync(directory, { recursive: true }))
    const file = join(directory, 'bridge.yaml')
    writeFileSync(file, CONFIG)
    const args = ['--config', file]
    world = await startWorld({ runtime, args })
    a = world.bridge
    b = await spawnBridge({ runtime, args, env: { REDIS_URL: world.redis.url } })
    afterAll(async () => void (await b.stop()))
    await untilReady(b)
  })

  let names = 0
  const newName = (): string => `n${++names}`

  async function logIn(bridge: BridgeProcess): Promise<StompPeer> {
    const peer = await connectPeer({ url: bridge.wsUrl })
    onTestFinished(() => peer.terminate())
    peer.send(frameText('CONNECT', { 'accept-version': '1.2' }))
    await peer.expect('CONNECTED')
    return peer
  }

  function subscribe(peer: StompPeer, destination: string): void {
    peer.send(frameText('SUBSCRIBE', { id: '1', destination, receipt: 'subscribed' }))
  }

  async function post(bridge: BridgeProcess, topic: string, message: unknown): Promise<void> {
    const response = await fetch(`${bridge.url}/api/notification`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ topic, message }),
    })
    expect([response.status, await response.text()]).toEqual([200, ''])
  }

  /** The next frames: bodies of messages, `retained` before those that are, and receipts. */
  async function next(peer: StompPeer, count: number): Promise<string[]> {
    const got: string[] = []
    for (let i = 0; i < count; i++) {
      const frame = await peer.frame()
      if (frame.command === 'RECEIPT') got.push('RECEIPT')
      else got.push(`${frame.headers.get('retained') === 'true' ? 'retained ' : ''}${bodyText(frame)}`)
    }
    return got
  }

  it('come first to who subscribes, also when a backend has set the key, then what is live', async () => {
    const name = newName()
    await world.backend.set(`state:${name}`, 'kept', 'EX', 100)
    const peer = await logIn(a)
    subscribe(peer, `/topic/state/${name}`)
    expect(await next(peer, 2)).toEqual(['retained kept', 'RECEIPT'])
    await world.backend.publish(`state:${name}`, 'live')
    expect(await next(peer, 1)).toEqual(['live'])
  })

  it('are set by POST and SEND together with the publish on the channel, on every node', async () => {
    const name = newName()
    const watching = await world.redis.client()
    const heard: string[] = []
    await watching.subscribe(`state:${name}`)
    watching.on('message', (_channel, payload: string) => heard.push(payload))
    await post(a, `/topic/state/${name}`, 'by POST')
    expect(await world.backend.get(`state:${name}`)).toBe('by POST')
    expect(await world.backend.ttl(`state:${name}`)).toBeGreaterThan(90)
    const [first, second] = [await logIn(a), await logIn(b)]
    for (const peer of [first, second]) {
      subscribe(peer, `/topic/state/${name}`)
      expect(await next(peer, 2)).toEqual(['retained by POST', 'RECEIPT'])
    }
    first.send(frameText('SEND', { destination: `/topic/state/${name}`, receipt: 'sent' }, 'by SEND'))
    expect((await next(first, 2)).sort()).toEqual(['RECEIPT', 'by SEND'])
    expect(await next(second, 1)).toEqual(['by SEND'])
    expect(await world.backend.get(`state:${name}`)).toBe('by SEND')
    expect(heard).toEqual(['by POST', 'by SEND'])
  })

  it('are not there without a value, after it has expired, with time 0, and for a pattern', async () => {
    const name = newName()
    const peer = await logIn(a)
    for (const [i, destination] of [`/topic/state/${name}`, `/topic/off/${name}`, '/topic/state/*'].entries()) {
      await world.backend.set(`off:${name}`, 'kept')
      peer.send(frameText('SUBSCRIBE', { id: `s${i}`, destination, receipt: `r${i}` }))
      expect(await next(peer, 1)).toEqual(['RECEIPT'])
    }
    await post(a, `/topic/off/${newName()}`, 'x')
    expect(await world.backend.exists(`off:n${names}`)).toBe(0)
  })

  it('are read by the codec of the route; a value that is none is skipped', async () => {
    const name = newName()
    await post(b, `/topic/text/${name}`, 'žluť')
    expect(await world.backend.get(`text:${name}`)).toBe('"žluť"')
    const peer = await logIn(a)
    subscribe(peer, `/topic/text/${name}`)
    expect(await next(peer, 2)).toEqual(['retained žluť', 'RECEIPT'])
    const other = newName()
    await world.backend.set(`text:${other}`, 'no JSON')
    peer.send(frameText('SUBSCRIBE', { id: '2', destination: `/topic/text/${other}`, receipt: 'r' }))
    expect(await next(peer, 1)).toEqual(['RECEIPT'])
  })

  it('do not hold up who subscribes where the key is of another type', async () => {
    const name = newName()
    await world.backend.rpush(`state:${name}`, 'in a list')
    const peer = await logIn(a)
    subscribe(peer, `/topic/state/${name}`)
    expect(await next(peer, 1)).toEqual(['RECEIPT'])
    await world.backend.publish(`state:${name}`, 'live')
    expect(await next(peer, 1)).toEqual(['live'])
  })

  it('never come after what is newer, however many are published meanwhile', async () => {
    const name = newName()
    const destination = `/topic/state/${name}`
    const publisher = await world.redis.client()
    let count = 0
    let isOver = false
    const publishing = (async () => {
      while (!isOver) {
        count++
        // The two commands of django-websocket-redis, and nobody between them: what is published when its value is not
        // set yet is neither live nor kept for who subscribes just then.
        await publisher
          .multi()
          .publish(`state:${name}`, String(count))
          .set(`state:${name}`, String(count), 'EX', 100)
          .exec()
      }
    })()
    try {
      for (const bridge of [a, b, a, b, a, b]) {
        const peer = await logIn(bridge)
        subscribe(peer, destination)
        const numbers: number[] = []
        while (numbers.length < 30) {
          const frame = await peer.frame()
          if (frame.command === 'MESSAGE') numbers.push(Number(bodyText(frame)))
        }
        expect(numbers).toEqual(numbers.map((_, i) => numbers[0]! + i))
        peer.terminate()
      }
    } finally {
      isOver = true
      await publishing
    }
  })

  it('come first on the endpoints of django-websocket-redis, whose publishers keep them', async () => {
    const first = await openPlainWebSocket(
      `${a.wsUrl.replace('/stomp', '')}/ws/foobar?subscribe-broadcast&publish-broadcast&echo`,
    )
    first.send('from a page')
    expect(await first.messages.next()).toBe('from a page')
    expect(await world.backend.get('broadcast:foobar')).toBe('from a page')
    expect(await world.backend.ttl('broadcast:foobar')).toBeGreaterThan(3500)
    const second = await openPlainWebSocket(`${b.wsUrl.replace('/stomp', '')}/ws/foobar?subscribe-broadcast`)
    expect(await second.messages.next()).toBe('from a page')
  })

  it('are read over HTTP', async () => {
    const name = newName()
    await post(a, `/topic/state/${name}`, { a: 1 })
    const response = await fetch(`${b.url}/api/retained?destination=/topic/state/${name}`)
    expect(await response.json()).toEqual({ body: '{"a":1}', contentType: 'text/plain;charset=UTF-8', headers: {} })
    const missing = await fetch(`${b.url}/api/retained?destination=/topic/state/${newName()}`)
    expect(missing.status).toBe(404)
  })
})
