/** A bridge process that reads its configuration again on SIGHUP. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { runtime } from '../../support/runtime.ts'
import { bodyText, frameText } from '../../support/stomp-peer.ts'
import { open, ownRedis, start } from './support.ts'

const RULES = 'access: { authenticators: [{ type: anonymous }], rules: [RULE] }\n'
const ALL = '{ allow: [subscribe, send], destination: "/**", anonymous: true }'

/** A bridge with this file, and what writes another and sends SIGHUP. Returns the log record of what came of it. */
async function startWith(yaml: string, options: { workers?: number; env?: Record<string, string> } = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'bridge-reload-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const file = join(directory, 'bridge.yaml')
  writeFileSync(file, yaml)
  const { workers, env = {} } = options
  const args = ['--config', file, ...(workers === undefined ? [] : ['--workers', String(workers)])]
  const bridge = await start({ args, env })
  const reload = async (text: string | undefined) => {
    if (text === undefined) rmSync(file)
    else writeFileSync(file, text)
    const seen = bridge.logs().length
    process.kill(bridge.pid, 'SIGHUP')
    return bridge.waitForLog(
      (record) =>
        bridge.logs().indexOf(record) >= seen && /reloaded/.test(String(record['msg'])) && !('worker' in record),
    )
  }
  return { bridge, reload }
}

describe(`a bridge process on ${runtime}, on SIGHUP`, () => {
  it('takes on what it can and says what needs a restart; what is wrong leaves it as it was; sessions go on', async () => {
    const { bridge, reload } = await startWith(RULES.replace('RULE', ALL))
    const peer = await open({ url: bridge.wsUrl })
    await peer.stompConnect({ errors: 'soft' })
    peer.send(frameText('SUBSCRIBE', { destination: '/topic/a', id: '1', receipt: 'live' }))
    await peer.receipt('live')

    const bad = await reload('server: { path: x }\nlimits: { maxFrameBytes: 0 }\n')
    expect(bad['level']).toBe('error')
    expect(bad['problems']).toEqual([
      expect.stringContaining('server.path'),
      expect.stringContaining('limits.maxFrameBytes'),
    ])
    expect((await reload(undefined))['level']).toBe('error')
    const empty = await reload('# still being written\n')
    expect(empty['level']).toBe('error')
    expect(empty['problems']).toEqual([expect.stringContaining('holds no settings')])

    const rule = '{ allow: subscribe, destination: "/topic/a", anonymous: true }'
    const good = await reload(`${RULES.replace('RULE', rule)}log: { level: debug }\ntcp: { enabled: true }\n`)
    expect(good['msg']).toBe('Configuration reloaded: applied access.rules, log.level; needs a restart: tcp.enabled')
    const { status } = await fetch(`${bridge.url}/health`)
    expect(status).toBe(200)
    await bridge.waitForLog(({ level, path }) => level === 'debug' && path === '/health')

    peer.send(frameText('SUBSCRIBE', { destination: '/topic/b', id: '2', receipt: 'no' }))
    peer.send(frameText('UNSUBSCRIBE', { id: '1', receipt: 'still there' }))
    await peer.receipt('still there')
    expect(await bridge.stop()).toBe(0)
  })

  it('with several workers takes it on in all of them', async () => {
    const redis = await ownRedis()
    const routes = (channel: string) =>
      `routes: { inbound: [{ channel: ${channel}, destination: /topic/a, codec: raw }] }\n`
    const { bridge, reload } = await startWith(routes('one'), { workers: 2, env: { REDIS_URL: redis.url } })
    expect((await reload(routes('two')))['msg']).toBe('Configuration reloaded: applied routes.inbound')
    const peers = await Promise.all(Array.from({ length: 6 }, () => open({ url: bridge.wsUrl })))
    for (const peer of peers) {
      await peer.stompConnect()
      peer.send(frameText('SUBSCRIBE', { destination: '/topic/a', id: '1', receipt: 'live' }))
      await peer.receipt('live')
    }
    const backend = await redis.client()
    await backend.publish('one', 'old')
    await backend.publish('two', 'new')
    for (const peer of peers) expect(bodyText(await peer.expect('MESSAGE'))).toBe('new')
    expect(await bridge.stop()).toBe(0)
  })
})
