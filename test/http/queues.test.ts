/** The operations on work queues: what is asked, answered and refused. */
import { describe, expect, it } from 'vitest'
import { Message } from '../../src/delivery/message.ts'
import { ProtocolError } from '../../src/errors.ts'
import { createKeyGuard, type KeyRing, type Scope } from '../../src/http/key-guard.ts'
import { queueEndpoints } from '../../src/http/queues.ts'
import { testApp } from './support.ts'

const scopes: Readonly<Record<string, readonly Scope[]>> = { read: ['read'], admin: ['admin'], publish: ['publish'] }
const keys: KeyRing = {
  find: (key) => (Object.hasOwn(scopes, key) ? { name: key, scopes: new Set(scopes[key]) } : undefined),
}
const ORDERS = '/api/queues/%2Fqueue%2Forders'
const COUNTS = { queue: '/queue/orders', ready: 1, pending: 2, consumers: 3, dead: 4 }

function setUp(failure?: ProtocolError) {
  const calls: unknown[] = []
  const answer = async <T>(call: unknown, value: T): Promise<T> => {
    calls.push(call)
    if (failure) throw failure
    return value
  }
  const message = (body: string | Uint8Array) =>
    new Message({
      id: 'queue:orders-1-0',
      destination: '/queue/orders',
      headers: [
        ['content-type', 'text/x'],
        ['reason', 'nack'],
      ],
      body,
    })
  const moreEndpoints = queueEndpoints(
    {
      list: () => answer('list', [COUNTS]),
      messages: (destination, isDead, limit) =>
        answer(['messages', destination, isDead, limit], {
          messages: [message('text'), message(Uint8Array.of(255))],
          hasMore: isDead,
        }),
      redrive: (destination) => answer(['redrive', destination], 5),
      purge: (destination, isDead) => answer(['purge', destination, isDead], 6),
    },
    createKeyGuard(keys, { check() {}, failed() {} }),
  )
  const app = testApp({ deps: { moreEndpoints } })
  const ask = async (method: string, path: string, key?: string) => {
    const headers = key === undefined ? {} : { Authorization: `Bearer ${key}` }
    const response = await app.request(path, { method, headers })
    const body = (await response.json()) as { error?: { code: string } }
    return { status: response.status, headers: response.headers, body }
  }
  const outcome = async (...asked: Parameters<typeof ask>): Promise<string> => {
    const { status, body } = await ask(...asked)
    return body.error ? `${status} ${body.error.code}` : String(status)
  }
  return { ask, outcome, calls }
}

describe('the operations on queues', () => {
  it.each([
    ['GET', '/api/queues', 'read'],
    ['GET', `${ORDERS}/messages`, 'read'],
    ['DELETE', `${ORDERS}/messages`, 'admin'],
    ['POST', `${ORDERS}/redrive`, 'admin'],
  ])('%s %s needs a key that may: %s', async (method, path, scope) => {
    const { outcome, calls } = setUp()
    expect(await outcome(method, path)).toMatch(/^401 /)
    expect(await outcome(method, path, 'unknown')).toMatch(/^401 /)
    for (const other of Object.keys(scopes)) {
      if (other !== scope)
        expect([other, await outcome(method, path, other)]).toEqual([other, expect.stringMatching(/^403 /)])
    }
    expect(calls).toEqual([])
    expect(await outcome(method, path, scope)).toBe('200')
    expect(calls).toHaveLength(1)
  })

  it('list the queues, for nobody to keep', async () => {
    const { ask } = setUp()
    const { body, headers } = await ask('GET', '/api/queues', 'read')
    expect(body).toEqual([COUNTS])
    expect(headers.get('cache-control')).toBe('no-store')
  })

  it('show messages', async () => {
    const { ask, calls } = setUp()
    const { body } = await ask('GET', `${ORDERS}/messages`, 'read')
    await ask('GET', `${ORDERS}/messages?dead=true&limit=7`, 'read')
    await ask('GET', `${ORDERS}/messages?dead=false&limit=1000`, 'read')
    expect(calls).toEqual([
      ['messages', '/queue/orders', false, 100],
      ['messages', '/queue/orders', true, 7],
      ['messages', '/queue/orders', false, 1000],
    ])
    expect(body).toEqual({
      messages: [
        { id: 'queue:orders-1-0', body: 'text', contentType: 'text/x', headers: { reason: 'nack' } },
        expect.objectContaining({ id: 'queue:orders-1-0', contentType: 'text/x' }),
      ],
      more: false,
    })
    expect((await ask('GET', `${ORDERS}/messages?dead=true`, 'read')).body).toMatchObject({ more: true })
  })

  it('delete and put back, and say how many', async () => {
    const { ask, calls } = setUp()
    expect((await ask('DELETE', `${ORDERS}/messages`, 'admin')).body).toEqual({ deleted: 6 })
    expect((await ask('DELETE', `${ORDERS}/messages?dead=true`, 'admin')).body).toEqual({ deleted: 6 })
    expect((await ask('POST', `${ORDERS}/redrive`, 'admin')).body).toEqual({ moved: 5 })
    expect(calls).toEqual([
      ['purge', '/queue/orders', false],
      ['purge', '/queue/orders', true],
      ['redrive', '/queue/orders'],
    ])
  })

  it.each([
    ['GET', 'messages?limit=0', 'read'],
    ['GET', 'messages?limit=1001', 'read'],
    ['GET', 'messages?limit=-1', 'read'],
    ['GET', 'messages?limit=x', 'read'],
    ['GET', 'messages?dead=1', 'read'],
    ['DELETE', 'messages?dead=yes', 'admin'],
  ])('refuse a parameter that is wrong: %s %s', async (method, path, key) => {
    const { outcome, calls } = setUp()
    expect(await outcome(method, `${ORDERS}/${path}`, key)).toBe('400 bad-field')
    expect(calls).toEqual([])
  })

  it.each([
    ['%2Fqueue%2Fa%2Fb', '/queue/a/b'],
    ['%2Fqueue%2F%C3%BC%20%25', '/queue/ü %'],
    ['%2Fqueue%2Fa%3Fx%23y', '/queue/a?x#y'],
    ['orders', 'orders'],
    ['%252Fqueue', '%2Fqueue'],
    ['%E0%A4', '%E0%A4'],
  ])('read the name of the queue from the path: %s', async (segment, destination) => {
    const { ask, calls } = setUp()
    await ask('POST', `/api/queues/${segment}/redrive`, 'admin')
    expect(calls).toEqual([['redrive', destination]])
  })

  it.each([
    ['no-queue', 404],
    ['bad-destination', 400],
    ['bus-unavailable', 503],
    ['bus-refused', 502],
  ] as const)('answer %s with %d', async (code, status) => {
    const { outcome } = setUp(new ProtocolError(code, 'Because'))
    expect(await outcome('POST', `${ORDERS}/redrive`, 'admin')).toBe(`${status} ${code}`)
    expect(await outcome('DELETE', `${ORDERS}/messages`, 'admin')).toBe(`${status} ${code}`)
    expect(await outcome('GET', `${ORDERS}/messages`, 'read')).toBe(`${status} ${code}`)
  })

  it.each([
    ['PUT', '/api/queues'],
    ['GET', `${ORDERS}/redrive`],
    ['POST', `${ORDERS}/messages`],
  ])('know no %s %s', async (method, path) => {
    const { outcome, calls } = setUp()
    expect(await outcome(method, path, 'admin')).toMatch(/^40[45] /)
    expect(calls).toEqual([])
  })
})
