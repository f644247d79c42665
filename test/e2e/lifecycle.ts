/**
 * A bridge process from its first line to its exit code: what it prints, how it refuses to start, how it lives without
 * Redis, and how it stops. Run on each runtime by the files beside.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import WebSocket from 'ws'
import { parse, stringify } from 'yaml'
import { listen, metric, notify } from '../support/clients/backend.ts'
import { connectStompjs7 } from '../support/clients/stompjs7.ts'
import { spawnBridge, type BridgeProcess, type RuntimeName, type SpawnOptions } from '../support/process.ts'
import { startRedis, type RedisServer, type RedisServerOptions } from '../support/redis.ts'
import { bodyText, connectPeer, frameText, type PeerOptions, type StompPeer } from '../support/stomp-peer.ts'
import { eventually } from '../support/wait.ts'
import { directoryWith, runBridge } from './lifecycle-command.ts'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

/** What a machine under load may need beyond a deadline of the bridge. */
const SLACK_MS = 1500

export function lifecycleSuite(runtime: RuntimeName): void {
  const start = (options: Omit<SpawnOptions, 'runtime'> = {}) => spawnBridge({ runtime, ...options })
  const run = (args: readonly string[], options: { env?: Record<string, string>; cwd?: string } = {}) =>
    runBridge(runtime, { args, ...options })

  describe(`a bridge process on ${runtime}`, () => {
    describe('at start', () => {
      it('prints what it serves, on what, and to whom; and every URL of it answers', async () => {
        const bridge = await start({
          tcp: true,
          env: { STOMP_BRIDGE_TCP_ENABLED: 'true', STOMP_BRIDGE_TCP_PORT: '0' },
        })
        const { port, tcpPort } = bridge
        const banner = bridge.stdout()
        expect(banner).toMatch(new RegExp(`^stomp-bridge ${version} on ${runtime} \\d+\\.\\d+`, 'i'))
        for (const part of [
          `ws://127.0.0.1:${port}/stomp\n`,
          `://127.0.0.1:${tcpPort}\n`,
          `POST http://127.0.0.1:${port}/api/notification`,
          'Embedded',
          'REDIS_URL',
          '/app/greet -> channel GREETING_CHANNEL_OUTBOUND',
          'channel GREETING_CHANNEL_INBOUND -> /topic/greetings',
          '/app/{*name} -> channel app:{*name}',
          'channel topic:{*name} -> /topic/{*name}',
          'Open',
        ]) {
          expect(banner).toContain(part)
        }
        const pages = [...banner.matchAll(/GET +(http\S+)/g)].map(([, url]) => url!)
        expect(pages.map((page) => new URL(page).pathname)).toEqual(['/health', '/ready', '/docs', '/metrics'])
        for (const page of pages) expect([page, (await fetch(page)).status]).toEqual([page, 200])
        expect(await notify(bridge, '/topic/toast', 'x')).toEqual({ status: 200, body: '' })

        expect(await bridge.stop()).toBe(0)
        expect(bridge.stdout()).toBe(banner)
      })

      it('names the Redis that it uses, and follows file, environment and options', async () => {
        const redis = await ownRedis()
        const cwd = await directoryWith({
          'bridge.yaml': stringify({
            server: { docs: false, port: 1 },
            routes: { outbound: [{ destination: '/app/orders/{id}', channel: 'orders:{id}', codec: 'raw' }] },
            broker: { prefixes: ['/topic', '/queue'] },
          }),
        })
        const port = await freePort()
        const bridge = await start({ cwd, args: ['--port', String(port)], env: { REDIS_URL: redis.url, PORT: '2' } })
        expect(bridge.port).toBe(port)
        expect(bridge.stdout()).toContain(`Redis at 127.0.0.1:${redis.port}\n`)
        expect(bridge.stdout()).toContain('/app/orders/{id} -> channel orders:{id}  (raw)')
        expect(bridge.stdout()).not.toMatch(/Embedded|GREETING|docs/)
        await ready(bridge)
        expect((await fetch(`${bridge.url}/docs`)).status).toBe(404)

        const orders = await listen(redis, 'orders:7')
        const peer = await open({ url: bridge.wsUrl })
        await peer.stompConnect()
        peer.send(frameText('SUBSCRIBE', { destination: '/queue/x', id: '1', receipt: 's' }))
        await peer.receipt('s')
        peer.send(frameText('SEND', { destination: '/app/orders/7', receipt: 'r' }, 'raw'))
        await peer.receipt('r')
        expect((await orders.next()).toString()).toBe('raw')
      })

      it('logs JSON lines on stderr, each with level, time and message', async () => {
        const redis = await ownRedis()
        const bridge = await start({ env: { REDIS_URL: redis.url, LOG_LEVEL: 'debug' } })
        await ready(bridge)
        const peer = await open({ url: bridge.wsUrl })
        peer.send('NONSENSE\n\n\0')
        await peer.closed
        await bridge.stop()
        const lines = bridge.stderr().trimEnd().split('\n')
        expect(lines.length).toBeGreaterThan(3)
        for (const line of lines) {
          expect(JSON.parse(line)).toMatchObject({
            level: expect.stringMatching(/^(debug|info|warn|error)$/),
            time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
            msg: expect.any(String),
          })
        }
      })

      it.each([
        ['PORT', {}],
        ['STOMP_BRIDGE_TCP_PORT', { PORT: '0', STOMP_BRIDGE_TCP_ENABLED: 'true' }],
      ])('says in one line that the port in %s is in use, and exits with 1', async (variable, env) => {
        const port = await takenPort()
        // With Redis, whose connections must not keep the process.
        const redis = await ownRedis()
        const outcome = await run([], { env: { REDIS_URL: redis.url, ...env, [variable]: String(port) } })
        expect(outcome).toEqual({
          code: 1,
          stdout: '',
          stderr: `Port ${port} on 127.0.0.1 is in use: stop the other program or set ${variable}\n`,
        })
      })

      it('names every problem of its configuration, and exits with 1', async () => {
        const cwd = await directoryWith({
          'bridge.yaml': stringify({ server: { prot: 1 }, limits: { maxFrameBytes: -1 }, redis: { url: 'redis:/x' } }),
        })
        for (const command of ['serve', 'check-config', 'print-config']) {
          const { code, stdout, stderr } = await run([command], {
            cwd,
            env: { PORT: 'http', STOMP_BRIDGE_LOG_LEVL: 'x' },
          })
          expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
          for (const part of [
            'bridge.yaml: server.prot',
            'did you mean port?',
            'bridge.yaml: limits.maxFrameBytes',
            'bridge.yaml: redis.url',
            'PORT: must be',
            'STOMP_BRIDGE_LOG_LEVL',
          ]) {
            expect(stderr).toContain(part)
          }
          expect(stderr).not.toMatch(/^\s+at /m)
        }
      })
    })

    describe('asked for something else', () => {
      it('prints help, settings, version and the JSON Schema, and exits with 0', async () => {
        const outcomes = await Promise.all(
          [['--help'], ['help', 'settings'], ['--version'], ['version'], ['config-schema']].map((args) => run(args)),
        )
        for (const { code, stderr } of outcomes) expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
        const [help, settings, option, word, schema] = outcomes.map(({ stdout }) => stdout)
        expect(help).toContain('check-config')
        expect(settings).toContain('STOMP_BRIDGE_LIMITS_MAX_FRAME_BYTES')
        expect([option, word]).toEqual([`${version}\n`, `${version}\n`])
        expect(JSON.parse(schema!)).toHaveProperty('properties.server')
      })

      it('says in one line which option or command it does not know, and exits with 2', async () => {
        const outcomes = await Promise.all(
          [['--prot', '1'], ['--port'], ['sreve'], ['serve', 'twice']].map((args) => run(args)),
        )
        for (const { code, stdout, stderr } of outcomes) {
          expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
          expect(stderr).toMatch(/^[^\n]+\n$/)
        }
        expect(outcomes[0]!.stderr).toContain('--prot')
      })

      it('checks its configuration without starting', async () => {
        const cwd = await directoryWith({
          'bridge.yaml': 'server: { path: /ws }\n',
          'other.json': '{"tcp":{"enabled":true}}',
        })
        const [found, given] = await Promise.all([
          run(['check-config'], { cwd, env: { PORT: '9000' } }),
          run(['check-config', '--config', 'other.json'], { cwd }),
        ])
        expect(found).toEqual({ code: 0, stdout: 'OK: bridge.yaml; overridden: server.port (PORT)\n', stderr: '' })
        expect(given).toEqual({ code: 0, stdout: 'OK: other.json\n', stderr: '' })
        const missing = await run(['check-config', '-c', 'no.yaml'], { cwd })
        expect(missing).toMatchObject({ code: 1, stdout: '' })
        expect(missing.stderr).toMatch(/^[^\n]*"no.yaml"[^\n]*\n$/)
        const directory = await run(['serve', '-c', '.'], { cwd })
        expect(directory).toEqual({
          code: 1,
          stdout: '',
          stderr: 'Cannot read the configuration file ".": it is a directory\n',
        })
      })

      it('prints the configuration in effect, without secrets, so that it can be used again', async () => {
        const cwd = await directoryWith()
        const env = {
          REDIS_URL: 'redis://bob:hunter2@redis.example:6380/3',
          STOMP_BRIDGE_REDIS_PASSWORD: 'hunter3',
          STOMP_BRIDGE_LIMITS_MAX_FRAME_BYTES: '70000',
        }
        const { code, stdout, stderr } = await run(['print-config'], { cwd, env })
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
        expect(stdout).not.toMatch(/hunter|bob/)
        expect(stdout).toMatch(
          /^# Secrets .*\n# +redis.url: REDIS_URL\n# +redis.password: STOMP_BRIDGE_REDIS_PASSWORD\n\w/,
        )
        const printed = parse(stdout) as { limits: unknown; server: unknown }
        expect(printed).toMatchObject({ limits: { maxFrameBytes: 70_000 }, server: { port: 8080, host: '127.0.0.1' } })

        const again = await directoryWith({ 'bridge.yaml': stdout })
        expect(await run(['check-config'], { cwd: again })).toMatchObject({ code: 0, stderr: '' })
        expect((await run(['print-config'], { cwd: again })).stdout).toBe(stdout)
      })
    })

    describe('with a password for Redis', () => {
      const secret = 'hunter2/&%'
      const secrets = [secret, encodeURIComponent(secret), 'hunter2']
      /** All that left the process by any way. */
      const expectNoSecret = async (bridge: BridgeProcess) => {
        const answers = await Promise.all(
          ['/health', '/ready', '/metrics', '/docs', '/openapi.json'].map(async (path) =>
            (await fetch(bridge.url + path)).text(),
          ),
        )
        const peer = await open({ url: bridge.wsUrl })
        peer.send(frameText('CONNECT', { 'accept-version': '1.2', login: 'me', passcode: secret }))
        await peer.expect('CONNECTED')
        peer.send(frameText('SEND', { destination: '/app/greet', receipt: 'r' }))
        await peer.frame()
        await bridge.stop()
        const everything = [bridge.stdout(), bridge.stderr(), ...answers, peer.text].join('\n')
        for (const word of secrets) expect(everything).not.toContain(word)
      }

      it.each(['in the URL', 'beside the URL'])('given %s, it logs in and keeps it to itself', async (way) => {
        const redis = await ownRedis({ requirepass: secret })
        const bare = `redis://127.0.0.1:${redis.port}`
        const bridge = await start({
          env: {
            LOG_LEVEL: 'trace',
            ...(way === 'in the URL'
              ? { REDIS_URL: redis.url }
              : { REDIS_URL: bare, STOMP_BRIDGE_REDIS_PASSWORD: secret }),
          },
        })
        await ready(bridge)
        const outbound = await listen(redis, 'GREETING_CHANNEL_OUTBOUND')
        const peer = await open({ url: bridge.wsUrl })
        await peer.stompConnect()
        peer.send(frameText('SEND', { destination: '/app/greet', receipt: 'r' }, 'hi'))
        await peer.receipt('r')
        expect((await outbound.next()).toString()).toBe('"hi"')
        peer.terminate()
        await expectNoSecret(bridge)
      })

      it('which is wrong, it stays up, says why it is not ready, and keeps it to itself', async () => {
        const redis = await ownRedis({ requirepass: 'another' })
        const url = `redis://:${encodeURIComponent(secret)}@127.0.0.1:${redis.port}`
        const bridge = await start({ env: { LOG_LEVEL: 'trace', REDIS_URL: url } })
        const { reasons } = await notReady(bridge, /WRONGPASS|password/i)
        expect(reasons.join()).toContain(`127.0.0.1:${redis.port}`)
        await expectNoSecret(bridge)
      })

      it('which is missing, it stays up and says why it is not ready', async () => {
        const redis = await ownRedis({ requirepass: secret })
        const bridge = await start({ env: { REDIS_URL: `redis://127.0.0.1:${redis.port}` } })
        await notReady(bridge, /NOAUTH|authenticat/i)
        expect((await fetch(`${bridge.url}/health`)).status).toBe(200)
        expect(await bridge.stop()).toBe(0)
      })

      it('and no Redis there, it stays up and keeps it to itself', async () => {
        const redis = await ownRedis({ requirepass: secret })
        await redis.stop()
        const bridge = await start({ env: { LOG_LEVEL: 'trace', REDIS_URL: redis.url } })
        await notReady(bridge, /ECONNREFUSED/)
        await expectNoSecret(bridge)
      })
    })

    describe('without Redis', () => {
      it('lives, says so, takes no message, and goes on when Redis comes', async () => {
        const redis = await ownRedis()
        await redis.stop()
        const bridge = await start({
          env: { REDIS_URL: redis.url, STOMP_BRIDGE_REDIS_RECONNECT_MAX_DELAY_MS: '200' },
        })
        expect((await fetch(`${bridge.url}/health`)).status).toBe(200)
        await notReady(bridge, new RegExp(`127.0.0.1:${redis.port}`))
        const posted = await notify(bridge, '/topic/toast', 'lost')
        expect(posted.status).toBe(503)
        expect(JSON.parse(posted.body)).toMatchObject({ error: { code: 'bus-unavailable' } })

        const subscriber = await open({ url: bridge.wsUrl })
        await subscriber.stompConnect()
        for (const [id, destination] of ['/topic/toast', '/topic/greetings', '/topic/*'].entries()) {
          subscriber.send(frameText('SUBSCRIBE', { destination, id: String(id), receipt: destination }))
        }
        for (const destination of ['/app/greet', '/topic/toast']) {
          const sender = await open({ url: bridge.wsUrl })
          await sender.stompConnect()
          sender.send(frameText('SEND', { destination, receipt: 'r' }, 'lost'))
          await sender.expect('ERROR', { code: 'bus-unavailable', 'receipt-id': 'r' })
          expect((await sender.closed).code).toBe(1002)
          expect(sender.frames.map(({ command }) => command)).toEqual(['CONNECTED', 'ERROR'])
        }
        // Nothing is promised before it is true.
        expect(subscriber.frames.map(({ command }) => command)).toEqual(['CONNECTED'])

        await redis.restart()
        for (const destination of ['/topic/toast', '/topic/greetings', '/topic/*'])
          await subscriber.receipt(destination)
        await ready(bridge)
        expect(await notify(bridge, '/topic/toast', 'found')).toEqual({ status: 200, body: '' })
        const copies = [await subscriber.expect('MESSAGE'), await subscriber.expect('MESSAGE')]
        expect(copies.map(({ headers }) => headers.get('subscription')).sort()).toEqual(['0', '2'])
        expect(copies.map(bodyText)).toEqual(['found', 'found'])
        const backend = await redis.client()
        await backend.publish('GREETING_CHANNEL_INBOUND', '"Test"')
        const greetings = [await subscriber.expect('MESSAGE'), await subscriber.expect('MESSAGE')]
        expect(greetings.map(({ headers }) => headers.get('subscription')).sort()).toEqual(['1', '2'])
        expect(await bridge.stop()).toBe(0)
      })

      it('stops at once when asked to', async () => {
        const redis = await ownRedis()
        await redis.stop()
        const bridge = await start({ env: { REDIS_URL: redis.url } })
        await notReady(bridge, /./)
        const startedMs = performance.now()
        expect(await bridge.stop()).toBe(0)
        expect(performance.now() - startedMs).toBeLessThan(SLACK_MS)
      })
    })

    it('puts the prefix of its keys before every channel, and hears no other bridge', async () => {
      const redis = await ownRedis()
      const prefixes = ['one:', 'o*e:[x]?']
      const [one, two] = await Promise.all(
        prefixes.map((prefix) => start({ env: { REDIS_URL: redis.url, STOMP_BRIDGE_REDIS_KEY_PREFIX: prefix } })),
      )
      const peers = await Promise.all([one!, two!].map(({ wsUrl }) => open({ url: wsUrl })))
      for (const peer of peers) {
        await peer.stompConnect()
        for (const destination of ['/topic/greetings', '/topic/news', '/topic/**']) {
          peer.send(frameText('SUBSCRIBE', { destination, id: destination, receipt: destination }))
          await peer.receipt(destination)
        }
      }
      const backend = await redis.client()
      const names = async () =>
        ((await backend.pubsub('CHANNELS')) as string[]).filter((name) => !name.includes('probe'))
      expect((await names()).sort()).toEqual(
        prefixes
          .flatMap((prefix) =>
            ['BROADCAST-CHANNEL', 'GREETING_CHANNEL_INBOUND', 'topic:news'].map((name) => prefix + name),
          )
          .sort(),
      )
      expect(await backend.pubsub('NUMPAT')).toBe(2)

      for (const [i, prefix] of prefixes.entries()) {
        const peer = peers[i]!
        const subscriptions = async () =>
          [await peer.expect('MESSAGE'), await peer.expect('MESSAGE')]
            .map(
              (frame) => `${bodyText(frame)} ${frame.headers.get('destination')} ${frame.headers.get('subscription')}`,
            )
            .sort()
        await backend.publish(`${prefix}GREETING_CHANNEL_INBOUND`, '"g"')
        expect(await subscriptions()).toEqual(['g /topic/greetings /topic/**', 'g /topic/greetings /topic/greetings'])
        await backend.publish(`${prefix}topic:other`, '"o"')
        await peer.expect('MESSAGE', { destination: '/topic/other', subscription: '/topic/**' })
        await backend.publish(`${prefix}topic:news`, '"n"')
        expect(await subscriptions()).toEqual(['n /topic/news /topic/**', 'n /topic/news /topic/news'])
        await notify(i === 0 ? one! : two!, '/topic/news', 'b')
        expect(await subscriptions()).toEqual(['b /topic/news /topic/**', 'b /topic/news /topic/news'])

        const outbound = await listen(redis, `${prefix}GREETING_CHANNEL_OUTBOUND`)
        peer.send(frameText('SEND', { destination: '/app/greet', receipt: 'r' }, 'hi'))
        await peer.receipt('r')
        expect((await outbound.next()).toString()).toBe('"hi"')
      }
      // A pattern's characters in the prefix are only characters.
      await backend.publish('ooooe:xytopic:news', '"stranger"')
      await backend.publish('ooooe:xytopic:other', '"stranger"')
      await notify(two!, '/topic/news', 'last')
      await peers[1]!.expect('MESSAGE')
      await peers[1]!.expect('MESSAGE')
      for (const peer of peers) expect(peer.text).not.toContain('stranger')
      expect(peers[0]!.text).not.toContain('last')
    })

    it('says in its log which page it has refused, and from where', async () => {
      const bridge = await start()
      const webSocket = new WebSocket(bridge.wsUrl, { origin: 'https://elsewhere.example' })
      const [, response] = (await once(webSocket, 'unexpected-response')) as [unknown, { statusCode: number }]
      expect(response.statusCode).toBe(403)
      webSocket.on('error', () => {}).terminate()
      expect(await bridge.waitForLog(({ code }) => code === 'forbidden-origin')).toMatchObject({
        level: 'warn',
        origin: 'https://elsewhere.example',
        host: `127.0.0.1:${bridge.port}`,
        path: '/stomp',
        address: '127.0.0.1',
        reason: expect.stringContaining('server.allowedOrigins'),
      })
    })

    it('on SIGHUP, as when its terminal is closed, stops in order', async () => {
      const bridge = await start()
      const peer = await open({ url: bridge.wsUrl })
      await peer.stompConnect()
      expect(await bridge.stop('SIGHUP')).toBe(0)
      expect((await peer.closed).code).toBe(1001)
      expect(bridge.logs().map(({ msg, signal }) => [msg, signal])).toEqual([
        ['Stopping', 'SIGHUP'],
        ['Stopped', undefined],
      ])
    })

    describe.each(['SIGTERM', 'SIGINT'] as const)('on %s', (signal) => {
      let redis: RedisServer

      beforeAll(async () => {
        redis = await startRedis()
      })
      afterAll(() => redis?.stop())

      it('finishes what is in flight, takes nothing new, closes with 1001 and exits with 0', async () => {
        const bridge = await start({
          tcp: true,
          env: { REDIS_URL: redis.url, STOMP_BRIDGE_TCP_ENABLED: 'true', STOMP_BRIDGE_TCP_PORT: '0' },
        })
        await ready(bridge)
        const busy = await open({ url: bridge.wsUrl })
        const idle = await open({ url: bridge.wsUrl })
        const overTcp = await open({ url: `tcp://127.0.0.1:${bridge.tcpPort}` })
        const stranger = await open({ url: bridge.wsUrl })
        for (const peer of [busy, idle, overTcp]) await peer.stompConnect()
        const outbound = await listen(redis, 'GREETING_CHANNEL_OUTBOUND')
        const received = await metric(bridge, 'stomp_bridge_frames_received_total')

        redis.pause()
        for (const peer of [busy, overTcp]) {
          for (const id of ['1', '2']) peer.send(frameText('SEND', { destination: '/app/greet', receipt: id }, id))
        }
        await eventually(async () =>
          expect(await metric(bridge, 'stomp_bridge_frames_received_total')).toBe(received + 4),
        )
        const stopped = bridge.stop(signal)
        await notReady(bridge, /shutting down/)
        expect((await fetch(`${bridge.url}/health`)).status).toBe(200)
        expect(await refusalOf(bridge.wsUrl)).toBe(503)
        // Who has nothing in flight need not wait.
        for (const peer of [idle, stranger]) expect((await peer.closed).code).toBe(1001)
        expect([busy.isClosed, overTcp.isClosed]).toEqual([false, false])

        redis.resume()
        for (const peer of [busy, overTcp]) for (const id of ['1', '2']) await peer.receipt(id)
        expect((await busy.closed).code).toBe(1001)
        await overTcp.closed
        expect(await stopped).toBe(0)
        expect((await outbound.take(4)).map(String).sort()).toEqual(['"1"', '"1"', '"2"', '"2"'])
        expect(await fetch(`${bridge.url}/health`).catch(() => 'nobody there')).toBe('nobody there')
        expect(bridge.logs().map(({ msg }) => msg)).toEqual(expect.arrayContaining(['Stopping', 'Stopped']))
      })

      it('answers everything that it hands over, and nothing else', async () => {
        const bridge = await start({ env: { REDIS_URL: redis.url } })
        await ready(bridge)
        const peer = await open({ url: bridge.wsUrl })
        await peer.stompConnect()
        const outbound = await listen(redis, 'GREETING_CHANNEL_OUTBOUND')
        const stopped = new Promise<number>((resolve) => {
          for (let id = 0; id < 5000; id++) {
            peer.send(frameText('SEND', { destination: '/app/greet', receipt: String(id) }, String(id)))
          }
          void peer.receipt('0').then(() => resolve(bridge.stop(signal)))
        })
        expect(await stopped).toBe(0)
        expect((await peer.closed).code).toBe(1001)
        const receipts = peer.frames.slice(1).map(({ headers }) => headers.get('receipt-id'))
        const handedOver = await eventually(() => {
          expect(outbound.all.length).toBeGreaterThanOrEqual(receipts.length)
          return outbound.all.map((payload) => JSON.parse(payload.toString()))
        })
        expect(receipts).toEqual(handedOver)
        expect(receipts).toEqual(receipts.map((_, id) => String(id)))
      })

      it('exits with 0 within its deadline though a client never reads and Redis does not answer', async () => {
        const deadlineMs = 1500
        const paused = await ownRedis()
        const bridge = await start({
          env: {
            REDIS_URL: paused.url,
            STOMP_BRIDGE_SHUTDOWN_DEADLINE_MS: String(deadlineMs),
            STOMP_BRIDGE_LIMITS_MAX_UNSENT_BYTES: '100000000',
          },
        })
        await ready(bridge)
        const deaf = await connectStompjs7(bridge)
        const deafSocket = deaf.own.webSocket as unknown as WebSocket
        onTestFinished(() => deafSocket.terminate())
        await deaf.subscribe('/topic/flood')
        deafSocket.pause()
        const body = 'x'.repeat(500_000)
        for (let i = 0; i < 40; i++) await notify(bridge, '/topic/flood', body)

        const waiting = await open({ url: bridge.wsUrl })
        await waiting.stompConnect()
        const received = await metric(bridge, 'stomp_bridge_frames_received_total')
        paused.pause()
        waiting.send(frameText('SEND', { destination: '/app/greet', receipt: 'r' }, 'x'))
        await eventually(async () =>
          expect(await metric(bridge, 'stomp_bridge_frames_received_total')).toBe(received + 1),
        )
        const startedMs = performance.now()
        expect(await bridge.stop(signal)).toBe(0)
        expect(performance.now() - startedMs).toBeLessThan(deadlineMs + SLACK_MS)
        await waiting.closed
        expect(waiting.frames.map(({ command }) => command)).toEqual(['CONNECTED'])
      })

      it('given again, exits at once with 1', async () => {
        const paused = await ownRedis()
        const bridge = await start({ env: { REDIS_URL: paused.url } })
        await ready(bridge)
        const waiting = await open({ url: bridge.wsUrl })
        await waiting.stompConnect()
        paused.pause()
        waiting.send(frameText('SEND', { destination: '/app/greet', receipt: 'r' }, 'x'))
        await eventually(async () => expect(await metric(bridge, 'stomp_bridge_frames_received_total')).toBe(2))
        const stopped = bridge.stop(signal)
        await notReady(bridge, /shutting down/)
        // The same signal from a terminal and from npm is one, so a second one counts a moment later.
        const startedMs = performance.now()
        const again = setInterval(() => void bridge.stop(signal), 50)
        onTestFinished(() => clearInterval(again))
        expect(await stopped).toBe(1)
        expect(performance.now() - startedMs).toBeLessThan(SLACK_MS)
      })
    })
  })
}

