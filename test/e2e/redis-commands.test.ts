/** Commands to Redis that clients send: for keys of their own alone, on two nodes with a real Redis, at two doors. */
import { beforeAll, describe, expect, it } from 'vitest'
import { metric } from '../support/clients/backend.ts'
import { openPlainWebSocket } from '../support/clients/plain-websocket.ts'
import { runtime } from '../support/runtime.ts'
import type { StompPeer } from '../support/stomp-peer.ts'
import { eventually } from '../support/wait.ts'
import { untilReady } from '../support/world.ts'
import {
  API_KEYS,
  expectError,
  expectNothing,
  HS256,
  logIn,
  logInAs,
  message,
  send,
  startNodes,
  subscribe,
  type Nodes,
} from './access/stage.ts'

const CONFIG = `
redis: { keyPrefix: 'p:', reconnectMaxDelayMs: 100 }
redisCommands:
  allow: [GET, SET, DEL, INCR, MGET, MSET, HSET, HGETALL, RPUSH, LRANGE, EXPIRE, SETRANGE, APPEND, COPY, RENAME,
    ZUNIONSTORE, 'OBJECT ENCODING', CONFIG, KEYS, EVAL, SORT, SCAN, SUBSCRIBE, BLPOP, XREAD, WATCH, MULTI, PING]
  maxBytes: 300
  maxAnswerBytes: 2000
  timeoutMs: 1000
limits: { rates: [{ action: send, destination: /bridge/redis, count: 40, perSeconds: 3600 }] }
endpoints: [{ path: /redis, protocol: raw, subscribe: [/user/queue/redis], send: /bridge/redis }]
access:
  authenticators: [${HS256}, { type: anonymous }]
  ${API_KEYS}
  rules:
    - { deny: send, destination: /bridge/redis, users: [mallory] }
    - { allow: send, destination: /bridge/redis, anonymous: true }
`
const ANSWERS = '/user/queue/redis'
const DESTINATION = '/bridge/redis'

interface Answer {
  readonly command: string
  readonly output: unknown
  readonly status: string
}

