/** permessage-deflate: who gets it, what a mixed audience reads, and what compressed input may do. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Redis } from 'ioredis'
import { beforeAll, describe, expect, it } from 'vitest'
import { metric } from '../support/clients/backend.ts'
import { connectStompjs7 } from '../support/clients/stompjs7.ts'
import { bomb, connectDeflateClient, deflate, type DeflateClient } from '../support/deflate-client.ts'
import { spawnBridge, type BridgeProcess } from '../support/process.ts'
import { runtime } from '../support/runtime.ts'
import { frameText } from '../support/stomp-peer.ts'
import { waitFor } from '../support/wait.ts'
import { startWorld } from '../support/world.ts'

const MIN_BYTES = 1_024
/** Of a message, decompressed: sixteen frames of the largest. */
const MAX_MESSAGE_BYTES = 16 * 65_536
const MAX_UNSENT_BYTES = 262_144
const BOMBS = { count: 8, mebibytes: 400 }
/** How much memory all bombs together may take for a moment. */
const MAX_GROWTH_BYTES = 128 * 1_048_576

const CONNECT = frameText('CONNECT', { 'accept-version': '1.2', 'heart-beat': '0,0' })

describe(`compression on ${runtime}`, () => {
  let backend: Redis
  let bridge: BridgeProcess

  beforeAll(async () => {
    ;({ backend, bridge } = await startWorld({
      runtime,
      env: {
        STOMP_BRIDGE_SERVER_COMPRESSION: 'true',
        STOMP_BRIDGE_SERVER_COMPRESSION_MIN_BYTES: String(MIN_BYTES),
        STOMP_BRIDGE_LIMITS_MAX_UNSENT_BYTES: String(MAX_UNSENT_BYTES),
      },
    }))
  })

  async function connected(offer: Parameters<typeof connectDeflateClient>[1]): Promise<DeflateClient> {
    const client = await connectDeflateClient(bridge.wsUrl, offer)
    client.send(CONNECT)
    expect(await client.messages.next()).toMatch(/^CONNECTED\n/)
    return client
  }

  async function subscribed(
    offer: Parameters<typeof connectDeflateClient>[1],
    destination: string,
    id = 'sub-0',
  ): Promise<DeflateClient> {
    const client = await connected(offer)
    client.send(frameText('SUBSCRIBE', { id, destination, receipt: 'live' }))
    expect(await client.messages.next()).toMatch(/^RECEIPT\n/)
    return client
  }

  it('is off by default: nothing is negotiated with who offers it, and nobody is refused', async () => {
    const plain = await spawnBridge({ runtime })
    const client = await connectDeflateClient(plain.wsUrl, true)
    expect(client.extensions).toBeUndefined()
    client.send(CONNECT)
    expect(await client.messages.next()).toMatch(/^CONNECTED\n/)
    client.terminate()
    expect(await plain.stop()).toBe(0)
  })

  it('is agreed with who offers it, without context takeover either way, and with nobody else', async () => {
    const offering = await connectDeflateClient(bridge.wsUrl, true)
    const [name, ...parameters] = offering.extensions!.split(';').map((part) => part.trim())
    expect(name).toBe('permessage-deflate')
    expect(parameters.sort()).toEqual(['client_no_context_takeover', 'server_no_context_takeover'])
    const silent = await connectDeflateClient(bridge.wsUrl, false)
    expect(silent.extensions).toBeUndefined()
    offering.terminate()
    silent.terminate()
  })

  it('is left out for a client that wants a smaller window, which is served all the same', async () => {
    const client = await subscribed({ serverMaxWindowBits: 9 }, '/topic/window')
    expect(client.extensions).toBeUndefined()
    const body = records(10_000)
    await backend.publish('topic:window', JSON.stringify(body))
    expect(bodyOf(await client.messages.next())).toBe(body)
    client.terminate()
  })

  it('gives a mixed audience the same messages, small for who takes them so', async () => {
    const compressing = await Promise.all([1, 2, 3].map(() => subscribed(true, '/topic/mixed')))
    const others = await Promise.all([1, 2, 3].map(() => subscribed(false, '/topic/mixed')))
    const alone = await subscribed(true, '/topic/mixed', 'an id of its own')
    const stompjs = await connectStompjs7(bridge)
    const subscription = await stompjs.subscribe('/topic/mixed')
    const all = [...compressing, ...others, alone]
    const before = all.map((client) => client.wireBytes())

    const bodies = [records(20_000), records(5_000), 'small', records(60_000)]
    for (const body of bodies) {
      await backend.publish('topic:mixed', JSON.stringify(body))
      for (const client of all) expect(bodyOf(await client.messages.next())).toBe(body)
      expect((await subscription.next()).body).toBe(body)
    }
    const length = bodies.join('').length
    for (const [i, client] of all.entries()) {
      const read = client.wireBytes() - before[i]!
      if (others.includes(client)) expect(read).toBeGreaterThan(length)
      else expect(read).toBeLessThan(length / 2)
      client.terminate()
    }
    await stompjs.disconnect()
  })

  it('gives a burst in order, joined or not, to a mixed audience', async () => {
    const all = [await subscribed(true, '/topic/burst'), await subscribed(false, '/topic/burst')]
    const bodies = Array.from({ length: 300 }, (_, i) => `${i}:${records((i * 37) % 4_000)}`)
    await Promise.all(bodies.map((body) => backend.publish('topic:burst', JSON.stringify(body))))
    for (const client of all) {
      const text = await waitFor(() => {
        const so = client.messages.all.slice(2).join('')
        return so.split('\0').length > bodies.length && so
      })
      const got = text.split('\0').slice(0, -1)
      expect(got.map(bodyOf)).toEqual(bodies)
      client.terminate()
    }
  })

  it('leaves messages alone that are shorter than the setting', async () => {
    const client = await subscribed(true, '/topic/short')
    const [body, before] = ['x'.repeat(MIN_BYTES / 2), client.wireBytes()]
    await backend.publish('topic:short', JSON.stringify(body))
    expect(bodyOf(await client.messages.next())).toBe(body)
    expect(client.wireBytes() - before).toBeGreaterThan(body.length)
    client.terminate()
  })

  it.each([1, 7])('takes compressed messages, with as many frames as may be in one, in %d fragments', async (parts) => {
    const client = await subscribed(true, '/topic/in')
    const bodies = Array.from({ length: 15 }, (_, i) => `${i}:${records(60_000)}`)
    const sends = bodies.map((body) => frameText('SEND', { destination: '/topic/in' }, body)).join('')
    expect(sends.length).toBeLessThan(MAX_MESSAGE_BYTES)
    expect(sends.length).toBeGreaterThan(MAX_MESSAGE_BYTES * 0.8)
    client.sendCompressed([deflate(sends)], parts)
    const text = await waitFor(() => {
      const so = client.messages.all.slice(2).join('')
      return so.split('\0').length > bodies.length && so
    })
    expect(text.split('\0').slice(0, -1).map(bodyOf)).toEqual(bodies)
    client.terminate()
  })

  it('takes many compressed messages at once, in order', async () => {
    const client = await subscribed(true, '/topic/in')
    client.sendCompressed(Array.from({ length: 10_000 }, () => deflate('\n')))
    const numbers = Array.from({ length: 200 }, (_, i) => String(i))
    client.sendCompressed(numbers.map((body) => deflate(frameText('SEND', { destination: '/topic/in' }, body))))
    const text = await waitFor(() => {
      const so = client.messages.all.slice(2).join('')
      return so.split('\0').length > numbers.length && so
    })
    expect(text.split('\0').slice(0, -1).map(bodyOf)).toEqual(numbers)
    client.terminate()
  })

  it('holds the limit of a frame against what is in a compressed one', async () => {
    const client = await connected(true)
    const frame = frameText('SEND', { destination: '/topic/in' }, 'x'.repeat(70_000))
    client.sendCompressed([deflate(frame)])
    expect(await client.messages.next()).toMatch(/^ERROR\n[^]*code:frame-too-large\n/)
    expect(await client.closed).toBe(1002)
  })

  it('closes who sends a message that is too large decompressed with 1009, and takes no memory for it', async () => {
    const reader = await subscribed(true, '/topic/calm')
    const payload = bomb(BOMBS.mebibytes)
    expect(payload.length).toBeLessThan(MAX_MESSAGE_BYTES)
    const before = await peakBytes()
    const clients = await Promise.all(Array.from({ length: BOMBS.count }, () => connected(true)))
    for (const client of clients) client.sendCompressed([payload])
    expect(await Promise.all(clients.map((client) => client.closed))).toEqual(clients.map(() => 1009))
    expect((await peakBytes()) - before).toBeLessThan(MAX_GROWTH_BYTES)
    await backend.publish('topic:calm', JSON.stringify('still here'))
    expect(bodyOf(await reader.messages.next())).toBe('still here')
    reader.terminate()
  })

  it('closes who sends a broken stream with 1007, and nobody else', async () => {
    const reader = await subscribed(true, '/topic/calm')
    const client = await connected(true)
    client.sendCompressed([Buffer.from('ff'.repeat(20), 'hex')])
    expect(await client.closed).toBe(1007)
    await backend.publish('topic:calm', JSON.stringify('still here'))
    expect(bodyOf(await reader.messages.next())).toBe('still here')
    reader.terminate()
  })

  it('counts what a client that reads nothing leaves, and closes it', async () => {
    const reader = await subscribed(true, '/topic/flood')
    const stalled = await subscribed(true, '/topic/flood')
    stalled.stopReading()
    let sent = 0
    while ((await metric(bridge, 'stomp_bridge_slow_consumers_closed_total')) === 0) {
      expect(sent).toBeLessThan(4_000)
      const bodies = Array.from({ length: 20 }, () => randomBytes(6_000).toString('base64'))
      await Promise.all(bodies.map((body) => backend.publish('topic:flood', JSON.stringify(body))))
      sent += bodies.length
    }
    stalled.startReading()
    expect([4500, 1006]).toContain(await stalled.closed) // what waits in the kernel may hide the code
    await waitFor(() => reader.messages.all.slice(2).join('').split('\0').length === sent + 1)
    expect(await metric(bridge, 'stomp_bridge_slow_consumers_closed_total')).toBe(1)
    reader.terminate()
  })

  /** The most that the process has ever taken where the system tells, else what it takes now. */
  async function peakBytes(): Promise<number> {
    if (process.platform !== 'linux') return metric(bridge, 'process_resident_memory_bytes')
    return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${bridge.pid}/status`, 'utf8'))![1]) * 1_024
  }
})

/** JSON of about so many characters that is not the same all over. */
function records(length: number): string {
  let text = ''
  for (let i = 0; text.length < length; i++) {
    text += JSON.stringify({ id: i, price: Math.random().toFixed(4), side: i % 2 === 0 ? 'buy' : 'sell', open: true })
  }
  return text.slice(0, length)
}

function bodyOf(frame: string): string {
  return frame.slice(frame.indexOf('\n\n') + 2).replace(/\0$/, '')
}
