import { describe, expect, it } from 'vitest'
import { doorsApp, outcomeOf } from './doors-support.ts'

describe('server.allowedHosts', () => {
  const app = () => doorsApp({ options: { allowedHosts: ['App.example', 'localhost'] }, endpoints: [{ path: '/ws' }] })

  it.each([
    ['app.example', true],
    ['APP.EXAMPLE:8080', true],
    ['localhost:8080', true],
    ['evil.example', false],
    ['app.example.evil.example', false],
    ['127.0.0.1', false],
  ])('of a call to %s', async (host, isAllowed) => {
    const { handshake, request } = app()
    const headers = { Host: host }
    expect(await outcomeOf(await handshake('/raw/topic/a', headers))).toBe(isAllowed ? '101' : '403 forbidden-host')
    expect(await outcomeOf(await handshake('/ws', headers))).toBe(isAllowed ? '101' : '403 forbidden-host')
    expect(await outcomeOf(await request('/sse/topic/a', { headers }))).toBe(isAllowed ? '200' : '403 forbidden-host')
    expect(await outcomeOf(await handshake('/stomp', headers))).toBe(isAllowed ? '101' : '403 forbidden-host')
    const posted = await request('/api/notification', { method: 'POST', headers, body: '{}' })
    expect(posted.status === 403).toBe(!isAllowed)
    expect((await request('/health', { headers })).status).toBe(200)
  })
})