describe(`commands to Redis on ${runtime}`, () => {
  let nodes: Nodes
  beforeAll(async () => {
    nodes = await startNodes(CONFIG)
  })

  async function asked(peer: StompPeer, command: unknown, id = '7'): Promise<Answer> {
    const body = JSON.stringify({ command, sessionId: 'of the client', date: '2024-01-01' })
    send(peer, DESTINATION, body, { 'correlation-id': id, receipt: 'r' })
    const headers = { destination: ANSWERS, 'correlation-id': id, 'content-type': 'application/json' }
    const answer = JSON.parse(await message(peer, headers)) as Answer
    await peer.receipt('r')
    return answer
  }

  const output = async (peer: StompPeer, command: string): Promise<unknown> => {
    const { output, status, command: echoed } = await asked(peer, command)
    expect(echoed).toBe(command)
    return status === 'ok' ? output : { error: output }
  }

  async function memberOf(user: string | undefined, bridge = nodes.a) {
    const member = user === undefined ? await logIn(bridge) : await logInAs(bridge, user)
    await subscribe(member.peer, ANSWERS)
    return member
  }

  it('are answered as JSON', async () => {
    const { peer } = await memberOf('alice')
    expect(await asked(peer, 'SET foo 10')).toEqual({ command: 'SET foo 10', output: 'OK', status: 'ok' })
    expect(await output(peer, 'get foo')).toBe('10')
    expect(await output(peer, 'INCR foo')).toBe(11)
    expect(await output(peer, 'GET none')).toBe(null)
    expect(await output(peer, 'SET "a b" "žluť \\x41"')).toBe('OK')
    expect(await output(peer, "MGET foo none 'a b'")).toEqual(['11', null, 'žluť A'])
    expect(await output(peer, 'HSET h a 1 b 2')).toBe(2)
    expect(await output(peer, 'HGETALL h')).toEqual(['a', '1', 'b', '2'])
    expect(await output(peer, 'OBJECT ENCODING foo')).toBe('int')
    expect(await nodes.backend.keys('p:alice:*')).toHaveLength(3)
  })

  it("say in the answer what is wrong, and the session goes on: Redis' words, and ours", async () => {
    const { peer } = await memberOf('bob')
    await output(peer, 'SET text x')
    expect(await output(peer, 'HGETALL text')).toEqual({ error: expect.stringMatching(/^WRONGTYPE /) as string })
    expect(await output(peer, 'INCR text')).toEqual({ error: 'ERR value is not an integer or out of range' })
    expect(await output(peer, 'GET')).toEqual({ error: "ERR wrong number of arguments for 'get' command" })
    expect(await output(peer, 'SET a "b')).toEqual({ error: 'Invalid argument(s)' })
    for (const body of ['no JSON', '{}', 'null', '{"command": 1}', '[]', '"GET a"', '']) {
      send(peer, DESTINATION, body)
      expect(JSON.parse(await message(peer))).toEqual({ command: 'unknown', output: 'Invalid JSON', status: 'error' })
    }
    send(peer, DESTINATION, JSON.stringify({ command: `SET a ${'x'.repeat(300)}` }))
    expect(JSON.parse(await message(peer))).toMatchObject({ command: 'unknown', status: 'error' })
    expect(await output(peer, 'GET text')).toBe('x')
  })

  it.each([
    ...['CONFIG GET *', 'KEYS *', 'EVAL "return 1" 1 a', 'SORT a BY p:*', 'SCAN 0', 'SUBSCRIBE a', 'BLPOP a 0'],
    ...['XREAD BLOCK 0 STREAMS a 0', 'WATCH a', 'MULTI', 'PING', 'COPY a b DB 1', 'OBJECT FREQ a', 'FLUSHALL', ''],
    ...['CONFIG|GET a', 'get\\0 a', 'OBJECT', 'ZUNIONSTORE a 99 b', 'LPUSH a 1'],
  ])('that are not allowed are refused: %s', async (command) => {
    const { peer } = await memberOf('bob')
    expect(await output(peer, command)).toEqual({ error: 'Command not allowed' })
  })

  it('reach keys of the own user alone, on every node, whatever the name', async () => {
    const names = ['ann', 'ann:x', 'a*', 'stomp-bridge', '{ann}', 'queue']
    for (const name of names) {
      const { peer } = await memberOf(name)
      expect(await output(peer, 'GET x:k')).toBe(null)
      await output(peer, `SET x:k "${name}"`)
      await output(peer, `SET k "${name}"`)
    }
    for (const name of names) {
      const { peer } = await memberOf(name, nodes.b)
      expect(await output(peer, 'MGET x:k k')).toEqual([name, name])
      await output(peer, 'ZUNIONSTORE 2 2 2 2')
      await output(peer, 'RENAME k p:other:k')
    }
    expect(await nodes.backend.keys('p:stomp-bridge:k')).toEqual([])
    expect(await nodes.backend.keys('*other*')).toHaveLength(names.length)
    expect(await nodes.backend.exists('p:other:k', 'p:queue:k', 'p:2')).toBe(0)
    const [one, two] = [await memberOf(undefined), await memberOf(undefined)]
    await output(one.peer, 'SET mine 1')
    expect(await output(two.peer, 'GET mine')).toBe(null)
    expect(await nodes.backend.get(`p:${one.session}:mine`)).toBe('1')
  })

  it('answer the session alone, in the order in which they came', async () => {
    const [one, two] = [await memberOf('carol'), await memberOf('carol')]
    const commands = Array.from({ length: 30 }, (_, i) =>
      i % 3 === 0 ? 'RPUSH l l' : i % 3 === 1 ? 'COPY l l2 REPLACE' : 'LRANGE l2 0 -1',
    )
    for (const command of commands) send(one.peer, DESTINATION, JSON.stringify({ command }))
    const answers: Answer[] = []
    for (const _command of commands) answers.push(JSON.parse(await message(one.peer)) as Answer)
    expect(answers.map(({ command }) => command)).toEqual(commands)
    expect(answers.filter((_, i) => i % 3 === 2).map(({ output }) => (output as string[]).length)).toEqual(
      Array.from({ length: 10 }, (_, i) => i + 1),
    )
    await expectNothing(two.peer)
  })

  it('have answers of so many bytes, and a much larger one disturbs nobody', async () => {
    const { peer } = await memberOf('dave')
    await nodes.backend.set('p:dave:large', 'x'.repeat(3000))
    expect(await output(peer, 'GET large')).toEqual({ error: 'The answer is too large' })
    await output(peer, 'SETRANGE huge 30000000 x')
    expect(await output(peer, 'GET huge')).toEqual({ error: 'The answer is too large' })
    expect((await fetch(`${nodes.a.url}/ready`)).status).toBe(200)
    await eventually(async () => expect(await output(peer, 'SET a 1')).toBe('OK'))
  })

  it('come from a plain WebSocket as they came to the server that it replaces', async () => {
    const socket = await openPlainWebSocket(`${nodes.a.wsUrl.replace('/stomp', '')}/redis`)
    const say = async (text: string): Promise<unknown> => {
      socket.send(text)
      return JSON.parse(String(await socket.messages.next()))
    }
    const command = 'SET foo 10'
    expect(await say(JSON.stringify({ command, sessionId: 'x', date: 1 }))).toEqual({
      command,
      output: 'OK',
      status: 'ok',
    })
    expect(await say('{')).toEqual({ command: 'unknown', output: 'Invalid JSON', status: 'error' })
    expect(await say('{"command":"KEYS *"}')).toMatchObject({ output: 'Command not allowed', status: 'error' })
    for (let i = 0; i < 20; i++) socket.send(`{"command":"INCR n"}`)
    for (let i = 0; i < 20; i++)
      expect(JSON.parse(String(await socket.messages.next()))).toMatchObject({ output: i + 1 })
  })

  it('are for those who may, so often, and not in a transaction', async () => {
    const mallory = await memberOf('mallory')
    send(mallory.peer, DESTINATION, '{"command":"GET a"}')
    await expectError(mallory.peer, 'not-authorized')
    const eve = await memberOf('eve')
    send(eve.peer, DESTINATION, '{"command":"GET a"}', { transaction: 't' })
    await expectError(eve.peer, 'bad-header', 1002)
    const many = await memberOf('many')
    await subscribe(many.peer, '/user/queue/errors')
    for (let i = 0; i < 40; i++) await output(many.peer, 'GET a')
    send(many.peer, DESTINATION, '{"command":"GET a"}')
    await message(many.peer, { destination: '/user/queue/errors', code: 'rate-limited' })
  })

  it('are answered that Redis is away or late, and come again with it', async () => {
    const { peer } = await memberOf('frank')
    const failed = await metric(nodes.a, 'stomp_bridge_redis_commands_failed_total')
    await nodes.backend.call('CLIENT', 'PAUSE', '2500')
    expect(await output(peer, 'SET a 1')).toEqual({ error: 'Redis did not answer in time' })
    await nodes.redis.crash()
    await eventually(async () => expect(await output(peer, 'GET a')).toEqual({ error: 'Redis is unavailable' }))
    expect(await metric(nodes.a, 'stomp_bridge_redis_commands_failed_total')).toBeGreaterThanOrEqual(failed + 2)
    await nodes.redis.restart()
    await Promise.all([untilReady(nodes.a), untilReady(nodes.b)])
    await eventually(async () => expect(await output(peer, 'SET a 2')).toBe('OK'))
    expect(nodes.a.stderr()).toContain('is never allowed')
  })
})
