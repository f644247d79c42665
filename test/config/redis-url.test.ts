import { describe, expect, it } from 'vitest'
import { describeRedisUrl, loadConfig, parseRedisUrl, type RedisAddress } from '../../src/config.ts'
import { readRedisUrl } from '../../src/config/redis-url.ts'

const NETWORK = { isTls: false, host: 'localhost', port: 6379, path: undefined }
const SOCKET = { isTls: false, host: undefined, port: 6379, path: '/run/redis.sock' }
const REST = { username: undefined, password: undefined, db: undefined, family: undefined }

describe('redis.url', () => {
  it.each<[string, Partial<RedisAddress>]>([
    ['redis://', NETWORK],
    ['redis:///', NETWORK],
    ['redis://localhost', NETWORK],
    ['redis://example.com:6380', { ...NETWORK, host: 'example.com', port: 6380 }],
    ['redis://my_redis-1.internal/', { ...NETWORK, host: 'my_redis-1.internal' }],
    ['redis://[::1]:6380', { ...NETWORK, host: '::1', port: 6380 }],
    ['redis://host/2', { ...NETWORK, host: 'host', db: 2 }],
    ['redis:///2', { ...NETWORK, db: 2 }],
    ['redis://host?db=3&family=6', { ...NETWORK, host: 'host', db: 3, family: 6 }],
    ['redis://host/2?db=3', { ...NETWORK, host: 'host', db: 2 }],
    ['redis://host?username=ann&password=s', { ...NETWORK, host: 'host', username: 'ann', password: 's' }],
    ['redis://ann:p%40%2F%3A@host', { ...NETWORK, host: 'host', username: 'ann', password: 'p@/:' }],
    ['redis://:secret@host', { ...NETWORK, host: 'host', password: 'secret' }],
    ['redis://:a:b$@host', { ...NETWORK, host: 'host', password: 'a:b$' }],
    ['rediss://host:6380/1', { ...NETWORK, isTls: true, host: 'host', port: 6380, db: 1 }],
    ['/run/redis.sock', SOCKET],
    ['/run/redis.sock?db=2&password=s', { ...SOCKET, db: 2, password: 's' }],
    ['redis:///run/redis.sock', SOCKET],
    ['redis:///run/redis.sock?db=2', { ...SOCKET, db: 2 }],
    ['unix:///run/redis.sock', SOCKET],
    ['unix:///run/redis%20x.sock', { ...SOCKET, path: '/run/redis x.sock' }],
    ['unix://ann:p%40@/run/redis.sock', { ...SOCKET, username: 'ann', password: 'p@' }],
    ['redis://:secret@/run/redis.sock', { ...SOCKET, password: 'secret' }],
    ['rediss:///run/tls.sock', { ...SOCKET, isTls: true, path: '/run/tls.sock' }],
  ])('%s is understood', (url, address) => {
    expect(parseRedisUrl(url)).toEqual({ ...REST, ...address })
  })

  it.each([
    ['redis://${REDIS_HOST}:6379', /\$\{…\}/],
    ['redis://:${PASSWORD_31337}@host', /\$\{…\}/],
    ['${REDIS_URL}', /\$\{…\}/],
    ['/run/${NAME}.sock', /\$\{…\}/],
    ['redis://{host}:6379', /host/],
    ['redis://$HOST:6379', /host/],
    ['redis://<host>', /must be/],
    ['redis://host:port', /port/],
    ['redis://host:0', /port 0/],
    ['redis://host:65536', /port/],
    ['redis://host:-1', /port/],
    ['redis://host/db31337', /database/],
    ['redis://host/1/2', /database/],
    ['redis://host?db=x31337', /db/],
    ['redis://host?family=7', /family/],
    ['redis://host?tls=true31337', /option/],
    ['redis://:31337#x@host', /must be/],
    ['redis://host#31337', /#/],
    ['redis://:31337/x@host', /must be/],
    ['redis://:31337%@host', /%/],
    ['unix://run/redis.sock', /must be/],
    ['unix://:31337%zz@/run/redis.sock', /%/],
    ['http://user:31337@host', /must be/],
    ['redis+tls://host', /must be/],
    ['host:6379', /must be/],
    ['//host', /must be/],
    ['/', /must be/],
    ['', /must be/],
    ['redis.sock', /must be/],
  ])('%s is refused, and not quoted', (url, problem) => {
    const read = readRedisUrl(url)
    expect(read).toEqual({ problem: expect.stringMatching(problem) })
    expect(JSON.stringify(read)).not.toContain('31337')
    expect(() => parseRedisUrl(url)).toThrow(/^redis\.url /)
    expect(() => loadConfig({ env: { REDIS_URL: url || ' ' } })).toThrow(/REDIS_URL: (has|must) /)
  })

  it.each([
    ['redis://user:s3cret@example.com:6380/2', 'example.com:6380'],
    ['rediss://:s3cret@example.com', 'example.com:6379'],
    ['redis://', 'localhost:6379'],
    ['redis://:s3cret@[::1]:6379', '[::1]:6379'],
    ['/run/redis.sock', '/run/redis.sock'],
    ['unix://:s3cret@/run/redis.sock?db=1', '/run/redis.sock'],
    ['redis://:s3 cret%@:x', 'the configured address'],
  ])('%s is shown as %s', (url, shown) => {
    expect(describeRedisUrl(url)).toBe(shown)
  })
})
