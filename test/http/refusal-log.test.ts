import { describe, expect, it } from 'vitest'
import { debugApp, TOKEN } from '../debug/support.ts'
import { testApp } from './support.ts'

const HANDSHAKE = { Upgrade: 'websocket', Connection: 'Upgrade' }
const FOREIGN = { Origin: 'https://elsewhere.example', Host: 'bridge.example' }

type Logged = ReturnType<typeof testApp>['logged']

const linesOf = (logged: Logged) => logged.filter(({ level }) => level !== 'debug')

describe('the log', () => {
  it.each([
    ['GET', '/stomp', HANDSHAKE],
    ['POST', '/api/notification', { 'Content-Type': 'application/json' }],
  ])('tells of a page from another origin, with what to do: %s %s', async (method, path, headers) => {
    const { request, logged } = testApp()
    expect((await request(`${path}?token=secret`, { method, headers: { ...headers, ...FOREIGN } })).status).toBe(403)
    expect(linesOf(logged)).toEqual([
      {
        level: 'warn',
        message: 'A request was refused',
        fields: {
          code: 'forbidden-origin',
          reason: expect.stringContaining('server.allowedOrigins') as string,
          method,
          path,
          origin: 'https://elsewhere.example',
          host: 'bridge.example',
          address: '192.0.2.1',
          request: expect.any(String) as string,
        },
      },
    ])
  })

  it.each([
    ['full', 'warn', 'too-many-sessions'],
    ['draining', 'info', 'shutting-down'],
  ] as const)('tells of a client refused while the node is %s, at %s', async (admission, level, code) => {
    const { request, logged } = testApp({ admission: () => admission })
    expect((await request('/stomp', { headers: HANDSHAKE })).status).toBe(503)
    expect(linesOf(logged)).toMatchObject([{ level, fields: { code, path: '/stomp', address: '192.0.2.1' } }])
  })

  it('tells of a wrong token and a forbidden host of the debug API, and never of the token', async () => {
    const guarded = debugApp({ access: { token: TOKEN } })
    await guarded.request('/api/bridge', { headers: { Authorization: 'Bearer another-long-secret' } })
    await guarded.request('/api/bridge')
    expect(linesOf(guarded.logged).map(({ fields }) => fields['code'])).toEqual([
      'not-authenticated',
      'not-authenticated',
    ])
    expect(JSON.stringify(guarded.logged)).not.toContain('another-long-secret')
    const { request, logged } = debugApp()
    await request('/api/bridge', { headers: { Host: 'evil.example' } })
    expect(linesOf(logged)).toMatchObject([
      { level: 'warn', fields: { code: 'forbidden-host', host: 'evil.example', path: '/api/bridge' } },
    ])
  })

  it('says nothing of what a client gets wrong by itself', async () => {
    const { request, post, logged } = testApp()
    await request('/nothing')
    await request('/stomp')
    await request('/health', { method: 'DELETE' })
    await post('no JSON')
    expect(linesOf(logged)).toEqual([])
  })

  it('has a few lines of each kind, however many are refused', async () => {
    const node: { refuses: 'full' | undefined } = { refuses: undefined }
    const { request, logged } = testApp({ admission: () => node.refuses })
    for (let i = 0; i < 100; i++) await request('/stomp', { headers: { ...HANDSHAKE, ...FOREIGN } })
    expect(linesOf(logged)).toHaveLength(5)
    node.refuses = 'full'
    for (let i = 0; i < 100; i++) await request('/stomp', { headers: HANDSHAKE })
    expect(linesOf(logged)).toHaveLength(10)
  })

  it('has no control characters and no long texts of a client', async () => {
    const { request, logged } = testApp()
    const origin = `https://a\u0085\u009b31m\u00ad${'x'.repeat(5000)}`
    await request(`/stomp`, { headers: { ...HANDSHAKE, Origin: origin, Host: `b\u009b${'y'.repeat(5000)}` } })
    const [line] = linesOf(logged)
    expect(line?.fields['origin']).toBe(`https://a??31m?${'x'.repeat(184)}…`)
    expect(line?.fields['host']).toBe(`b?${'y'.repeat(197)}…`)
  })
})
