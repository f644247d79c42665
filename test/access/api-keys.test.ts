import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { ApiKeys } from '../../src/access/api-keys.ts'

const hash = (key: string) => createHash('sha256').update(key).digest('hex')

describe('API keys', () => {
  const keys = new ApiKeys([
    { name: 'shop', key: 'shop-key', scopes: ['publish', 'tickets'] },
    { name: 'ops', keyHash: hash('ops-key').toUpperCase(), scopes: ['admin'] },
  ])

  it('are found by the key, also where only its hash is known, with their own scopes', () => {
    expect(keys.find('shop-key')).toEqual({ name: 'shop', scopes: new Set(['publish', 'tickets']) })
    expect(keys.find('ops-key')).toEqual({ name: 'ops', scopes: new Set(['admin']) })
  })

  it('are not found by anything else', () => {
    for (const given of ['', 'shop', 'shop-key ', 'Shop-key', hash('ops-key'), hash('shop-key'), 'x'.repeat(1e6)]) {
      expect(keys.find(given)).toBeUndefined()
    }
    expect(new ApiKeys([]).find('')).toBeUndefined()
  })

  it.each([
    ['without a key', {}],
    ['with an empty key', { key: '' }],
    ['with a hash that is none', { keyHash: 'secret-hash' }],
  ])('%s cannot be used', (_which, parts) => {
    const make = () => new ApiKeys([{ name: 'shop', scopes: [], ...parts }])
    expect(make).toThrow(/"shop"/)
    expect(make).not.toThrow(/secret-hash/)
  })
})
