import { describe, expect, it } from 'vitest'
import { ProtocolError } from '../../src/errors.ts'
import { createKeyGuard, type KeyRing } from '../../src/http/key-guard.ts'
import { testApp } from './support.ts'

const keys: KeyRing = {
  find: (key) =>
    ({
      'shop-key': { name: 'shop', scopes: new Set(['publish' as const]) },
      'reader-key': { name: 'reader', scopes: new Set(['read' as const, 'tickets' as const, 'admin' as const]) },
    })[key],
}

function guarded() {
  const failures: string[] = []
  let isThrottled = false
  const attempts = {
    check() {
      if (isThrottled) throw new ProtocolError('too-many-attempts', 'Try again later', { 'retry-after': '42' })
    },
    failed: (address: string) => void failures.push(address),
  }
  const app = testApp({ deps: { keyGuard: createKeyGuard(keys, attempts) } })
  return { ...app, failures, throttle: () => (isThrottled = true) }
}

const body = JSON.stringify({ topic: '/topic/a', message: 'x' })

async function outcome(response: Response): Promise<string> {
  if (response.status === 200) return '200'
  const { error } = (await response.json()) as { error: { code: string } }
  return `${response.status} ${error.code}`
}

describe('the guard of the operations for backends', () => {
  it.each([
    ['no key', {}, '401 not-authenticated'],
    ['another scheme', { Authorization: 'Basic shop-key' }, '401 not-authenticated'],
    ['a wrong key', { Authorization: 'Bearer nothing' }, '401 not-authenticated'],
    ['a key with other scopes', { Authorization: 'Bearer reader-key' }, '403 not-authorized'],
    ['the key', { Authorization: 'Bearer shop-key' }, '200'],
    ['the key in other words', { Authorization: 'bearer  shop-key ' }, '200'],
  ])('answers who sends %s', async (_what, headers, wanted) => {
    const { post, notified } = guarded()
    const response = await post(body, headers)
    if (wanted.startsWith('401')) expect(response.headers.get('www-authenticate')).toBe('Bearer')
    expect(await outcome(response)).toBe(wanted)
    expect(notified).toHaveLength(wanted === '200' ? 1 : 0)
  })

  it('counts wrong keys alone as failures, and answers 429 when there were too many', async () => {
    const { post, failures, throttle } = guarded()
    await post(body)
    await post(body, { Authorization: 'Bearer reader-key' })
    expect(failures).toEqual([])
    await post(body, { Authorization: 'Bearer wrong' })
    expect(failures).toEqual(['192.0.2.1'])
    throttle()
    const response = await post(body, { Authorization: 'Bearer shop-key' })
    expect(response.headers.get('retry-after')).toBe('42')
    expect(await outcome(response)).toBe('429 too-many-attempts')
  })

  it('looks at the key before the body, and guards the list of notifications too', async () => {
    const { request } = guarded()
    const response = await request('/api/notifications', { method: 'POST', body: '{' })
    expect(await outcome(response)).toBe('401 not-authenticated')
  })

  it('lets everybody see whether the bridge lives', async () => {
    const { request } = guarded()
    for (const path of ['/health', '/ready', '/metrics', '/docs']) {
      expect((await request(path)).status, path).toBe(200)
    }
  })
})
