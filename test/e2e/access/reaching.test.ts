/** Reaching exactly whom it is for: users, groups and sessions, over HTTP, STOMP and Redis, at every door and on every node. */
import { beforeAll, describe, expect, it } from 'vitest'
import { metric } from '../../support/clients/backend.ts'
import { openEventStream } from '../../support/clients/event-stream.ts'
import { openPlainWebSocket } from '../../support/clients/plain-websocket.ts'
import type { BridgeProcess } from '../../support/process.ts'
import { runtime } from '../../support/runtime.ts'
import { frameText } from '../../support/stomp-peer.ts'
import { eventually } from '../../support/wait.ts'
import {
  api,
  API_KEYS,
  expectNothing,
  HS256,
  logIn,
  logInAs,
  message,
  post,
  send,
  startNodes,
  subscribe,
  token,
  type Member,
  type Nodes,
} from './stage.ts'

/** As the contract says: these and control characters are percent-encoded, the rest is as it is. */
function encoded(name: string): string {
  return name.replace(/[%/:*?{}[\]\\ \x00-\x1f\x7f]/g, (each) => {
    return `%${each.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
  })
}

const NAMES = [
  'a/b',
  'a:b',
  'a*',
  '**',
  'a?b',
  '{user}',
  '[a-z]',
  'back\\slash',
  '50%',
  '%2F',
  'two words',
  'žluťoučký 😀',
  "o'neil@example.com",
  '..',
  '.',
  'a+b&c=d#e',
  'CaSe',
  'queue',
] // prettier-ignore

describe(`reaching on ${runtime}`, () => {
  let nodes: Nodes
  let a: BridgeProcess
  let b: BridgeProcess
  beforeAll(async () => {
    nodes = await startNodes(
      `
access:
  authenticators: [${HS256}, { type: anonymous }]
  rules:
    - { allow: send, destination: '/user/{name}/queue/**', groups: [staff] }
    - { allow: send, destination: '/group/{name}/**', groups: ['{name}'] }
    - { allow: send, destination: '/session/{id}/queue/**', groups: [staff] }
    - { allow: subscribe, destination: '/topic/**', groups: [staff] }
  ${API_KEYS}
routes:
  inbound:
    - { channel: article, codec: json, destination: '/user/{body.uuid_remote}/queue/messages', body: message }
    - { channel: 'nested:{kind}', codec: json, destination: '/user/{body.to.name}/queue/deep/{kind}', body: payload.text }
    - { channel: 'teams', codec: json, destination: '/group/{body.team}/news' }
endpoints:
  - { path: /own, protocol: raw, subscribe: ['/user/queue/x', '/session/queue/x'], credential: token, frame: json }
  - { path: '/to/{who}', protocol: raw, send: '/user/{who}/queue/x', credential: token }
`,
      { tcp: true },
    )
    ;({ a, b } = nodes)
  })

  const publish = (channel: string, payload: string) => nodes.backend.publish(channel, payload)

  it('every session of a user on every node gets it once, and nobody else: by POST, by SEND, by PUBLISH', async () => {
    const credential = { passcode: await token('una') }
    const members = await Promise.all([
      logIn(a, { connect: credential }),
      logIn(a, { connect: credential }),
      logIn(b, { connect: credential }),
      logIn(b, { query: `?access_token=${credential.passcode}` }),
      logIn(a, { connect: credential, tcp: true }),
    ])
    const others = await Promise.all([logInAs(a, 'un'), logInAs(b, 'una2'), logIn(b)])
    for (const { peer } of [...members, ...others]) await subscribe(peer, '/user/queue/x')
    const events = await openEventStream(`${b.url}/sse/user/queue/x?access_token=${credential.passcode}`)
    const raw = await openPlainWebSocket(`${a.url.replace('http', 'ws')}/own?token=${credential.passcode}`)
    const { peer: sender } = await logInAs(b, 'boss', { groups: ['staff'] })
    const ways: readonly (() => unknown)[] = [
      () => post(a, '/user/una/queue/x', 'posted'),
      () => send(sender, '/user/una/queue/x', 'sent'),
      () => publish('user:una:x', '"published"'),
    ]
    for (const [i, way] of ways.entries()) {
      const body = ['posted', 'sent', 'published'][i]
      await way()
      for (const { peer } of members) {
        expect(await message(peer, { destination: '/user/queue/x', subscription: '/user/queue/x' })).toBe(body)
      }
      expect((await events.events.next()).data).toBe(body)
      expect(JSON.parse((await raw.messages.next()) as string)).toMatchObject({ destination: '/user/queue/x', body })
    }
    for (const { peer } of [...members, ...others]) await expectNothing(peer)
  })

  it('a client can send to itself and, with exclude-self, not', async () => {
    const { peer } = await logInAs(a, 'selma', { groups: ['staff'] })
    const other = await logInAs(b, 'selma')
    await subscribe(peer, '/user/queue/x', { 'exclude-self': 'true' })
    await subscribe(other.peer, '/user/queue/x')
    send(peer, '/user/selma/queue/x', 'mine')
    expect(await message(other.peer)).toBe('mine')
    await post(a, '/user/selma/queue/x', 'theirs')
    expect(await message(peer)).toBe('theirs')
  })

  it('names that mean something in a path, a pattern or a channel are reached exactly', async () => {
    const members = await Promise.all(NAMES.map((name, i) => logInAs(i % 2 === 0 ? a : b, name, { groups: [name] })))
    const witness = await logInAs(b, 'witness', { groups: ['staff'] })
    for (const { peer } of [...members, witness]) await subscribe(peer, '/user/queue/x/y')
    for (const [i, name] of NAMES.entries()) {
      expect(members[i]!.user).toBe(name)
      await subscribe(members[i]!.peer, `/group/${encoded(name)}/x`)
    }
    for (const [i, name] of NAMES.entries()) {
      const { peer } = members[i]!
      await post(a, `/user/${encoded(name)}/queue/x/y`, `posted ${name}`)
      expect(await message(peer, { destination: '/user/queue/x/y' })).toBe(`posted ${name}`)
      expect(await publish(`user:${encoded(name)}:x/y`, JSON.stringify(`published ${name}`))).toBe(1)
      expect(await message(peer)).toBe(`published ${name}`)
      send(witness.peer, `/user/${encoded(name)}/queue/x/y`, `sent ${name}`)
      expect(await message(peer)).toBe(`sent ${name}`)
      await post(b, `/group/${encoded(name)}/x`, `group ${name}`)
      expect(await message(peer, { destination: `/group/${encoded(name)}/x` })).toBe(`group ${name}`)
      expect(await publish(`group:${encoded(name)}:x`, '"group"')).toBe(1)
      expect(await message(peer)).toBe('group')
      expect(await api(a, 'GET', `/api/users/${encodeURIComponent(name)}`)).toMatchObject(
        // A URL cannot have these as a segment, however they are written.
        name === '.' || name === '..'
          ? { status: expect.any(Number) as number }
          : { json: { user: name, online: true } },
      )
    }
    for (const { peer } of [...members, witness]) await expectNothing(peer)
  })

  it('a group is its members, on every node, and a pattern of it shows where each message was', async () => {
    const [one, two] = await Promise.all([
      logInAs(a, 'gil', { groups: ['g', 'h'] }),
      logInAs(b, 'gus', { groups: ['g'] }),
    ])
    await subscribe(one.peer, '/group/g/**')
    await subscribe(two.peer, '/group/g/x/y', { ack: 'client-individual' })
    await post(a, '/group/g/x/y', '1')
    send(two.peer, '/group/g/z', '2')
    await publish('group:g:x/y', '"3"')
    await post(b, '/group/h/x', 'no')
    await post(b, '/group/g/last', '4')
    const seen: string[] = []
    for (let i = 0; i < 4; i++) {
      const { headers, body } = await one.peer.expect('MESSAGE', { subscription: '/group/g/**' })
      seen.push(`${headers.get('destination')} ${Buffer.from(body).toString()}`)
    }
    expect(seen.toSorted()).toEqual(['/group/g/last 4', '/group/g/x/y 1', '/group/g/x/y 3', '/group/g/z 2'])
    const acks: string[] = []
    for (const body of ['1', '3']) {
      const { headers, body: got } = await two.peer.expect('MESSAGE', { destination: '/group/g/x/y' })
      expect(Buffer.from(got).toString()).toBe(body)
      acks.push(headers.get('ack')!)
    }
    for (const id of acks) {
      two.peer.send(frameText('ACK', { id, receipt: id }))
      await two.peer.receipt(id)
    }
  })

  it('a session is reached by its id, whoever it is', async () => {
    const members = [await logIn(a), await logIn(b), await logInAs(a, 'sid'), await logInAs(b, 'sid')]
    for (const { peer } of members) await subscribe(peer, '/session/queue/x')
    const { peer: sender } = await logInAs(a, 'boss', { groups: ['staff'] })
    for (const { peer, session } of members) {
      await post(b, `/session/${session}/queue/x`, '1')
      send(sender, `/session/${session}/queue/x`, '2', { receipt: 'sent' })
      await sender.receipt('sent')
      await publish(`session:${session}:x`, '"3"')
      const bodies = [
        await message(peer),
        await message(peer),
        await message(peer, { destination: '/session/queue/x' }),
      ]
      expect(bodies.toSorted()).toEqual(['1', '2', '3'])
    }
    for (const { peer } of members) await expectNothing(peer)
  })

  it('an anonymous session is reached at /user/queue by its session only', async () => {
    const [one, other] = [await logIn(a), await logIn(a)]
    for (const { peer } of [one, other]) await subscribe(peer, '/user/queue/x')
    for (const nobody of ['undefined', 'anonymous', 'null', one.session]) await post(b, `/user/${nobody}/queue/x`, 'no')
    await post(b, `/session/${one.session}/queue/x`, 'yes')
    expect(await message(one.peer, { destination: '/user/queue/x' })).toBe('yes')
    await post(b, `/session/${other.session}/queue/x`, 'other')
    expect(await message(other.peer)).toBe('other')
  })

  it('both names of one queue of an anonymous session show what was subscribed', async () => {
    const { peer, session } = await logIn(b)
    await subscribe(peer, '/user/queue/x')
    await subscribe(peer, '/session/queue/x')
    await post(a, `/session/${session}/queue/x`, 'both')
    const got = [await peer.frame(), await peer.frame()].map(({ headers }) => [headers.get('subscription'), headers.get('destination')])
    expect(got.toSorted()).toEqual([
      ['/session/queue/x', '/session/queue/x'],
      ['/user/queue/x', '/user/queue/x'],
    ])
  }) // prettier-ignore

  it('ack modes work for own queues as for topics', async () => {
    const { peer } = await logInAs(a, 'ack')
    await subscribe(peer, '/user/queue/x', { ack: 'client' })
    await subscribe(peer, '/user/queue/y', { ack: 'client-individual' })
    for (const topic of ['x', 'x', 'y']) await post(b, `/user/ack/queue/${topic}`, topic)
    const acks: Record<string, string> = {}
    for (let i = 0; i < 3; i++) {
      const { headers } = await peer.expect('MESSAGE')
      acks[headers.get('destination')!] = headers.get('ack')!
    }
    peer.send(frameText('ACK', { id: acks['/user/queue/x']!, receipt: 'ack' }))
    await peer.receipt('ack')
    peer.send(frameText('NACK', { id: acks['/user/queue/y']!, receipt: 'nack' }))
    await peer.receipt('nack')
    peer.send(frameText('UNSUBSCRIBE', { id: '/user/queue/x', receipt: 'gone' }))
    await peer.receipt('gone')
    await post(b, '/user/ack/queue/x', 'late')
    await post(b, '/user/ack/queue/y', 'y')
    expect(await message(peer, { destination: '/user/queue/y' })).toBe('y')
  })

  it('a renewed session keeps its queues, one that comes again gets its own, and one that left nothing', async () => {
    const first = await logInAs(a, 'rob')
    await subscribe(first.peer, '/user/queue/x')
    first.peer.close()
    await first.peer.closed
    const second = await logInAs(b, 'rob')
    await subscribe(second.peer, '/user/queue/x')
    await post(a, '/user/rob/queue/x', 'hello')
    expect(await message(second.peer)).toBe('hello')
    await expectNothing(second.peer)
  })

  it('a plain WebSocket sends to whom its path names, and to nobody else', async () => {
    const boss = await token('boss', { groups: ['staff'] })
    const { peer } = await logInAs(b, 'a/b')
    const wrong = await logInAs(b, 'a')
    await subscribe(peer, '/user/queue/x')
    await subscribe(wrong.peer, '/user/queue/x')
    const socket = await openPlainWebSocket(`${a.url.replace('http', 'ws')}/to/a%2Fb?token=${boss}`)
    socket.send('hello')
    expect(await message(peer)).toBe('hello')
    await expectNothing(wrong.peer)
    const nobody = await openPlainWebSocket(`${a.url.replace('http', 'ws')}/to/a?token=${await token('nobody')}`)
    nobody.send('hello')
    expect((await nobody.closed).code).toBe(1008)
  })

  describe('a payload that names its receiver', () => {
    const in2 = async (user: string, queue: string): Promise<Member> => {
      const member = await logInAs(b, user)
      await subscribe(member.peer, `/user/queue/${queue}`)
      return member
    }

    it('goes there, with the field that is its body', async () => {
      const ivy = await in2('ivy', 'messages')
      const slash = await in2('a/b:*', 'messages')
      const rows: readonly [unknown, string][] = [
        ['hello', 'hello'],
        [{ a: [1, 'ž'] }, '{"a":[1,"ž"]}'],
        [12.5, '12.5'],
        [null, 'null'],
        ['', ''],
      ]
      for (const [body, wanted] of rows) {
        await publish('article', JSON.stringify({ message: body, uuid_remote: 'ivy', more: 1 }))
        expect(await message(ivy.peer, { destination: '/user/queue/messages' })).toBe(wanted)
      }
      await publish('article', '{"uuid_remote":"a/b:*","message":12345678901234567890}')
      expect(await message(slash.peer)).toBe('12345678901234567890')
      await expectNothing(ivy.peer)
    })

    it('is found in nested fields, and for groups', async () => {
      const ivy = await in2('ivy', 'deep/chat')
      const team = await logInAs(a, 'tea', { groups: ['red/blue'] })
      await subscribe(team.peer, '/group/red%2Fblue/news')
      await publish('nested:chat', JSON.stringify({ to: { name: 'ivy' }, payload: { text: 'deep' } }))
      expect(await message(ivy.peer)).toBe('deep')
      await publish('teams', JSON.stringify({ team: 'red/blue', n: 1 }))
      expect(await message(team.peer)).toBe('{"team":"red/blue","n":1}')
    })

    it('is skipped, logged and counted where it names nobody', async () => {
      const ivy = await in2('ivy', 'messages')
      const before = await Promise.all([a, b].map((node) => metric(node, 'stomp_bridge_payloads_malformed_total')))
      const wrong = [
        '{"message":"x"}',
        '{"message":"x","uuid_remote":""}',
        '{"message":"x","uuid_remote":7}',
        '{"message":"x","uuid_remote":null}',
        '{"message":"x","uuid_remote":["ivy"]}',
        '{"uuid_remote":"ivy"}',
        '["ivy"]',
        '"ivy"',
        'ivy',
        '',
        '{"message":"x","uuid_remote":"ivy"',
        '{"__proto__":{"uuid_remote":"ivy"},"message":"x"}',
      ]
      for (const payload of wrong) await publish('article', payload)
      await publish('article', '{"uuid_remote":"ivy","message":"good"}')
      expect(await message(ivy.peer)).toBe('good')
      const after = await Promise.all([a, b].map((node) => metric(node, 'stomp_bridge_payloads_malformed_total')))
      // Both nodes read the channel, if both have somebody who may get it.
      expect(after.map((count, i) => count - before[i]!)).toContain(wrong.length)
      await b.waitForLog(({ level, channel }) => channel === 'article' && level !== undefined)
    })
  })

  it('a backend is told who has sent, with a name that nobody can forge', async () => {
    // Whoever sends says nothing of the user himself: it is that of the session.
    const { peer } = await logInAs(a, 'fred', { groups: ['staff'] })
    const { peer: to } = await logInAs(b, 'gina')
    await subscribe(to, '/user/queue/x')
    send(peer, '/user/gina/queue/x', 'hello', { 'user-name': 'admin', destination2: '/topic/x' })
    const { headers } = await to.expect('MESSAGE')
    expect(headers.get('subscription')).toBe('/user/queue/x')
    expect([...headers].filter(([name]) => name === 'destination')).toHaveLength(1)
  })

  it('Redis carries only what somebody has subscribed to', async () => {
    const { peer } = await logInAs(a, 'cleo')
    await subscribe(peer, '/user/queue/x')
    const [, count] = (await nodes.backend.pubsub('NUMSUB', 'user:cleo:x')) as [string, number]
    expect(count).toBe(1)
    peer.close()
    await eventually(async () => {
      expect(((await nodes.backend.pubsub('NUMSUB', 'user:cleo:x')) as [string, number])[1]).toBe(0)
    })
  })
})

describe(`the keys of django-websocket-redis on ${runtime}`, () => {
  let nodes: Nodes
  beforeAll(async () => {
    const access = `
access:
  authenticators: [${HS256}]
  rules: [{ allow: subscribe, destination: '/topic/**' }]
  ${API_KEYS}
routes: { inbound: [{ preset: ws4redis, facility: '{name}' }] }
`
    nodes = await startNodes(access)
  })

  it('reach whom they name, as they are', async () => {
    const { a, b, backend } = nodes
    const members = await Promise.all([logInAs(a, 'dan/1', { groups: ['g'] }), logInAs(b, 'dan/1', { groups: ['g'] })])
    for (const { peer } of members) {
      for (const destination of ['/topic/f', '/user/queue/f', '/group/g/f', '/session/queue/f']) {
        await subscribe(peer, destination)
      }
    }
    const stranger = await logInAs(b, 'stan')
    await subscribe(stranger.peer, '/user/queue/f')
    await subscribe(stranger.peer, '/topic/f')
    const [one, two] = members
    for (const [channel, payload, destination, receivers] of [
      ['user:dan%2F1:f', 'plain {text', '/user/queue/f', [one, two]],
      ['group:g:f', '"group"', '/group/g/f', [one, two]],
      [`session:${two.session}:f`, 'session', '/session/queue/f', [two]],
      ['broadcast:f', 'all', '/topic/f', [one, two, stranger]],
    ] as const) {
      await backend.publish(channel, payload)
      for (const { peer } of receivers) expect(await message(peer, { destination })).toBe(payload)
    }
    for (const { peer } of [one, two, stranger]) await expectNothing(peer)
  })
})
