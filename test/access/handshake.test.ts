import { describe, expect, it } from 'vitest'
import { openAccess } from '../../src/access/access.ts'
import type { Credentials } from '../../src/access/authenticator.ts'
import { bareHandshake } from '../../src/access/handshake.ts'
import { ANONYMOUS } from '../../src/access/identity.ts'

describe('a bare handshake', () => {
  it('brings the address of the peer and nothing else', () => {
    const { headers, query, ...rest } = bareHandshake('192.0.2.7')
    expect(rest).toEqual({ path: '', remoteAddress: '192.0.2.7', peerAddress: '192.0.2.7', identity: undefined })
    expect([[...headers], [...query]]).toEqual([[], []])
  })
})

describe('the open authenticator', () => {
  it('takes anyone as anonymous, without a look at what they say, and lets them do anything', () => {
    expect(openAccess.isOpen).toBe(true)
    expect(openAccess.authenticate({} as Credentials)).toBe(ANONYMOUS)
    expect(ANONYMOUS.user).toBeUndefined()
    expect(openAccess.maySubscribe(ANONYMOUS, '/topic/a')).toBe(true)
    expect(openAccess.maySend(ANONYMOUS, '/app/a')).toBe(true)
  })
})
