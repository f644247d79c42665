/** A bridge that takes on another configuration while it runs. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import { tmpdir } from 'node:os'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parseConfig } from '../src/config.ts'
import { startBridge } from './support/bridge-stage.ts'
import { turn } from './support/fake-turn.ts'
import type { FakeClient } from './support/fake-socket.ts'

const anonymous = { authenticators: [{ type: 'anonymous' }] }
const mayAll = { allow: ['subscribe', 'send'], destination: '/**', anonymous: true }

function withRules(...rules: object[]) {
  return { access: { ...anonymous, rules }, routes: { conventionCodec: 'raw' } }
}

async function subscribe(client: FakeClient, destination: string, id = destination): Promise<string[]> {
  client.frame('SUBSCRIBE', { id, destination, receipt: id })
  await turn()
  return client.takeWords()
}

describe('rules that change', () => {
  const before = withRules(mayAll)
  const after = withRules({ deny: 'subscribe', destination: '/topic/secret', anonymous: true }, mayAll)

  it('decide from then on, and end the session of who has subscribed what it may not any more', async () => {
    const { bridge, open, bus } = await startBridge(before)
    const [one, other] = [await open(), await open()]
    await subscribe(one, '/topic/secret')
    await subscribe(other, '/topic/open')
    expect(await bridge.reload(parseConfig(after))).toEqual({ applied: ['access.rules'], needsRestart: [] })
    await turn()
    expect(one.takeWords()).toEqual(['ERROR not-authorized'])
    bus.deliver('topic:secret', 'x')
    bus.deliver('topic:open', 'y')
    await turn()
    expect(one.takeWords()).toEqual([])
    expect(other.takeWords()).toEqual(['MESSAGE y'])
    expect(await subscribe(other, '/topic/secret')).toEqual(['ERROR not-authorized'])
  })

  it('end only the subscription of who goes on after errors, and tell it', async () => {
    const { bridge, open, bus } = await startBridge(before)
    const client = await open({ errors: 'soft' })
    await subscribe(client, '/user/queue/errors')
    await subscribe(client, '/topic/secret')
    await subscribe(client, '/topic/open')
    await bridge.reload(parseConfig(after))
    await turn()
    const [error, ...more] = client.take()
    expect(more).toEqual([])
    expect([error!.command, error!.headers.get('code'), error!.headers.get('refused-destination')]).toEqual([
      'MESSAGE',
      'not-authorized',
      '/topic/secret',
    ])
    bus.deliver('topic:secret', 'x')
    bus.deliver('topic:open', 'y')
    await turn()
    expect(client.takeWords()).toEqual(['MESSAGE y'])
  })

  it('count for the next SEND of who has sent there before', async () => {
    const { bridge, open } = await startBridge(before)
    const client = await open({ errors: 'soft' })
    const send = async () => {
      client.frame('SEND', { destination: '/topic/a', receipt: 'sent' }, 'x')
      await turn()
      return client.takeWords().filter((words) => words.startsWith('RECEIPT'))
    }
    client.take()
    expect(await send()).toEqual(['RECEIPT sent'])
    await bridge.reload(parseConfig(withRules({ allow: 'subscribe', destination: '/**', anonymous: true })))
    expect(await send()).toEqual([])
  })
})

describe('routes that change', () => {
  const route = (channel: string, destination: string, more: object = {}) => ({ channel, destination, ...more })
  const withRoutes = (...inbound: object[]) => ({
    routes: { inbound, convention: false },
    broker: { releaseDelayMs: 0 },
  })

  it('feed who is subscribed: from a new channel once it is live, and no more from one that is gone', async () => {
    const { bridge, open, bus } = await startBridge(withRoutes(route('old', '/topic/a'), route('stays', '/topic/a')))
    const client = await open()
    await subscribe(client, '/topic/a')
    bus.goesLive = false
    const before = bus.commands.length
    let isDone = false
    const reload = bridge
      .reload(parseConfig(withRoutes(route('stays', '/topic/a'), route('new', '/topic/a'))))
      .then((result) => {
        isDone = true
        return result
      })
    await turn()
    bus.deliver('old', '1')
    bus.deliver('stays', '2')
    await turn()
    expect(client.takeWords()).toEqual(['MESSAGE 2'])
    expect(isDone).toBe(false)
    bus.goLive()
    expect(await reload).toEqual({ applied: ['routes.inbound'], needsRestart: [] })
    bus.deliver('new', '3')
    await turn()
    expect(client.takeWords()).toEqual(['MESSAGE 3'])
    await expect.poll(() => bus.commands.slice(before)).toEqual(['subscribe new', 'unsubscribe old'])
    // and the channels of a subscription go with it
    client.frame('UNSUBSCRIBE', { id: '/topic/a' })
    await expect.poll(() => bus.commands.slice(before + 2).sort()).toEqual(['unsubscribe new', 'unsubscribe stays'])
  })

  it('with another codec for the same channel deliver once, by the new one', async () => {
    const { bridge, open, bus } = await startBridge(withRoutes(route('c', '/topic/a', { codec: 'raw' })))
    const client = await open()
    await subscribe(client, '/topic/a')
    const before = bus.commands.length
    await bridge.reload(parseConfig(withRoutes(route('c', '/topic/a', { codec: 'json-string' }))))
    bus.deliver('c', '"x"')
    await turn()
    expect(client.takeWords()).toEqual(['MESSAGE x'])
    expect(bus.commands.slice(before)).toEqual([])
  })

  it.each(['on-demand', 'always'])(
    'with variables, subscribed %s, feed patterns and single destinations',
    async (how) => {
      const prices = route('p:{name}', '/topic/p/{name}', { codec: 'raw', subscribe: how })
      const { bridge, open, bus } = await startBridge(withRoutes(prices))
      const [one, all] = [await open(), await open()]
      await subscribe(one, '/topic/p/x')
      await subscribe(all, '/topic/p/*')
      await bridge.reload(parseConfig(withRoutes({ ...prices, codec: 'json-string' }, route('q', '/topic/p/x'))))
      // Redis sends both where both are subscribed
      if (bus.channels.has('p:x')) bus.deliver('p:x', '"1"')
      if (bus.patterns.has('p:*')) bus.deliver('p:x', '"1"', 'p:*')
      bus.deliver('q', '2')
      await turn()
      expect(one.takeWords()).toEqual(['MESSAGE 1', 'MESSAGE 2'])
      expect(all.takeWords()).toEqual(['MESSAGE 1', 'MESSAGE 2'])
      // back again
      await bridge.reload(parseConfig(withRoutes()))
      bus.deliver('p:x', '"3"', 'p:*')
      bus.deliver('q', '4')
      await turn()
      expect([...one.takeWords(), ...all.takeWords()]).toEqual([])
      await expect.poll(() => [...bus.channels, ...bus.patterns].filter((name) => /^[pq]/.test(name))).toEqual([])
    },
  )

  it('lead the next SEND elsewhere', async () => {
    const outbound = (channel: string) => ({ routes: { outbound: [{ destination: '/app/a', channel, codec: 'raw' }] } })
    const { bridge, open, bus } = await startBridge(outbound('one'))
    const client = await open()
    for (const channel of ['one', 'two']) {
      await bridge.reload(parseConfig(outbound(channel)))
      client.frame('SEND', { destination: '/app/a' }, 'x')
      await turn()
    }
    expect(bus.published.filter((each) => each.endsWith(' x'))).toEqual(['one x', 'two x'])
  })

  it('to a channel that Redis refuses are said, and end who has subscribed what it feeds', async () => {
    const { bridge, open, bus, log } = await startBridge(withRoutes())
    const [one, other] = [await open(), await open()]
    await subscribe(one, '/topic/a')
    await subscribe(other, '/topic/b')
    bus.goesLive = false
    const reload = bridge.reload(parseConfig(withRoutes(route('refused', '/topic/a'))))
    await turn()
    bus.refuseSubscription('refused')
    await reload
    await turn()
    expect(one.takeWords()).toEqual(['ERROR bus-refused'])
    expect(other.takeWords()).toEqual([])
    expect(log.messages('warn').some((message) => message.startsWith('Redis refuses a channel'))).toBe(true)
  })

  it('while the bus is away are not waited for', async () => {
    const { bridge, open, bus } = await startBridge(withRoutes())
    await subscribe(await open(), '/topic/a')
    bus.setReason('away')
    bus.goesLive = false
    await bridge.reload(parseConfig(withRoutes(route('c', '/topic/a'))))
    expect(bus.channels).toContain('c')
  })
})

describe('other settings that change', () => {
  const keys = (key: string) => ({ access: { ...anonymous, apiKeys: [{ name: 'k', key, scopes: ['read'] }] } })

  it('API keys: a new one is taken, the old one is not', async () => {
    const { bridge, get } = await startBridge(keys('first-key-0123456789'))
    const status = async (key: string) => (await get('/api/users', { authorization: `Bearer ${key}` })).status
    expect([await status('first-key-0123456789'), await status('second-key-0123456789')]).toEqual([200, 401])
    await bridge.reload(parseConfig(keys('second-key-0123456789')))
    expect([await status('first-key-0123456789'), await status('second-key-0123456789')]).toEqual([401, 200])
  })

  it('origins, hosts: the next request is judged by them', async () => {
    const { bridge, get } = await startBridge()
    const status = async () => (await get('/stomp', { origin: 'https://a.example' })).status
    expect(await status()).toBe(403)
    await bridge.reload(parseConfig({ server: { allowedOrigins: ['https://a.example'] } }))
    expect(await status()).not.toBe(403)
    await bridge.reload(parseConfig({ server: { allowedHosts: ['b.example'] } }))
    expect(await status()).toBe(403)
  })

  it('rates: what was counted for one that stays counts on', async () => {
    const rate = (destination: string) => ({ action: 'send', destination, count: 1, perSeconds: 3600 })
    const rates = (...all: object[]) => ({ limits: { rates: all } })
    const { bridge, open } = await startBridge(rates(rate('/topic/a')))
    const client = await open()
    await subscribe(client, '/user/queue/errors')
    const send = async (destination: string) => {
      client.frame('SEND', { destination, receipt: 'r' }, 'x')
      await turn()
      return client.takeWords().includes('RECEIPT r')
    }
    expect(await send('/topic/a')).toBe(true)
    await bridge.reload(parseConfig(rates(rate('/topic/b'), rate('/topic/a'))))
    expect([await send('/topic/a'), await send('/topic/b'), await send('/topic/b')]).toEqual([false, true, false])
    await bridge.reload(parseConfig(rates()))
    expect([await send('/topic/a'), await send('/topic/b')]).toEqual([true, true])
  })

  it('a key file with another key in it, also where the setting says the same', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'reload-'))
    onTestFinished(() => rmSync(directory, { recursive: true }))
    const publicKeyFile = join(directory, 'key.pem')
    const writeKey = () => {
      const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      writeFileSync(publicKeyFile, publicKey.export({ type: 'spki', format: 'pem' }))
    }
    writeKey()
    const config = parseConfig({ access: { authenticators: [{ type: 'jwt', algorithms: ['ES256'], publicKeyFile }] } })
    const { bridge, metric } = await startBridge(config)
    expect(await bridge.reload(config)).toEqual({ applied: [], needsRestart: [] })
    writeKey()
    expect(await bridge.reload(config)).toEqual({ applied: ['access.authenticators'], needsRestart: [] })
    rmSync(publicKeyFile)
    await expect(bridge.reload(config)).rejects.toThrow(publicKeyFile)
    expect(await metric('config_last_reload_successful')).toBe(0)
    writeKey()
    await bridge.reload(config)
    expect(await metric('config_last_reload_successful')).toBe(1)
  })

  it('log.level: told to the program, if it wants to know', async () => {
    const levels: string[] = []
    const { bridge } = await startBridge({}, { onLogLevel: (level) => levels.push(level) })
    expect((await bridge.reload(parseConfig({ log: { level: 'debug' } }))).applied).toEqual(['log.level'])
    expect(levels).toEqual(['debug'])
    const other = await startBridge()
    expect((await other.bridge.reload(parseConfig({ log: { level: 'debug' } }))).needsRestart).toEqual(['log.level'])
  })
})

describe('a reload', () => {
  it('that cannot load leaves all as it was, and is counted', async () => {
    const { bridge, metric } = await startBridge()
    const since = await metric('config_last_reload_success_timestamp_seconds')
    expect(since).toBeGreaterThan(1_700_000_000)
    await expect(bridge.reload(() => parseConfig({ server: { port: -1 } }))).rejects.toThrow('server.port')
    expect(await metric('config_last_reload_successful')).toBe(0)
    expect((await bridge.reload(parseConfig({ server: { port: 1 } }))).needsRestart).toEqual(['server.port'])
    expect(await metric('config_last_reload_successful')).toBe(1)
  })

  it('follows the one before it', async () => {
    const { bridge } = await startBridge()
    const hosts = (name: string) => parseConfig({ server: { allowedHosts: [name] } })
    const results = await Promise.all([bridge.reload(hosts('a')), bridge.reload(hosts('b')), bridge.reload(hosts('b'))])
    expect(results.map(({ applied }) => applied.length)).toEqual([1, 1, 0])
  })

  it('is refused when the bridge has closed', async () => {
    const { bridge } = await startBridge()
    await bridge.close()
    await expect(bridge.reload(parseConfig({}))).rejects.toThrow('runs')
  })
})
