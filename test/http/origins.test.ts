import { describe, expect, it } from 'vitest'
import { createOriginPolicy, isLocalOrigin, isOrigin, isSameOrigin } from '../../src/http/origins.ts'

const LISTED = ['https://app.example.com', 'https://Shop.Example.com:8443/', 'capacitor://app', 'null', 'http://[::2]']

describe('origin policy', () => {
  it.each<[origin: string | undefined, host: string | undefined, allowed: boolean, why: string]>([
    [undefined, 'bridge.example', true, 'no browser'],
    [undefined, undefined, true, 'no browser, no host'],
    // the page's own server
    ['http://bridge.example', 'bridge.example', true, 'same host'],
    ['https://bridge.example', 'bridge.example', true, 'TLS ends in front'],
    ['https://bridge.example', 'bridge.example:443', true, 'default port of https'],
    ['http://bridge.example', 'bridge.example:80', true, 'default port of http'],
    ['http://bridge.example:80', 'bridge.example', true, 'default port in the origin'],
    ['https://bridge.example:443', 'bridge.example', true, 'default port in the origin'],
    ['HTTPS://Bridge.EXAMPLE', 'bRIDGE.example', true, 'case'],
    ['http://bridge.example:8080', 'bridge.example:8080', true, 'same port'],
    ['http://bridge.example:8080', 'bridge.example:8081', false, 'other port'],
    ['http://bridge.example:8080', 'bridge.example', false, 'no port'],
    ['http://bridge.example', 'bridge.example:8080', false, 'no port in the origin'],
    ['http://evil.example', 'bridge.example', false, 'other host'],
    ['http://bridge.example.evil.example', 'bridge.example', false, 'host as prefix'],
    ['http://evilbridge.example', 'bridge.example', false, 'host as suffix'],
    ['http://bridge.example', undefined, false, 'no host to compare with'],
    ['http://bridge.example', '', false, 'empty host'],
    ['http://evil.example', 'bridge.example@evil.example', false, 'host with user'],
    ['http://evil.example', 'evil.example/bridge', false, 'host with path'],
    ['http://[2001:DB8::1]:9000', '[2001:db8::1]:9000', true, 'IPv6'],
    ['ftp://bridge.example', 'bridge.example', false, 'scheme of no page'],
    // this machine
    ['http://localhost', 'bridge.example', true, 'localhost'],
    ['http://localhost:3000', 'bridge.example', true, 'localhost with port'],
    ['https://LOCALHOST:3000', 'bridge.example', true, 'localhost with TLS'],
    ['http://app.localhost:5173', 'bridge.example', true, 'below localhost'],
    ['http://a.b.localhost', 'bridge.example', true, 'below localhost, two levels'],
    ['http://127.0.0.1:5500', 'bridge.example', true, 'IPv4 loopback'],
    ['http://[::1]:5500', 'bridge.example', true, 'IPv6 loopback'],
    ['http://localhost.evil.example', 'bridge.example', false, 'localhost as prefix'],
    ['http://evillocalhost', 'bridge.example', false, 'localhost as suffix'],
    ['http://.localhost', 'bridge.example', false, 'empty label'],
    ['http://127.0.0.1.evil.example', 'bridge.example', false, 'loopback as prefix'],
    ['http://localhost@evil.example', 'bridge.example', false, 'localhost as user'],
    ['http://evil.example#localhost', 'bridge.example', false, 'localhost as fragment'],
    ['http://evil.example\\.localhost', 'bridge.example', false, 'backslash'],
    ['file://localhost', 'bridge.example', false, 'file'],
    ['ws://localhost', 'bridge.example', false, 'scheme of no page'],
    // listed
    ['https://app.example.com', 'bridge.example', true, 'listed'],
    ['HTTPS://APP.example.com', 'bridge.example', true, 'listed, other case'],
    ['https://shop.example.com:8443', 'bridge.example', true, 'listed with slash and capitals'],
    ['capacitor://app', 'bridge.example', true, 'listed, scheme of an app'],
    ['capacitor://other', 'bridge.example', false, 'scheme of an app, not listed'],
    ['http://app.example.com', 'bridge.example', false, 'listed with another scheme'],
    ['https://app.example.com:8443', 'bridge.example', false, 'listed with another port'],
    ['https://x.app.example.com', 'bridge.example', false, 'below a listed one'],
    // no origin
    ['null', 'bridge.example', false, 'null, even if listed'],
    ['', 'bridge.example', false, 'empty'],
    ['*', 'bridge.example', false, 'a star from a client'],
    ['localhost', 'bridge.example', false, 'no scheme'],
    ['http://', 'bridge.example', false, 'no host'],
    ['http://localhost/', 'bridge.example', false, 'path'],
    ['http://localhost:99999', 'bridge.example', false, 'port out of range'],
    ['http://localhost, http://evil.example', 'bridge.example', false, 'two headers'],
    ['http://localhost http://evil.example', 'bridge.example', false, 'old list form'],
    ['javascript:alert(1)', 'bridge.example', false, 'script'],
  ])('%s to %s: %s (%s)', (origin, host, allowed) => {
    expect(createOriginPolicy(LISTED)(origin, host)).toBe(allowed)
  })

  it.each(['null', '', 'http://', 'http://evil.example', 'http://a, http://b'])('a star takes "%s" too', (origin) => {
    expect(createOriginPolicy(['https://app.example.com', '*'])(origin, 'bridge.example')).toBe(true)
  })

  it('parts answer alone as well', () => {
    expect([isOrigin('https://a.example'), isOrigin('https://a.example/x'), isOrigin('null')]).toEqual([
      true,
      false,
      false,
    ])
    expect([isLocalOrigin('http://localhost:1'), isLocalOrigin('null')]).toEqual([true, false])
    expect([isSameOrigin('http://a.example', 'A.example:80'), isSameOrigin('null', 'null')]).toEqual([true, false])
  })
})
