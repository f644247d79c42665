import { describe, expect, it } from 'vitest'
import { debugApp, PROCESS, SAMPLES } from './support.ts'
import { errorOf } from '../http/support.ts'

describe('GET /api/bridge', () => {
  it('gives the whole bridge, never from a cache', async () => {
    const { request } = debugApp()
    const before = Date.now()
    const response = await request('/api/bridge')
    expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store'])
    const bridge = (await response.json()) as { now: number }
    expect(bridge).toEqual({
      version: '1.2.3',
      runtime: 'node 20',
      node: 'node',
      startedAt: PROCESS.startedAt,
      now: expect.any(Number),
      isOpen: true,
      ready: { isReady: true, reasons: [] },
      bus: { kind: 'custom', description: 'a fake bus', unavailableReason: null, unavailableSince: null },
      nodes: null,
      workers: 2,
      endpoints: { stomp: '/stomp', tcp: null, raw: '/raw', sse: null, configured: ['/ws/{room}'] },
      prefixes: { broker: ['/topic'], application: ['/app'], broadcastChannel: 'BROADCAST', distribution: 'shared' },
      routes: [
        {
          direction: 'outbound',
          destination: '/app/greet',
          channel: 'OUT',
          codec: 'json-string',
          kind: 'channel',
          isConvention: false,
          messages: 12,
        },
        {
          direction: 'inbound',
          destination: '/topic/greetings',
          channel: 'IN',
          codec: 'json-string',
          kind: 'channel',
          isConvention: false,
          messages: 3,
        },
      ],
      totals: PROCESS.totals,
      errors: PROCESS.errors,
      histories: PROCESS.histories,
      streamLagSeconds: PROCESS.streamLagSeconds,
      destinations: PROCESS.destinations,
      limits: { maxFrameBytes: 65_536 },
    })
    expect(bridge.now).toBeGreaterThanOrEqual(before)
    expect(bridge.now).toBeLessThanOrEqual(Date.now())
  })

  it('says what changes: the bus and where TCP is spoken', async () => {
    const { request, bus, listenTcp } = debugApp()
    bus.setReason('out to lunch')
    listenTcp(61_613)
    expect(await (await request('/api/bridge')).json()).toMatchObject({
      bus: { unavailableReason: 'out to lunch', unavailableSince: 1_790_000_005_000 },
      endpoints: { tcp: { host: '::1', port: 61_613 } },
    })
  })
})

describe('GET /api/bridge/samples', () => {
  it('gives the last hour, never from a cache', async () => {
    const response = await debugApp().request('/api/bridge/samples')
    expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store'])
    expect(await response.json()).toEqual(SAMPLES)
  })
})

describe('POST /api/explain', () => {
  const post = (body: unknown): RequestInit => ({
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })

  it('says what the rules say, of anybody', async () => {
    const { request, wishes } = debugApp()
    const wish = { action: 'send', destination: '/app/x', user: 'alice', groups: ['g'], claims: { role: 'admin' } }
    const response = await request('/api/explain', post(wish))
    expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store'])
    expect(await response.json()).toEqual({ allowed: false, rule: 3, reason: 'so', problem: null })
    const anonymous = await request('/api/explain', post({ action: 'subscribe', destination: '/topic/**' }))
    expect(await anonymous.json()).toEqual({ allowed: false, rule: null, reason: 'so', problem: 'not there' })
    expect(wishes).toEqual([wish, { action: 'subscribe', destination: '/topic/**' }])
  })

  it.each([
    [{ action: 'read', destination: '/a' }, 'action'],
    [{ action: 'send' }, 'destination'],
    [{ action: 'send', destination: 'a' }, 'destination'],
    [{ action: 'send', destination: `/${'x'.repeat(1024)}` }, 'destination'],
    [{ action: 'send', destination: '/a', user: '' }, 'user'],
    [{ action: 'send', destination: '/a', groups: 'g' }, 'groups'],
    [{ action: 'send', destination: '/a', claims: [] }, 'claims'],
    [{ action: 'send', destination: '/a', usr: 'x' }, 'usr'],
  ])('refuses %j', async (body, field) => {
    const { request, wishes } = debugApp()
    const response = await request('/api/explain', post(body))
    const error = await errorOf(response)
    expect([response.status, error.code]).toEqual([400, 'bad-field'])
    expect(JSON.stringify(error)).toContain(field)
    expect(wishes).toEqual([])
  })
})

describe('GET /api/sessions', () => {
  it('asks for a hundred of all, and gives the answer as it is', async () => {
    const { request, queries } = debugApp()
    const response = await request('/api/sessions')
    expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store'])
    expect(await response.json()).toEqual({ total: 7, sessions: [] })
    expect(queries).toEqual([{ limit: 100, search: '' }])
  })

  it('takes a limit and a text to look for', async () => {
    const { request, queries } = debugApp()
    await request('/api/sessions?limit=1')
    await request(`/api/sessions?search=${encodeURIComponent('/topic/größe &c')}&limit=1000`)
    expect(queries).toEqual([
      { limit: 1, search: '' },
      { limit: 1000, search: '/topic/größe &c' },
    ])
  })

  it.each(['limit=0', 'limit=1001', 'limit=-1', 'limit=1.5', 'limit=', 'limit=x', `search=${'x'.repeat(1025)}`])(
    'refuses %s',
    async (query) => {
      const { request, queries } = debugApp()
      const response = await request(`/api/sessions?${query}`)
      const { code, field, problems } = await errorOf(response)
      expect([response.status, code, field, problems?.length]).toEqual([400, 'bad-field', query.split('=')[0], 1])
      expect(queries).toEqual([])
    },
  )
})

describe('DELETE /api/sessions/{id}', () => {
  it('closes the session that is there', async () => {
    const { request, closed } = debugApp()
    const response = await request('/api/sessions/node-12', { method: 'DELETE' })
    expect([response.status, await response.text()]).toEqual([204, ''])
    expect(closed).toEqual(['node-12'])
  })

  it('says so when there is none', async () => {
    const { request, closed } = debugApp()
    const response = await request('/api/sessions/other-1', { method: 'DELETE' })
    const { code, message } = await errorOf(response)
    expect([response.status, code, message]).toEqual([
      404,
      'not-found',
      'There is no session "other-1": it may have ended',
    ])
    expect(closed).toEqual([])
  })
})
