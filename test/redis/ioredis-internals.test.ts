/**
 * The contract with ioredis: what the bridge uses of it that it does not document. If a case fails after an update of
 * ioredis, src/redis/ioredis-internals.ts is what has to change.
 */
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  onEachStream,
  onHandshake,
  sendWritten,
  unansweredBy,
  type HandshakeEvents,
} from '../../src/redis/ioredis-internals.ts'
import { startRedis, type RedisServer } from '../support/redis.ts'

const BROKEN = 'ioredis has changed: see src/redis/ioredis-internals.ts'

let server: RedisServer
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.stop())

function written(...commands: readonly (readonly string[])[]): string {
  return commands
    .map((words) => `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`)
    .join('')
}

/** Speaks no Redis by itself: each connection is handed over. */
async function listen(onSocket: (socket: Socket) => void): Promise<number> {
  const listener = createServer((socket) => {
    socket.on('error', () => {})
    onSocket(socket)
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void listener.close())
  await once(listener, 'listening')
  return (listener.address() as AddressInfo).port
}

function clientOn(port: number, options: { password?: string } = {}): Redis {
  const redis = new Redis({
    host: '127.0.0.1',
    port,
    lazyConnect: true,
    retryStrategy: () => null,
    enableReadyCheck: false,
    disableClientInfo: true,
    connectionName: 'contract',
    ...options,
  })
  redis.on('error', () => {})
  onTestFinished(() => redis.disconnect())
  return redis
}

describe('ioredis, as the bridge uses it', () => {
  it('has the parts that are used', () => {
    const redis = new Redis({ lazyConnect: true })
    const { connector } = redis as unknown as { connector?: { connect?: unknown } }
    expect(connector?.connect, BROKEN).toBeTypeOf('function')
    for (const name of ['sendCommand', 'hello', 'auth', 'call'] as const)
      expect(redis[name], BROKEN).toBeTypeOf('function')
    redis.disconnect()
  })

  it('takes one command many times, with one write, and answers each in order', async () => {
    const redis = await server.client()
    const write = vi.spyOn(redis.stream, 'write')
    const answers: string[] = []
    const commands = [['PING'], ['NO-SUCH-COMMAND'], ['PING']]
    const text = written(...commands)
    await new Promise<void>((resolve) => {
      const heard = (answer: string): void => {
        answers.push(answer)
        if (answers.length === commands.length) resolve()
      }
      sendWritten(redis, 'ping', commands.length, () => text, {
        resolved: () => heard('resolved'),
        rejected: (error) => heard(error.message.slice(0, 19)),
      })
    })
    expect(answers, BROKEN).toEqual(['resolved', 'ERR unknown command', 'resolved'])
    expect(
      write.mock.calls.map(([data]) => data),
      BROKEN,
    ).toEqual([text])
    expect(await redis.ping(), 'its own commands keep their place').toBe('PONG')
  })

  it('says how many commands have no answer, in whatever way they were sent', async () => {
    const redis = await server.client()
    expect(unansweredBy(redis), BROKEN).toBe(0)
    const pong = redis.ping()
    const written = new Promise<void>((resolve) => {
      const answers = { resolved: () => resolve(), rejected: () => expect.unreachable() }
      sendWritten(redis, 'ping', 1, () => '*1\r\n$4\r\nPING\r\n', answers)
    })
    expect(unansweredBy(redis), BROKEN).toBe(2)
    await Promise.all([pong, written])
    expect(unansweredBy(redis), BROKEN).toBe(0)
  })

  it('rejects each when the connection goes, and at once where there is none', async () => {
    const own = await startRedis()
    onTestFinished(() => own.stop())
    const redis = await own.client({
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
    })
    own.pause()
    let rejected = 0
    const lost = new Promise<void>((resolve) => {
      sendWritten(redis, 'ping', 2, () => written(['PING'], ['PING']), {
        resolved: () => expect.unreachable(),
        rejected: () => ++rejected === 2 && resolve(),
      })
    })
    redis.stream.destroy()
    await lost
    own.resume()
    const atOnce: string[] = []
    sendWritten(redis, 'ping', 2, () => expect.unreachable(), {
      resolved: () => atOnce.push('resolved'),
      rejected: () => atOnce.push('rejected'),
    })
    expect(atOnce, BROKEN).toEqual(['rejected', 'rejected'])
  })

  it('has a listener for every error of every socket, and writes its handshake at once', async () => {
    const chunks: string[] = []
    const port = await listen((socket) => socket.on('data', (data) => chunks.push(data.toString('latin1'))))
    const redis = clientOn(port)
    const errors: string[] = []
    onEachStream(redis, false, (error) => errors.push(error.message))
    const connecting = redis.connect().catch(() => {})
    await once(redis, 'connect')
    await vi.waitUntil(() => chunks.length > 0)
    expect(chunks[0], BROKEN).toMatch(/hello[^]*client[^]*setname/i)
    for (const message of ['first', 'second', 'third']) redis.stream.emit('error', new Error(message))
    expect(errors, BROKEN).toEqual(['first', 'second', 'third'])
    redis.disconnect()
    await connecting
  })

  it('asks HELLO and AUTH by its own methods, so that what Redis says to them is heard', async () => {
    const heard: string[] = []
    const events: HandshakeEvents = {
      onRefused: (error) => heard.push(`refused: ${error.message}`),
      onUnwantedPassword: (text) => heard.push(`unwanted: ${text}`),
    }
    const full = clientOn(await listen((socket) => socket.end('-ERR max number of clients reached\r\n')))
    onHandshake(full, events)
    await full.connect().catch(() => {})
    expect(heard, BROKEN).toEqual(['refused: ERR max number of clients reached'])

    const console_ = vi.spyOn(console, 'warn').mockReturnValue()
    onTestFinished(() => console_.mockRestore())
    const old = clientOn(
      await listen((socket) => {
        socket.on('data', (data) => {
          for (const [, name] of data.toString('latin1').matchAll(/\*\d+\r\n\$\d+\r\n(\w+)\r\n/g)) {
            if (/hello/i.test(name!)) socket.write("-ERR unknown command 'HELLO'\r\n")
            else if (/auth/i.test(name!)) socket.write('-ERR Client sent AUTH, but no password is set\r\n')
            else socket.write('+OK\r\n')
          }
        })
      }),
      { password: 'x' },
    )
    onHandshake(old, events)
    await old.connect()
    expect(heard.slice(1), BROKEN).toEqual(['unwanted: ERR Client sent AUTH, but no password is set'])
    expect(console_, BROKEN).not.toHaveBeenCalled()
  })
})
