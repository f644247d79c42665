import { describe, expect, it } from 'vitest'
import { debugApp, TOKEN } from './support.ts'
import { errorOf, testApp } from '../http/support.ts'

/** Every operation of the debug API. Who is let in gets 200, 204, or 415 where a body of JSON is missing. */
const CALLS: readonly (readonly [method: string, path: string])[] = [
  ['GET', '/api/bridge'],
  ['GET', '/api/bridge/samples'],
  ['POST', '/api/explain'],
  ['GET', '/api/sessions'],
  ['DELETE', '/api/sessions/node-1'],
  ['POST', '/api/channels/x'],
  ['GET', '/api/channels/x/tail'],
]

const FOREIGN = 'https://evil.example'

async function refusal(response: Response): Promise<[number, string]> {
  return [response.status, (await errorOf(response)).code]
}

describe('the debug API', () => {
  it.each(CALLS)('is not there unless it is switched on: %s %s', async (method, path) => {
    expect(await refusal(await testApp().request(path, { method, headers: { Host: 'localhost' } }))).toEqual([
      404,
      'not-found',
    ])
  })

  it.each(CALLS)('keeps out pages from elsewhere: %s %s', async (method, path) => {
    for (const access of [{}, { token: TOKEN }]) {
      const { request, closed, bus } = debugApp({ access })
      const headers = { Origin: FOREIGN, Authorization: `Bearer ${TOKEN}` }
      expect(await refusal(await request(path, { method, headers }))).toEqual([403, 'forbidden-origin'])
      const embedded = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors' }
      expect(await refusal(await request(path, { method, headers: embedded }))).toEqual([403, 'forbidden-origin'])
      expect([closed, bus.published, bus.channels.has('x')]).toEqual([[], [], false])
    }
  })

  it.each(CALLS)('keeps out who comes under another name: %s %s', async (method, path) => {
    const { request, closed, bus } = debugApp()
    // A page whose own name leads to this machine is of the same origin to a browser, and sends no Origin with GET.
    for (const Host of [
      'evil.example:8080',
      '10.0.0.1',
      'localhost.evil.example',
      'localhost@evil.example',
      'localhost.',
      '',
    ]) {
      expect([Host, ...(await refusal(await request(path, { method, headers: { Host } })))]).toEqual([
        Host,
        403,
        'forbidden-host',
      ])
      const headers = { Host, Origin: `http://${Host}` }
      expect((await request(path, { method, headers })).status).toBe(403)
    }
    expect([closed, bus.published, bus.channels.has('x')]).toEqual([[], [], false])
  })

  it.each(['localhost', 'LOCALHOST:8080', '127.0.0.1:8080', '127.8.8.8', '[::1]:8080', 'app.localhost:1'])(
    'answers under the name %s of this machine',
    async (Host) => {
      expect((await debugApp().request('/api/bridge', { headers: { Host } })).status).toBe(200)
    },
  )

  it('answers under the host that it listens on, and those of the allowed origins', async () => {
    const access = { host: 'Bridge.internal', allowedOrigins: ['https://app.example', 'http://10.0.0.7:3000', '*'] }
    const { request } = debugApp({ access })
    const statusOf = async (Host: string) => (await request('/api/bridge', { headers: { Host } })).status
    expect(await statusOf('bridge.internal:8080')).toBe(200)
    expect(await statusOf('app.example')).toBe(200)
    expect(await statusOf('10.0.0.7:8080')).toBe(200)
    expect(await statusOf('other.example')).toBe(403)
    expect(await statusOf('*')).toBe(403)
  })

  it.each(CALLS)('keeps out pages that only "*" lets in, unless they have the token: %s %s', async (method, path) => {
    const allowedOrigins = ['*', 'https://app.example']
    const open = debugApp({ access: { allowedOrigins }, options: { allowedOrigins } })
    for (const Origin of [FOREIGN, 'null']) {
      const response = await open.request(path, { method, headers: { Origin } })
      const { code, message } = await errorOf(response)
      expect([response.status, code, message]).toEqual([403, 'forbidden-origin', expect.stringContaining('"*"')])
    }
    expect([open.closed, open.bus.published, open.bus.channels.has('x')]).toEqual([[], [], false])
    const withToken = debugApp({ access: { allowedOrigins, token: TOKEN }, options: { allowedOrigins } })
    for (const [{ request }, headers] of [
      [open, { Origin: 'https://app.example' }],
      [open, { Origin: 'http://localhost:5173' }],
      [open, {}],
      [withToken, { Origin: FOREIGN, Authorization: `Bearer ${TOKEN}` }],
    ] as const) {
      const response = await request(path, { method, headers })
      expect([200, 204, 415]).toContain(response.status)
      await response.body?.cancel()
    }
  })

  it.each(CALLS)('does not answer through a proxy, unless there is a token: %s %s', async (method, path) => {
    const { request, closed, bus } = debugApp()
    for (const name of ['Forwarded', 'Via', 'X-Forwarded-For', 'X-Forwarded-Host', 'X-Forwarded-Proto', 'X-Real-IP']) {
      const refused = await refusal(await request(path, { method, headers: { [name]: 'localhost' } }))
      expect([name, ...refused]).toEqual([name, 403, 'forbidden-host'])
    }
    expect([closed, bus.published, bus.channels.has('x')]).toEqual([[], [], false])
    const headers = { 'X-Forwarded-For': '203.0.113.7', Authorization: `Bearer ${TOKEN}` }
    const response = await debugApp({ access: { token: TOKEN } }).request(path, { method, headers })
    expect([200, 204, 415]).toContain(response.status)
    await response.body?.cancel()
  })

  it.each(CALLS)('wants the token where there is one, under any name: %s %s', async (method, path) => {
    const { request, closed, bus } = debugApp({ access: { token: TOKEN } })
    const wrong = [
      {},
      { Authorization: TOKEN },
      { Authorization: `Basic ${TOKEN}` },
      { Authorization: `Bearer ${TOKEN}x` },
    ]
    for (const headers of wrong as Record<string, string>[]) {
      const response = await request(path, { method, headers })
      expect([
        response.status,
        response.headers.get('www-authenticate'),
        response.headers.get('cache-control'),
      ]).toEqual([401, 'Bearer', 'no-store'])
      const { code, message } = await errorOf(response)
      expect(code).toBe('not-authenticated')
      expect(message).not.toContain(TOKEN)
    }
    expect([closed, bus.published, bus.channels.has('x')]).toEqual([[], [], false])
    const headers = { Host: 'bridge.example', Authorization: `bearer  ${TOKEN}` }
    const response = await request(path, { method, headers })
    expect([200, 204, 415]).toContain(response.status)
    await response.body?.cancel()
  })

  it('lets an allowed page ask whether it may send the token, and read the answers', async () => {
    const { request } = debugApp({ access: { token: TOKEN } })
    const Origin = 'http://localhost:5173'
    const preflight = await request('/api/sessions/node-1', {
      method: 'OPTIONS',
      headers: { Origin, 'Access-Control-Request-Method': 'DELETE', 'Access-Control-Request-Headers': 'authorization' },
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-methods')).toBe('DELETE, OPTIONS')
    expect(preflight.headers.get('access-control-allow-headers')).toContain('Authorization')
    for (const Authorization of ['', `Bearer ${TOKEN}`]) {
      const { headers } = await request('/api/bridge', { headers: { Origin, Authorization } })
      expect(headers.get('access-control-allow-origin')).toBe(Origin)
    }
  })

  it.each([
    ['/api/bridge', 'GET, HEAD, OPTIONS'],
    ['/api/bridge/samples', 'GET, HEAD, OPTIONS'],
    ['/api/explain', 'POST, OPTIONS'],
    ['/api/sessions', 'GET, HEAD, OPTIONS'],
    ['/api/sessions/a-1', 'DELETE, OPTIONS'],
    ['/api/channels/x', 'POST, OPTIONS'],
    ['/api/channels/x/tail', 'GET, HEAD, OPTIONS'],
  ])('%s takes %s only', async (path, allow) => {
    const { request } = debugApp()
    const response = await request(path, { method: 'PATCH' })
    expect([response.status, response.headers.get('allow')]).toEqual([405, allow])
  })

  it('is in the OpenAPI document and on the docs page, and only then', async () => {
    const pathsOf = async (request: (path: string) => Promise<Response>) => {
      const document = (await (await request('/openapi.json')).json()) as { paths: object; tags: { name: string }[] }
      return { paths: Object.keys(document.paths), tags: document.tags.map(({ name }) => name) }
    }
    const off = await pathsOf(testApp().request)
    const on = await pathsOf(debugApp().request)
    expect(on.paths.filter((path) => !off.paths.includes(path))).toEqual([
      '/api/bridge',
      '/api/bridge/samples',
      '/api/explain',
      '/api/sessions',
      '/api/sessions/{id}',
      '/api/channels/{channel}',
      '/api/channels/{channel}/tail',
    ])
    expect(on.tags.filter((tag) => !off.tags.includes(tag))).toEqual(['Debugger'])
    const page = (await (await debugApp().request('/docs')).text()).replaceAll('&quot;', '"').replaceAll('&#39;', "'")
    expect(page).toContain('curl -i -X DELETE http://localhost:8080/api/sessions/k3x9ab-1')
    expect(page).toContain(
      `curl -i http://localhost:8080/api/channels/GREETING_CHANNEL_INBOUND \\\n  --data-binary '"Hello"'`,
    )
    expect(page).toContain('curl -N http://localhost:8080/api/channels/GREETING_CHANNEL_INBOUND/tail')
  })
})
