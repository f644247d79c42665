import { describe, expect, it } from 'vitest'
import { negotiateVersion, pickSubProtocol, SUB_PROTOCOLS, VERSIONS } from '../../frames/index.ts'

describe('negotiateVersion', () => {
  it('#33 takes a missing accept-version for 1.0', () => {
    expect(negotiateVersion(undefined)).toBe('1.0')
  })

  it.each([
    ['1.2', '1.2'],
    ['1.1', '1.1'],
    ['1.0', '1.0'],
    ['1.0,1.1,2.0', '1.1'],
    ['1.2,1.1,1.0', '1.2'],
    ['1.0,1.1,1.2', '1.2'],
    ['1.1,1.0', '1.1'],
    ['2.0,1.2', '1.2'],
    ['x,,1.0,', '1.0'],
    ['1.0,1.0', '1.0'],
    ['1.0, 1.1 ,\t1.2', '1.2'],
  ])('#34 agrees for %j on %s', (acceptVersion, version) => {
    expect(negotiateVersion(acceptVersion)).toBe(version)
  })

  it.each(['', ',', '2.0', '1', '1.3', '1.20', '11.2', '01.2', 'v1.2', '1,2', '1.2;1.1', 'constructor'])(
    '#35 finds none in common in %j',
    (acceptVersion) => {
      expect(negotiateVersion(acceptVersion)).toBeUndefined()
    },
  )

  it('#34 knows three versions, best first', () => {
    expect(VERSIONS).toEqual(['1.2', '1.1', '1.0'])
  })
})

describe('pickSubProtocol', () => {
  it.each([
    ['v12.stomp,v11.stomp,v10.stomp', 'v12.stomp'],
    ['v10.stomp, v11.stomp, v12.stomp', 'v12.stomp'],
    ['v11.stomp', 'v11.stomp'],
    ['graphql-ws, v11.stomp', 'v11.stomp'],
    ['V12.STOMP', 'V12.STOMP'],
    [' v12.stomp ', 'v12.stomp'],
  ])('#118 answers %j with one that was offered, %s', (offered, picked) => {
    expect(pickSubProtocol(offered)).toBe(picked)
  })

  it.each([undefined, null, '', ',', 'mqtt', 'stomp', 'v13.stomp', 'v12.stompx', 'xv12.stomp'])(
    '#118 picks none of %j',
    (offered) => {
      expect(pickSubProtocol(offered)).toBeUndefined()
    },
  )

  it('#118 knows a sub-protocol for each version', () => {
    expect(SUB_PROTOCOLS).toHaveLength(VERSIONS.length)
  })
})