async function ownRedis(options?: RedisServerOptions): Promise<RedisServer> {
  const redis = await startRedis(options)
  onTestFinished(() => redis.stop())
  return redis
}

async function open(options: PeerOptions): Promise<StompPeer> {
  const peer = await connectPeer(options)
  onTestFinished(() => peer.terminate())
  return peer
}

async function ready({ url }: BridgeProcess): Promise<void> {
  await eventually(async () => expect((await fetch(`${url}/ready`)).status).toBe(200), { timeoutMs: 10_000 })
}

/** Waits until `/ready` answers 503 for such a reason. */
function notReady({ url }: BridgeProcess, reason: RegExp): Promise<{ reasons: string[] }> {
  return eventually(async () => {
    const response = await fetch(`${url}/ready`)
    const body = (await response.json()) as { reasons: string[] }
    expect(response.status).toBe(503)
    expect(body.reasons.join('\n')).toMatch(reason)
    return body
  })
}

/** A port that is in use as long as the test runs. */
async function takenPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())))
  return (server.address() as AddressInfo).port
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return port
}

/** The status with which an upgrade is refused. */
function refusalOf(wsUrl: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const webSocket = new WebSocket(wsUrl)
    webSocket.on('unexpected-response', (_request, { statusCode }) => {
      resolve(statusCode)
      webSocket.terminate()
    })
    webSocket.on('open', () => reject(new Error('The upgrade was accepted')))
    webSocket.on('error', reject)
  })
}
