import { describe, expect, it } from 'vitest'
import { ProtocolError } from '../../src/errors.ts'
import { testApp } from './support.ts'

type Result = { ok: true } | { ok: false; error: { code: string; message: string; field?: string } }

async function send(list: unknown, app = testApp()) {
  const text = typeof list === 'string' ? list : JSON.stringify(list)
  const headers = { 'Content-Type': 'application/json' }
  const response = await app.request('/api/notifications', { method: 'POST', body: text, headers })
  return { app, response, body: (await response.json()) as { results: Result[]; error: { code: string } } }
}

describe('POST /api/notifications', () => {
  it('hands over all of them in order, and says so of each', async () => {
    const { app, response, body } = await send([
      { topic: '/topic/a', message: 'one' },
      { topic: '/topic/b', message: { two: 2 } },
    ])
    expect(response.status).toBe(200)
    expect(body).toEqual({ results: [{ ok: true }, { ok: true }] })
    expect(app.notified).toEqual([
      { topic: '/topic/a', json: '"one"' },
      { topic: '/topic/b', json: '{"two":2}' },
    ])
  })

  it('takes the others where one is wrong', async () => {
    const { app, body } = await send([
      { topic: '/topic/a', message: 1 },
      { topic: '/nowhere', message: 2 },
      { message: 3 },
      'x',
      null,
      { topic: '/topic/b', message: 4 },
    ])
    expect(
      body.results.map((result) => (result.ok ? 'ok' : `${result.error.code} ${result.error.field ?? '-'}`)),
    ).toEqual(['ok', 'bad-destination topic', 'bad-field topic', 'bad-field -', 'bad-field -', 'ok'])
    expect(app.notified.map(({ topic }) => topic)).toEqual(['/topic/a', '/topic/b'])
  })

  it('passes JSON on as it is written: long numbers, nested lists, and whatever a string holds', async () => {
    const { app } = await send(
      '[ {"topic":"/topic/a","message":{"id":1784563209871234567,"amount":10.50}} , ' +
        '{"message":[[1],[2]],"topic":"/topic/b"},{"topic":"/topic/c","message":"],{\\"topic\\":1"}]',
    )
    expect(app.notified).toEqual([
      { topic: '/topic/a', json: '{"id":1784563209871234567,"amount":10.50}' },
      { topic: '/topic/b', json: '[[1],[2]]' },
      { topic: '/topic/c', json: '"],{\\"topic\\":1"' },
    ])
  })

  it.each([
    ['no list', { topic: '/topic/a', message: 'x' }],
    ['a list of 1,001', Array.from({ length: 1001 }, () => ({ topic: '/topic/a', message: 'x' }))],
  ])('refuses %s', async (_what, list) => {
    const { app, response, body } = await send(list)
    expect(response.status).toBe(400)
    expect(body.error.code).toBe('bad-field')
    expect(app.notified).toEqual([])
  })

  it('takes an empty list, and one of 1,000', async () => {
    expect((await send([])).body).toEqual({ results: [] })
    const list = Array.from({ length: 1000 }, () => ({ topic: '/topic/a', message: 'x' }))
    expect((await send(list)).body.results).toHaveLength(1000)
  })

  it('says of each that the bus did not take it', async () => {
    const notify = (topic: string) =>
      topic === '/topic/b' ? Promise.reject(new ProtocolError('bus-unavailable', 'Away')) : Promise.resolve()
    const app = testApp({ deps: { outbound: { topicProblem: () => undefined, notify } } })
    const { body } = await send(
      [
        { topic: '/topic/a', message: 1 },
        { topic: '/topic/b', message: 2 },
      ],
      app,
    )
    expect(body.results).toEqual([{ ok: true }, { ok: false, error: { code: 'bus-unavailable', message: 'Away' } }])
  })

  it('fails as a whole with a fault of ours, and tells nothing of it', async () => {
    const app = testApp({
      deps: { outbound: { topicProblem: () => undefined, notify: () => Promise.reject(new Error('secret')) } },
    })
    const { response, body } = await send([{ topic: '/topic/a', message: 1 }], app)
    expect(response.status).toBe(500)
    expect(JSON.stringify(body)).not.toContain('secret')
  })
})
