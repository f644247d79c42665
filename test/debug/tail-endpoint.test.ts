import { describe, expect, it } from 'vitest'
import { TailReader } from '../support/tail-reader.ts'
import { debugApp, type DebugAppOptions } from './support.ts'
import { errorOf } from '../http/support.ts'

function tails(options: DebugAppOptions = {}) {
  const app = debugApp(options)
  const tail = async (channel: string) => {
    const response = await app.request(`/api/channels/${encodeURIComponent(channel)}/tail`)
    return { response, reader: new TailReader(response) }
  }
  return { ...app, tail }
}

describe('GET /api/channels/{channel}/tail', () => {
  it('is a stream of events that nobody may keep or gather', async () => {
    const { tail } = tails()
    const { response, reader } = await tail('x')
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
    expect([response.headers.get('cache-control'), response.headers.get('x-accel-buffering')]).toEqual([
      'no-store',
      'no',
    ])
    expect(await reader.block()).toBe(':')
    expect(await reader.next()).toEqual({ event: 'live', data: { channel: 'x' } })
    await reader.cancel()
  })

  it('gives each payload once, with its time', async () => {
    const { bus, tail } = tails()
    const { reader } = await tail('a/ü')
    expect(await reader.words(1)).toEqual(['live'])
    const before = Date.now()
    bus.deliver('a/ü', '"hi"\n')
    bus.deliver('other', 'no')
    bus.deliver('a/ü', 'second')
    const first = await reader.next()
    expect(first).toEqual({
      event: 'message',
      data: { at: expect.any(Number), channel: 'a/ü', payload: '"hi"\n', encoding: 'text' },
    })
    expect(first!.data['at']).toBeGreaterThanOrEqual(before)
    expect(await reader.words(1)).toEqual(['message second'])
  })

  it('gives bytes that are no text as base64', async () => {
    const { bus, tail } = tails()
    const { reader } = await tail('x')
    await reader.words(1)
    bus.deliver('x', new Uint8Array([0xff, 0, 1]))
    bus.deliver('x', '\ufeffbom')
    bus.deliver('x', '')
    expect(await reader.next()).toMatchObject({ data: { payload: '/wAB', encoding: 'base64' } })
    expect(await reader.next()).toMatchObject({ data: { payload: '\ufeffbom', encoding: 'text' } })
    expect(await reader.next()).toMatchObject({ data: { payload: '', encoding: 'text' } })
  })

  it('cuts what is longer than 64 KiB, between characters', async () => {
    const { bus, tail } = tails()
    const { reader } = await tail('x')
    await reader.words(1)
    const full = 'x'.repeat(65_536)
    for (const payload of [full, `${full}y`, `${'x'.repeat(65_533)}😀`, `${'x'.repeat(65_535)}ü`])
      bus.deliver('x', payload)
    bus.deliver('x', new Uint8Array(70_000).fill(0xff))
    const texts = [full, full, 'x'.repeat(65_533), 'x'.repeat(65_535)]
    for (const [i, payload] of texts.entries()) {
      const { data } = (await reader.next())!
      expect([data['payload'] === payload, data['encoding'], data['isCut']]).toEqual([true, 'text', i > 0 || undefined])
    }
    const { data } = (await reader.next())!
    expect([data['encoding'], data['isCut']]).toEqual(['base64', true])
    expect(Buffer.from(data['payload'] as string, 'base64')).toHaveLength(65_536)
  })

  it('says when the bus is away and when it is back', async () => {
    const { bus, tail } = tails({ bus: { isAvailable: false } })
    const { reader } = await tail('x')
    expect(await reader.words(1)).toEqual(['unavailable away'])
    bus.setReason(undefined)
    expect(await reader.words(1)).toEqual(['live'])
    bus.setReason('gone again')
    bus.setReason(undefined)
    bus.deliver('x', 'back')
    expect(await reader.words(3)).toEqual(['unavailable gone again', 'live', 'message back'])
  })

  it('begins when the bus has subscribed the channel', async () => {
    const { bus, tail } = tails({ bus: { goesLive: false } })
    const { reader } = await tail('x')
    const first = reader.words(1)
    bus.goLive('x')
    expect(await first).toEqual(['live'])
  })

  it('says that the bus refuses the channel, and begins when it takes it again', async () => {
    const { bus, tail } = tails({ bus: { goesLive: false } })
    const { reader } = await tail('x')
    bus.refuseSubscription('x')
    expect(await reader.words(1)).toEqual(['unavailable no permission for x'])
    bus.setReason('restarting')
    bus.setReason(undefined)
    bus.takeSubscription('x')
    expect(await reader.words(2)).toEqual(['unavailable restarting', 'live'])
  })

  it('ends when the bridge closes', async () => {
    const { watches, tail } = tails()
    const { reader } = await tail('x')
    watches.close()
    expect(await reader.words(2)).toEqual(['live', 'end'])
  })

  it('gives the channel back when the reader goes', async () => {
    const { bus, tail } = tails()
    const [one, other] = [await tail('x'), await tail('x')]
    await one.reader.cancel()
    bus.deliver('x', 'still')
    expect(await other.reader.words(2)).toEqual(['live', 'message still'])
    expect(bus.channels).toContain('x')
    await other.reader.cancel()
    await expect.poll(() => bus.channels.has('x')).toBe(false)
    expect(bus.commands.filter((command) => command.endsWith(' x'))).toEqual(['subscribe x', 'unsubscribe x'])
  })

  it('gives the channel back when the request is aborted', async () => {
    const { request, bus } = debugApp()
    const client = new AbortController()
    const response = await request('/api/channels/x/tail', { signal: client.signal })
    const reader = new TailReader(response)
    expect(await reader.words(1)).toEqual(['live'])
    client.abort()
    await expect.poll(() => bus.channels.has('x')).toBe(false)
    expect(await reader.next()).toBeUndefined()
  })

  it('tells a reader that is too slow how many it has missed, and goes on', async () => {
    const { bus, tail } = tails()
    const { reader } = await tail('x')
    expect(await reader.words(1)).toEqual(['live'])
    const payload = (i: number) => `${i}:${'x'.repeat(60_000)}`
    const sent = 100
    for (let i = 0; i < sent; i++) bus.deliver('x', payload(i))
    let received = 0
    for (;;) {
      const { event, data } = (await reader.next())!
      if (event === 'dropped') {
        expect(data['count']).toBe(sent - received)
        break
      }
      expect(data['payload']).toBe(payload(received++))
    }
    // About a mebibyte waited.
    expect(received).toBeGreaterThan(10)
    expect(received).toBeLessThan(30)
    bus.deliver('x', 'after')
    expect(await reader.words(1)).toEqual(['message after'])
  })

  it('sends a comment while nothing happens', async () => {
    const { tail } = tails({ keepAliveMs: 5 })
    const { reader } = await tail('x')
    const blocks = [await reader.block(), await reader.block(), await reader.block(), await reader.block()]
    expect(blocks.filter((block) => block === ':')).toHaveLength(3)
    await reader.cancel()
  })

  it('has 32 readers at a time, and place again when one has gone', async () => {
    const { request, tail } = tails()
    const readers = await Promise.all(Array.from({ length: 32 }, (_, i) => tail(`c${i}`)))
    const response = await request('/api/channels/x/tail')
    expect([response.status, (await errorOf(response)).code]).toEqual([429, 'too-many-tails'])
    expect(response.headers.get('retry-after')).toBe('5')
    await readers[7]!.reader.cancel()
    expect((await tail('x')).response.status).toBe(200)
    expect((await request('/api/channels/y/tail')).status).toBe(429)
  })

  it('begins no stream for HEAD, nor for a request that wants another protocol', async () => {
    const { request, bus } = debugApp()
    for (let i = 0; i < 40; i++) {
      const head = await request('/api/channels/x/tail', { method: 'HEAD' })
      expect([head.status, head.headers.get('content-type'), await head.text()]).toEqual([200, 'text/event-stream', ''])
    }
    const upgrade = await request('/api/channels/x/tail', { headers: { Upgrade: 'h2c' } })
    expect([upgrade.status, (await errorOf(upgrade)).code]).toEqual([400, 'bad-header'])
    expect(bus.channels).not.toContain('x')
  })

  it('refuses a channel without a name that can be read', async () => {
    expect((await debugApp().request('/api/channels/%ff/tail')).status).toBe(400)
  })
})
