import { afterEach, describe, expect, it } from 'vitest'
import { Redis } from 'ioredis'
import { startRedis, type RedisServer, type RedisServerOptions } from './redis.ts'

const started: RedisServer[] = []

async function start(options?: RedisServerOptions): Promise<RedisServer> {
  const server = await startRedis(options)
  started.push(server)
  return server
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.stop()))
})

describe('startRedis', () => {
  it('gives servers of their own, each on a free port', async () => {
    const [one, other] = await Promise.all([start(), start()])
    await (await one.client()).set('key', 'one')
    expect(one.port).not.toBe(other.port)
    expect(await (await other.client()).get('key')).toBeNull()
  })

  it('asks for the password that url carries', async () => {
    const server = await start({ requirepass: 's/cret' })
    expect(await (await server.client()).ping()).toBe('PONG')
    const stranger = new Redis(server.port, { lazyConnect: true, retryStrategy: () => null })
    const errors: string[] = []
    stranger.on('error', (error) => errors.push(error.message))
    await expect(stranger.connect()).rejects.toThrow()
    expect(errors.join()).toContain('NOAUTH')
  })

  it('refuses connections after stop and takes them again, empty, after restart', async () => {
    const server = await start()
    await (await server.client()).set('key', 'value')
    await server.stop()
    await expect(server.client({ retryStrategy: () => null })).rejects.toThrow()
    await server.restart()
    expect(await (await server.client()).get('key')).toBeNull()
  })

  it('lets its clients reconnect on the same port after a crash', async () => {
    const server = await start()
    const client = await server.client()
    await server.crash()
    await server.restart()
    expect(await client.ping()).toBe('PONG')
  })

  it('answers nothing while paused', async () => {
    const server = await start()
    const client = await server.client()
    server.pause()
    let isAnswered = false
    const answer = client.ping().finally(() => (isAnswered = true))
    const neighbour = await start()
    await (await neighbour.client()).ping()
    expect(isAnswered).toBe(false)
    server.resume()
    expect(await answer).toBe('PONG')
  })

  it('says why when the server does not start', async () => {
    await expect(start({ args: ['--no-such-option', 'x'] })).rejects.toThrow(/did not start.*no-such-option/s)
  })
})
