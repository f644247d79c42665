import { describe, expect, it } from 'vitest'
import { debugApp } from './support.ts'
import { errorOf, MAX_BODY_BYTES, streamOf } from '../http/support.ts'

describe('POST /api/channels/{channel}', () => {
  it.each(['"hi"', 'no JSON', '', 'Grüße 😀\n\0'])('publishes %j as it is', async (body) => {
    const { request, bus } = debugApp()
    const response = await request('/api/channels/GREETING_CHANNEL_INBOUND', { method: 'POST', body })
    expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store'])
    expect(await response.json()).toEqual({ channel: 'GREETING_CHANNEL_INBOUND', bytes: Buffer.byteLength(body) })
    expect(bus.published).toEqual([`GREETING_CHANNEL_INBOUND ${body}`])
  })

  it('publishes bytes that are no text, of any type and in pieces', async () => {
    const { request, bus } = debugApp()
    const body = streamOf(new Uint8Array([0, 0xff]), new Uint8Array([0xfe]))
    const headers = { 'Content-Type': 'text/plain' }
    const response = await request('/api/channels/x', { method: 'POST', body, headers, duplex: 'half' })
    expect(await response.json()).toEqual({ channel: 'x', bytes: 3 })
    expect(bus.handedOver[0]!.messages).toEqual([{ channel: 'x', payload: new Uint8Array([0, 0xff, 0xfe]) }])
  })

  it.each(['a/b', 'a b', 'größe:😀', '100%', 'a%2Fb', 'a?b#c', 'tail', '*', 'a\nb', 'x'.repeat(512)])(
    'takes the channel %j percent-encoded',
    async (channel) => {
      const { request, bus } = debugApp()
      const response = await request(`/api/channels/${encodeURIComponent(channel)}`, { method: 'POST', body: '1' })
      expect([response.status, await response.json()]).toEqual([200, { channel, bytes: 1 }])
      expect(bus.published).toEqual([`${channel} 1`])
    },
  )

  it.each([
    ['%ff', 'must be percent-encoded UTF-8'],
    ['a%zz', 'must be percent-encoded UTF-8'],
    ['x'.repeat(513), 'must have at most 512 bytes, not 513'],
    ['%C3%BC'.repeat(257), 'must have at most 512 bytes, not 514'],
  ])('refuses the channel %s', async (segment, text) => {
    const { request, bus } = debugApp()
    const response = await request(`/api/channels/${segment}`, { method: 'POST', body: '1' })
    const { code, field, message } = await errorOf(response)
    expect([response.status, code, field]).toEqual([400, 'bad-field', 'channel'])
    expect(message).toBe(`The name of the channel ${text}`)
    expect(bus.published).toEqual([])
  })

  it.each(['/api/channels', '/api/channels/', '/api/channels/a/b', '/api/channels//tail'])(
    'is not at %s',
    async (path) => {
      const { request, bus } = debugApp()
      expect((await request(path, { method: 'POST', body: '1' })).status).toBe(404)
      expect(bus.published).toEqual([])
    },
  )

  it('refuses more than limits.maxBodyBytes, announced or not', async () => {
    const { request, bus } = debugApp()
    const post = (init: object) => request('/api/channels/x', { method: 'POST', duplex: 'half', ...init })
    const full = new Uint8Array(MAX_BODY_BYTES)
    expect((await post({ body: full })).status).toBe(200)
    for (const init of [
      { body: streamOf(full, new Uint8Array(1)) },
      { body: 'x', headers: { 'Content-Length': String(MAX_BODY_BYTES + 1) } },
    ]) {
      const response = await post(init)
      expect([response.status, (await errorOf(response)).code]).toEqual([413, 'body-too-large'])
    }
    expect(bus.handedOver).toHaveLength(1)
  })

  it('refuses a body that ends early', async () => {
    const { request, bus } = debugApp()
    const body = new ReadableStream({ pull: (controller) => controller.error(new Error('gone')) })
    const response = await request('/api/channels/x', { method: 'POST', body, duplex: 'half' })
    expect([response.status, (await errorOf(response)).code]).toEqual([400, 'bad-body'])
    expect(bus.published).toEqual([])
  })

  it('answers when the bus has it, and 503 when it has not', async () => {
    const { request, bus } = debugApp({ bus: { accepts: false } })
    const answering = request('/api/channels/x', { method: 'POST', body: '1' })
    await expect.poll(() => bus.handedOver.length).toBe(1)
    bus.handedOver[0]!.refuse()
    const response = await answering
    expect([response.status, (await errorOf(response)).code]).toEqual([503, 'bus-unavailable'])
    expect(response.headers.get('retry-after')).toMatch(/^\d+$/)
    bus.setReason('away')
    expect((await request('/api/channels/x', { method: 'POST', body: '1' })).status).toBe(503)
  })
})
