/** Keys below a prefix, and what can never be left to clients, as a real server describes its commands. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CommandConnection } from '../../src/redis/command-connection.ts'
import { CommandError } from '../../src/redis-commands/command-server.ts'
import { withOwnKeys } from '../../src/redis-commands/own-keys.ts'
import { Allowed } from '../../src/redis-commands/permission.ts'
import { PATIENT } from '../redis/support.ts'
import { FakeLog } from '../support/fake-log.ts'
import { startRedis, type RedisServer } from '../support/redis.ts'
import { waitFor } from '../support/wait.ts'

const SAFE = ['get', 'set', 'mset', 'zunionstore', 'georadius', 'bitop', 'object', 'copy', 'xgroup', 'hscan', 'rename']
const NEVER = [
  ...[
    'keys',
    'scan',
    'randomkey',
    'sort',
    'move',
    'migrate',
    'restore',
    'eval',
    'evalsha',
    'script',
    'config',
    'debug',
  ],
  ...['subscribe', 'psubscribe', 'publish', 'multi', 'exec', 'watch', 'blpop', 'brpoplpush', 'xread', 'xreadgroup'],
  ...['flushall', 'flushdb', 'client', 'monitor', 'shutdown', 'acl', 'module', 'auth', 'hello', 'reset', 'discard'],
  ...['swapdb', 'info', 'nonsense', 'replicaof', 'cluster', 'save', 'slowlog', 'bzpopmin', 'unwatch'],
]
/** Without keys: allowed by what it is, and refused when it is sent. */
const KEYLESS = [
  ['ping'],
  ['echo', 'x'],
  ['time'],
  ['dbsize'],
  ['object', 'help'],
  ['memory', 'doctor'],
  ['command'],
  ['select', '1'],
  ['wait', '0', '0'],
]

describe('the commands of clients on a real server', () => {
  let redis: RedisServer
  let server: CommandConnection
  const log = new FakeLog()
  const names = [...SAFE, ...NEVER, ...KEYLESS.map(([name]) => name!), 'memory']
  beforeAll(async () => {
    redis = await startRedis()
    server = new CommandConnection({ redis: { ...PATIENT, url: redis.url }, nodeId: 'node1', names, log })
    server.start()
    await waitFor(() => {
      try {
        return server.info('get') !== undefined
      } catch {
        return false
      }
    })
  })
  afterAll(async () => {
    server.close()
    await redis.stop()
  })

  const own = (line: string) => withOwnKeys(server, line.split(' '), 'p:').then((words) => words?.join(' '))

  it.each([
    ['get foo', 'get p:foo'],
    ['set foo foo', 'set p:foo foo'],
    ['mset a 1 b a', 'mset p:a 1 p:b a'],
    ['zunionstore 2 2 2 2', 'zunionstore p:2 2 p:2 p:2'],
    ['zunionstore d 2 a b weights 1 2', 'zunionstore p:d 2 p:a p:b weights 1 2'],
    ['georadius k 1 1 5 m store q', 'georadius p:k 1 1 5 m store p:q'],
    ['georadius k 1 1 5 m STORE STORE', 'georadius p:k 1 1 5 m STORE p:STORE'],
    ['bitop and d a b', 'bitop and p:d p:a p:b'],
    ['bitop and and and', 'bitop and p:and p:and'],
    ['object encoding encoding', 'object encoding p:encoding'],
    ['copy a b', 'copy p:a p:b'],
    ['xgroup create s s $', 'xgroup create p:s s $'],
    ['hscan hscan 0 match hscan', 'hscan p:hscan 0 match hscan'],
    ['rename a a', 'rename p:a p:a'],
  ])('%s is %s', async (line, expected) => {
    expect(await own(line)).toBe(expected)
  })

  it('put every key below the prefix, or are refused: whatever the words', async () => {
    const word = fc.constantFrom(
      '1',
      '2',
      '0',
      'store',
      'a',
      'and',
      'm',
      'weights',
      'encoding',
      'create',
      '',
      'p:',
      'db',
    )
    const command = fc.tuple(fc.constantFrom(...SAFE), fc.array(word, { minLength: 1, maxLength: 7 }))
    await fc.assert(
      fc.asyncProperty(command, async ([name, args]) => {
        try {
          const words = await withOwnKeys(server, [name, ...args], 'own:')
          if (!words) return
          for (const key of await server.keysOf(words)) expect(key).toMatch(/^own:/)
          const plain = words.map((each) => (each.startsWith('own:') ? each.slice(4) : each))
          expect(plain).toEqual([name, ...args])
        } catch (error) {
          expect(error).toBeInstanceOf(CommandError)
        }
      }),
      { numRuns: 300 },
    )
  })

  it.each(NEVER)('never have %s, whatever the list says', (name) => {
    const words = [name, 'a', 'b', 'c']
    expect(new Allowed([name]).find(words, (each) => server.info(each))).toBeUndefined()
  })

  it.each(KEYLESS)('never have what has no key: %s %s', async (...words) => {
    const info = new Allowed([words[0]!]).find(words, (each) => server.info(each))
    const found = info && (await withOwnKeys(server, words, 'p:').catch(() => undefined))
    expect(found).toBeUndefined()
  })

  it('have what is in the list, whole or one subcommand, in any case; and copies in the own database alone', () => {
    const find = (allow: string[], line: string) =>
      new Allowed(allow).find(line.split(' '), (name) => server.info(name)) !== undefined
    expect(find(['GET'], 'get a')).toBe(true)
    expect(find(['get'], 'GET a')).toBe(true)
    expect(find(['GET'], 'SET a b')).toBe(false)
    expect(find(['OBJECT ENCODING'], 'OBJECT encoding a')).toBe(true)
    expect(find(['object|encoding'], 'OBJECT FREQ a')).toBe(false)
    expect(find(['COPY'], 'copy a b replace')).toBe(true)
    expect(find(['COPY'], 'copy a b DB 3')).toBe(false)
    expect(find(['COPY'], 'copy a b replace db 3')).toBe(false)
  })

  it('are named in the log where the list has them in vain', () => {
    const told = log.entries.filter(({ message }) => message === 'A command of redisCommands.allow is never allowed')
    const inVain = new Set(told.map(({ fields }) => fields['command']))
    for (const name of ['KEYS', 'SORT', 'EVAL', 'CONFIG', 'BLPOP', 'NONSENSE']) expect(inVain).toContain(name)
    for (const name of SAFE) expect(inVain).not.toContain(name.toUpperCase())
  })
})
