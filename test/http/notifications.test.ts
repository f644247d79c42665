import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ProtocolError } from '../../src/errors.ts'
import { testApp } from './support.ts'

type Said = readonly [topic: string, message: unknown]
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

describe('POST /api/notifications with an idempotency key', () => {
  /** An app whose bus remembers what was published under a name; `isRefused` by the number of the attempt. */
  function appThatRemembers(isRefused: (attempt: number) => boolean = () => false) {
    const published: string[] = []
    const done = new Set<string>()
    let attempts = 0
    const notify = async (topic: string, json: string, once?: string): Promise<void> => {
      if (once !== undefined && done.has(once)) return
      if (isRefused(attempts++)) throw new ProtocolError('queue-full', 'Full')
      if (once !== undefined) done.add(once)
      published.push(`${topic} ${json}`)
    }
    const app = testApp({ deps: { outbound: { topicProblem: () => undefined, notify } } })
    /** Gives what was published by it, and which were taken. */
    const batch = async (list: string | readonly Said[], key = 'k') => {
      const text =
        typeof list === 'string' ? list : JSON.stringify(list.map(([topic, message]) => ({ topic, message })))
      const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': key }
      const response = await app.request('/api/notifications', { method: 'POST', body: text, headers })
      const { results } = (await response.json()) as { results: Result[] }
      return { published: published.splice(0), taken: results.map(({ ok }) => ok) }
    }
    return { ...app, batch, published }
  }

  const [A, B, C] = [
    ['/topic/a', 'one'],
    ['/topic/b', { two: 2 }],
    ['/topic/a', 'three'],
  ] as const
  const first = ['/topic/a "one"', '/topic/b {"two":2}', '/topic/a "three"']

  it.each<[how: string, list: readonly Said[], expected: string[]]>([
    ['as it was', [A, B, C], []],
    ['in another order', [C, A, B], []],
    ['in part', [C], []],
    [
      'with others among them',
      [['/topic/b', 'new'], C, B, ['/topic/z', 'one'], A],
      ['/topic/b "new"', '/topic/z "one"'],
    ],
    ['with one of them twice', [A, A, B, C], ['/topic/a "one"']],
    [
      'with other messages',
      [
        ['/topic/a', 'x'],
        ['/topic/b', { two: 3 }],
      ],
      ['/topic/a "x"', '/topic/b {"two":3}'],
    ],
  ])('publishes what was not published before when it comes again %s', async (_how, list, expected) => {
    const { batch } = appThatRemembers()
    expect((await batch([A, B, C])).published).toEqual(first)
    expect(await batch(list)).toEqual({ published: expected, taken: list.map(() => true) })
    expect((await batch(list)).published).toEqual([])
    expect((await batch([A, B, C], 'another key')).published).toEqual(first)
  })

  it('knows text by what it means, and JSON by how it is written', async () => {
    const { batch } = appThatRemembers()
    await batch('[{"topic":"/topic/a","message":"\u00e9"},{"topic":"/topic/a","message":12345678901234567890}]')
    const again =
      '[ {"message":"é", "topic":"/topic/a"}, {"topic":"/topic/a","message":12345678901234567890},' +
      '{"topic":"/topic/a","message":12345678901234567891}]'
    expect((await batch(again)).published).toEqual(['/topic/a 12345678901234567891'])
  })

  it('publishes what was refused, and nothing else, when it comes again, also without those that cannot be', async () => {
    const { batch } = appThatRemembers((attempt) => attempt === 1)
    const wrong = ['/topic/a', null] as const
    expect(await batch([wrong, A, B, C])).toEqual({
      published: [first[0], first[2]],
      taken: [false, true, false, true],
    })
    expect(await batch([A, B, C])).toEqual({ published: [first[1]], taken: [true, true, true] })
    expect((await batch([wrong, A, B, C])).published).toEqual([])
  })

  it('is not the key of a single message', async () => {
    const { batch, post, published } = appThatRemembers()
    await batch([A])
    for (const message of ['one', 'other']) {
      await post(JSON.stringify({ topic: '/topic/a', message }), { 'Idempotency-Key': 'k' })
    }
    expect(published).toEqual(['/topic/a "one"'])
  })

  it('doubles nothing and swallows nothing, whatever comes and is refused', async () => {
    const lists = fc.array(fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 5 }), { maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(lists, fc.array(fc.boolean()), async (all, refusals) => {
        const { batch } = appThatRemembers((attempt) => refusals[attempt] ?? false)
        const countOf = (list: readonly string[], message: string) => list.filter((each) => each === message).length
        const came: string[] = []
        for (const [i, list] of all.entries()) {
          const { published, taken } = await batch(list.map((message) => ['/topic/a', message]))
          came.push(...published.map((text) => JSON.parse(text.slice('/topic/a '.length)) as string))
          for (const message of ['a', 'b', 'c']) {
            const most = Math.max(...all.slice(0, i + 1).map((each) => countOf(each, message)))
            expect(countOf(came, message)).toBeLessThanOrEqual(most)
            const accepted = list.filter((each, at) => each === message && taken[at])
            expect(countOf(came, message)).toBeGreaterThanOrEqual(accepted.length)
          }
        }
      }),
      { numRuns: 40 },
    )
  })
})
