import { describe, expect, it } from 'vitest'
import { ws4redisAsk } from '../../src/http/ws4redis.ts'
import { doorsApp, outcomeOf } from './doors-support.ts'

const ask = (query: string, identity = { user: 'alice', groups: ['staff', 'a b'] }) =>
  ws4redisAsk(Object.fromEntries(new URLSearchParams(query)), 'news', identity, 'node-1')

describe('the query of a django-websocket-redis URL', () => {
  it.each([
    ['subscribe-broadcast', ['/topic/news'], []],
    ['subscribe-user&subscribe-session', ['/user/queue/news', '/session/queue/news'], []],
    ['subscribe-group', ['/group/staff/news', '/group/a%20b/news'], []],
    ['publish-broadcast', [], ['broadcast:news']],
    ['publish-user', [], ['user:alice:news']],
    ['publish-group&publish-session', [], ['group:staff:news', 'group:a%20b:news', 'session:node-1:news']],
    ['subscribe-broadcast&publish-broadcast', ['/topic/news'], ['broadcast:news']],
    ['subscribe-everything&publish', [], []],
    ['', [], []],
  ])('"%s"', (query, destinations, channels) => {
    const { publishTo, ...rest } = ask(query)
    expect(rest).toEqual({ destinations, isEcho: false })
    expect(publishTo.map(({ channel }) => channel)).toEqual(channels)
  })

  it('asks for an echo', () => {
    expect(ask('echo').isEcho).toBe(true)
  })

  it('finds no user and no group for who has none', () => {
    const { destinations, publishTo } = ws4redisAsk(
      { 'subscribe-user': '', 'subscribe-group': '', 'publish-user': '' },
      'news',
      { user: undefined },
      'node-1',
    )
    expect([destinations, publishTo]).toEqual([[], []])
  })
})

describe('an endpoint of that kind', () => {
  const endpoints = [{ path: '/ws/{facility}', preset: 'ws4redis' as const }]

  it('subscribes what was asked for, once it is known who asks', async () => {
    const app = doorsApp({ endpoints, access: { authenticate: () => ({ user: 'alice', groups: ['g'] }) } })
    expect(await outcomeOf(await app.handshake('/ws/news?subscribe-broadcast&subscribe-user'))).toBe('101')
    expect(
      [...app.stage.clients].flatMap(({ subscriptions }) => [...subscriptions].map((each) => each.destination)),
    ).toEqual(['/topic/news', '/user/queue/news'])
  })

  it.each([
    ['subscribe', '/ws/secret?subscribe-broadcast'],
    ['publish', '/ws/secret?publish-broadcast'],
  ])('answers 403 to who may not %s', async (_what, path) => {
    const app = doorsApp({
      endpoints,
      access: {
        isOpen: false,
        authenticate: () => ({ user: 'alice' }),
        maySubscribe: (_identity, destination) => destination !== '/topic/secret',
        maySend: (_identity, destination) => destination !== '/topic/secret',
      },
    })
    expect(await outcomeOf(await app.handshake(path))).toBe('403 not-authorized')
    expect(await outcomeOf(await app.handshake(path.replace('secret', 'other')))).toBe('101')
  })

  it('is led nowhere by its facility', async () => {
    const app = doorsApp({ endpoints })
    expect(await outcomeOf(await app.handshake('/ws/a%2F**?subscribe-broadcast'))).toBe('101')
    expect(
      [...app.stage.clients].flatMap(({ subscriptions }) => [...subscriptions].map((each) => each.destination)),
    ).toEqual(['/topic/a%2F%2A%2A'])
  })
})
