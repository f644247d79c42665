import { describe, expect, it } from 'vitest'
import { Metrics } from '../../src/metrics.ts'
import type { Socket } from '../../src/socket.ts'
import { testApp } from './support.ts'

const HANDSHAKE = { Upgrade: 'websocket', Connection: 'Upgrade' }

describe('requests', () => {
  it('keep the id that they bring, in the answer and in the log', async () => {
    const { request, logged, opened, upgrades } = testApp()
    const headers = { 'X-Request-Id': '7f3a:web-1/42' }
    expect((await request('/health', { headers })).headers.get('x-request-id')).toBe('7f3a:web-1/42')
    expect((await request('/nothing', { headers })).headers.get('x-request-id')).toBe('7f3a:web-1/42')
    expect(logged.map(({ fields }) => fields['request'])).toEqual(['7f3a:web-1/42', '7f3a:web-1/42'])
    await request('/stomp', { headers: { ...HANDSHAKE, ...headers } })
    upgrades[0]![1].open({} as Socket)
    expect(opened.map(({ handshake }) => handshake.requestId)).toEqual(['7f3a:web-1/42'])
  })

  it.each(['a b', 'x'.repeat(129), 'é', ''])('get an id of their own in place of %j', async (given) => {
    const { request, logged } = testApp()
    const { headers } = await request('/health', { headers: { 'X-Request-Id': given } })
    expect(headers.get('x-request-id')).toMatch(/^[\da-f]{8}-[\da-f-]{27}$/)
    expect(logged[0]!.fields['request']).toBe(headers.get('x-request-id'))
  })

  it('are logged at info with log.access: what was asked, what was answered, and no query', async () => {
    const { request, logged } = testApp({ options: { accessLog: true } })
    await request('/health?token=secret')
    await request('/stomp?token=secret', { headers: HANDSHAKE })
    expect(logged.filter(({ level }) => level === 'info')).toEqual(
      [
        ['/health', 200],
        ['/stomp', 101],
      ].map(([path, status]) => ({
        level: 'info',
        message: 'HTTP request',
        fields: {
          method: 'GET',
          path,
          status,
          ms: expect.any(Number) as number,
          address: '192.0.2.1',
          request: status === 200 ? (expect.any(String) as string) : undefined,
        },
      })),
    )
    expect(JSON.stringify(logged)).not.toContain('secret')
  })

  it('do not show in the log the name of a session of SockJS, by which anybody could read it', async () => {
    const { request, logged } = testApp()
    await request('/stomp/042/k3j4h5/xhr_send', { method: 'POST' })
    await request('/stomp/info')
    expect(logged.map(({ fields }) => fields['path'])).toEqual(['/stomp/042/*/xhr_send', '/stomp/info'])
  })

  it('are counted by the path that is served, whatever was asked', async () => {
    const counted = new Metrics()
    const { request } = testApp({ deps: { counted } })
    await request('/health')
    await request('/nothing/1')
    await request('/nothing/2')
    await request('/api/unheard')
    await request('/stomp', { headers: HANDSHAKE })
    await request('/stomp')
    const text = await counted.render()
    counted.close()
    expect([...text.matchAll(/^stomp_bridge_http_requests_total(.*)$/gm)].map(([, rest]) => rest)).toEqual([
      '{route="/health",status="200"} 1',
      '{route="other",status="404"} 3',
      '{route="/stomp",status="101"} 1',
      '{route="/stomp",status="426"} 1',
    ])
  })
})
