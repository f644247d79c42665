/** Redis as providers and administrators leave it: commands renamed away or forbidden, a socket in place of a port. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { busForTest, IMPATIENT, redisForTest, type StartedBus } from './support.ts'

const renamedAway = (...names: string[]): string[] => names.flatMap((name) => ['--rename-command', name, ''])

/** Whatever a library writes past the log. */
function watchConsole(): () => unknown[][] {
  const spies = (['log', 'info', 'warn', 'error'] as const).map((name) => vi.spyOn(console, name).mockReturnValue())
  const stderr = vi.spyOn(process.stderr, 'write')
  onTestFinished(() => [...spies, stderr].forEach((spy) => spy.mockRestore()))
  return () => [...spies, stderr].flatMap((spy) => spy.mock.calls)
}

async function expectToWork({ bus, recorder }: StartedBus): Promise<void> {
  await recorder.untilAvailable()
  await Promise.all([bus.subscribe('a'), bus.psubscribe('b*')])
  await bus.publish('a', '1')
  await bus.publishAll([{ channel: 'b1', payload: '2' }])
  await recorder.untilReceived(2)
  expect(recorder.lines()).toEqual(['a: 1', 'b1: 2 (b*)'])
}

describe('the bus on Redis', () => {
  it.each<[readonly string[]]>([
    [['INFO']],
    [['CLIENT']],
    [['CONFIG']],
    [['PUBSUB']],
    [['HELLO']],
    [['ROLE']],
    [['PING']],
    [['INFO', 'CLIENT', 'CONFIG', 'PUBSUB']],
  ])('works without %j, and writes nothing past the log', async (names) => {
    const written = watchConsole()
    // Our own start asks PING.
    const redis = await redisForTest({ args: renamedAway(...names.filter((name) => name !== 'PING')) })
    const admin = await redis.client()
    await admin.acl('SETUSER', 'bridge', 'on', '>pw', '+@all', '&*', ...(names.includes('PING') ? ['-ping'] : []))
    const started = busForTest(`redis://bridge:pw@127.0.0.1:${redis.port}`, IMPATIENT)
    await expectToWork(started)
    if (names.some((name) => name === 'CLIENT' || name === 'PUBSUB')) expect(await started.bus.nodes()).toBeUndefined()
    expect(written()).toEqual([])
  })

  it('says once which commands a managed Redis does not take, and what is missing then', async () => {
    const redis = await redisForTest({ args: renamedAway('CLIENT', 'INFO', 'CONFIG') })
    const { recorder, log } = busForTest(redis.url, IMPATIENT)
    await recorder.untilAvailable()
    await vi.waitFor(() => expect(log.messages('warn')).toEqual(['Redis does not take some commands']))
    expect(JSON.stringify(log.entries)).toMatch(/CLIENT: connections may have no name.*INFO: since-time/)
  })

  it('works where all that is dangerous is forbidden', async () => {
    const written = watchConsole()
    const redis = await redisForTest()
    const admin = await redis.client()
    await admin.acl('SETUSER', 'bridge', 'on', '>pw', '+@all', '-@dangerous', '-@admin', '&*')
    await expectToWork(busForTest(`redis://bridge:pw@127.0.0.1:${redis.port}`, IMPATIENT))
    expect(written()).toEqual([])
  })

  it('works with no more than Pub/Sub and the handshake', async () => {
    const written = watchConsole()
    const redis = await redisForTest()
    const admin = await redis.client()
    await admin.acl('SETUSER', 'bridge', 'on', '>pw', '+@pubsub', '+multi', '+exec', '&*')
    const started = busForTest(`redis://bridge:pw@127.0.0.1:${redis.port}`, IMPATIENT)
    await expectToWork(started)
    expect(written()).toEqual([])
  })

  it('says in the log, once, that a password is not wanted, also where HELLO is missing', async () => {
    const written = watchConsole()
    const redis = await redisForTest({ args: renamedAway('HELLO') })
    const started = busForTest(`redis://:not-wanted@127.0.0.1:${redis.port}`, IMPATIENT)
    await expectToWork(started)
    expect(written()).toEqual([])
    expect(started.log.messages('warn')).toEqual(['Redis wants no password, but redis.password or redis.url has one'])
    expect(JSON.stringify(started.log.entries)).not.toContain('not-wanted')
  })

  it.each([
    ['its path', (path: string) => path],
    ['redis:// and its path', (path: string) => `redis://${path}`],
    ['unix://, with a password and a database', (path: string) => `unix://:s%2Fcret@${path}?db=2`],
  ])('finds a Unix socket by %s', async (_name, urlFor) => {
    const directory = await mkdtemp(join(tmpdir(), 'stomp-bridge-socket-'))
    onTestFinished(() => rm(directory, { recursive: true, force: true }))
    const path = join(directory, 'redis.sock')
    const url = urlFor(path)
    const redis = await redisForTest({
      args: ['--unixsocket', path],
      ...(url.includes('@') ? { requirepass: 's/cret' } : {}),
    })
    const started = busForTest(url, IMPATIENT)
    await expectToWork(started)
    expect(started.bus.description).toBe(`Redis at ${path}`)
    const clients = String(await (await redis.client()).client('LIST'))
    expect(clients).toMatch(new RegExp(`${path}:0.*name=stomp-bridge-`))
  })
})
