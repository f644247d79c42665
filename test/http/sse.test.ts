import { describe, expect, it } from 'vitest'
import { turn } from '../support/fake-turn.ts'
import { StreamReader } from '../sse/reader.ts'
import { doorsApp, outcomeOf, subscribed } from './doors-support.ts'

describe('GET /sse', () => {
  it.each([
    ['/sse/topic/a', ['/topic/a']],
    ['/sse/topic/%C3%A9%2520', ['/topic/é%20']],
    ['/sse?destination=/topic/a', ['/topic/a']],
    ['/sse?destination=/topic/a&destination=%2Ftopic%2Fb%20c', ['/topic/a', '/topic/b c']],
    ['/sse?destination=/topic/a&destination=/topic/a', ['/topic/a']],
    ['/sse/?destination=/topic/a', ['/topic/a']],
    ['/sse/topic/a?destination=/topic/b', ['/topic/a', '/topic/b']],
    ['/sse?destination=/topic/*', ['/topic/*']],
  ])('opens %s as a stream of %j', async (path, destinations) => {
    const app = doorsApp()
    const response = await app.request(path)
    expect(response.status).toBe(200)
    expect(subscribed(app)).toEqual(destinations)
  })

  it('answers with what proxies and browsers need to know', async () => {
    const app = doorsApp()
    const { headers } = await app.request('/sse/topic/a')
    expect(Object.fromEntries(headers)).toEqual({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'x-content-type-options': 'nosniff',
      vary: 'Origin',
    })
  })

  it.each([
    ['/sse', '400 bad-field'],
    ['/sse/', '400 bad-field'],
    ['/sse?destination=', '400 bad-destination'],
    ['/sse/app/greet', '400 bad-destination'],
    ['/sse/topic/a?destination=/nowhere', '400 bad-destination'],
    ['/sse/topic/%ff', '400 bad-field'],
    ['/sse?destination=/topic/%ff', '400 bad-field'],
    [`/sse?${'abcdef'.replace(/./g, 'destination=/topic/$&&')}`, '429 too-many-subscriptions'],
    ['/sse?destination=/topic/*&destination=/topic/b*&destination=/topic/c*', '429 too-many-subscriptions'],
  ])('refuses %s with %s', async (path, outcome) => {
    const app = doorsApp()
    const response = await app.request(path)
    expect(response.headers.get('retry-after')).toBeNull()
    expect(await outcomeOf(response)).toBe(outcome)
    expect(app.opened).toEqual([])
    expect(app.stage.core.bus.commands.filter((command) => command.includes('nowhere'))).toEqual([])
  })

  it.each([
    ['/sse/topic/a', { 'Last-Event-ID': '17' }],
    ['/sse/topic/a?since=17&epoch=e', {}],
  ])('tells a reader who wants to go on that there is no history: %s %j', async (path, headers) => {
    const app = doorsApp()
    await app.request(path, { headers })
    app.stage.notify('/topic/a', 'live')
    await turn()
    const [position, live] = new StreamReader(app.opened[0]!.client).take()
    expect(position!.event).toBe('position')
    expect(JSON.parse(position!.data)).toMatchObject({ destination: '/topic/a', recovered: false })
    expect(live).toEqual({ event: 'message', data: 'live' })
  })

  it('tells HEAD what GET would be, and opens nothing', async () => {
    const app = doorsApp()
    const response = await app.request('/sse/topic/a', { method: 'HEAD' })
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
    expect(app.opened).toEqual([])
    expect(app.stage.clients.size).toBe(0)
    expect((await app.request('/sse/nowhere', { method: 'HEAD' })).status).toBe(400)
  })

  it('serves a client that offers HTTP/2 on the way, as that of Java does', async () => {
    const app = doorsApp()
    const headers = { Connection: 'Upgrade, HTTP2-Settings', Upgrade: 'h2c', 'HTTP2-Settings': 'AAEAAEAA' }
    expect((await app.request('/sse/topic/a', { headers })).status).toBe(200)
    expect(subscribed(app)).toEqual(['/topic/a'])
  })

  it('is not there when its door is closed', async () => {
    const app = doorsApp({ options: { doors: { raw: true, sse: false } } })
    for (const path of ['/sse', '/sse/topic/a']) {
      const response = await app.request(path)
      expect(response.status).toBe(404)
      expect(await response.text()).not.toContain('/sse')
    }
  })

  it('takes nobody while the node is full or stops', async () => {
    const app = doorsApp()
    app.refuse('full')
    expect(await outcomeOf(await app.request('/sse/topic/a'))).toBe('503 too-many-sessions')
    app.refuse('draining')
    expect(await outcomeOf(await app.request('/sse/topic/a'))).toBe('503 shutting-down')
  })

  it('takes no other method', async () => {
    const response = await doorsApp().request('/sse/topic/a', { method: 'POST' })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS'])
  })

  it('waits until the bus feeds all of it, asked for at once', async () => {
    const app = doorsApp({ bus: { goesLive: false } })
    const answer = app.request('/sse?destination=/topic/a&destination=/topic/b')
    await turn()
    expect(app.stage.core.bus.commands).toEqual(expect.arrayContaining(['subscribe topic:a', 'subscribe topic:b']))
    app.stage.core.bus.goLive('BROADCAST')
    app.stage.core.bus.goLive('topic:a')
    await turn()
    expect(app.opened).toEqual([])
    app.stage.core.bus.goLive('topic:b')
    expect((await answer).status).toBe(200)
  })
})

describe('a page of another origin', () => {
  it.each(['/sse/topic/a', '/sse?destination=/topic/a', '/sse/nowhere'])('may read %s if it may call', async (path) => {
    const app = doorsApp()
    const response = await app.request(path, { headers: { Origin: 'https://app.example' } })
    expect(response.headers.get('access-control-allow-origin')).toBe('https://app.example')
    expect(response.headers.get('vary')).toBe('Origin')
    const refused = await app.request(path, { headers: { Origin: 'https://evil.example' } })
    expect(refused.headers.get('access-control-allow-origin')).toBeNull()
    expect(await outcomeOf(refused)).toBe('403 forbidden-origin')
  })

  it('may send its credentials and where it was', async () => {
    const headers = {
      Origin: 'https://app.example',
      'Access-Control-Request-Method': 'GET',
      'Access-Control-Request-Headers': 'authorization,last-event-id',
    }
    for (const path of ['/sse', '/sse/topic/a']) {
      const response = await doorsApp().request(path, { method: 'OPTIONS', headers })
      expect(response.status).toBe(204)
      expect(response.headers.get('access-control-allow-origin')).toBe('https://app.example')
      expect(response.headers.get('access-control-allow-headers')).toMatch(/Authorization, Last-Event-ID/)
    }
  })
})
