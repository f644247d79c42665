/** How a bridge process starts: what it prints, what it follows, what it logs, and how it refuses. */
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { stringify } from 'yaml'
import { listen, notify } from '../../support/clients/backend.ts'
import { directoryWith } from '../../support/command.ts'
import { freePort } from '../../support/ports.ts'
import { runtime } from '../../support/runtime.ts'
import { frameText } from '../../support/stomp-peer.ts'
import { untilReady } from '../../support/world.ts'
import { open, ownRedis, run, start, takenPort, version } from './support.ts'

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
      const paths = pages.map((page) => new URL(page).pathname)
      expect(paths).toEqual(['/sse/topic/greetings', '/health', '/ready', '/docs', '/metrics'])
      for (const page of pages) {
        const response = await fetch(page)
        expect([page, response.status]).toEqual([page, 200])
        // The stream of events would go on.
        await response.body?.cancel()
      }
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
      await untilReady(bridge)
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
      await untilReady(bridge)
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

    it('names a file that it cannot use with its setting, and exits with 1; so does check-config', async () => {
      const redis = { url: 'rediss://127.0.0.1:1', tls: { caFile: 'no.pem' } }
      const authenticators = [{ type: 'jwt', algorithms: ['RS256'], publicKeyFile: 'no.pub' }]
      const cwd = await directoryWith({ 'bridge.yaml': stringify({ redis, access: { authenticators } }) })
      const named = 'redis.tls.caFile: cannot read "no.pem": it does not exist\n'
      const checked = await run(['check-config'], { cwd })
      expect(checked).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining(named) })
      expect(checked.stderr).toContain('access.authenticators[0].publicKeyFile: ')
      const alone = await directoryWith({ 'bridge.yaml': stringify({ redis }) })
      expect(await run([], { cwd: alone })).toMatchObject({ code: 1, stderr: expect.stringContaining(named) })
    })
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
})
