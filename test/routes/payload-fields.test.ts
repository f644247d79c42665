import { describe, expect, it } from 'vitest'
import { PayloadError } from '../../src/routes/payload.ts'
import { RouteTable, type RouteOptions } from '../../src/routes/table.ts'

type Inbound = RouteOptions['inbound'][number]

function tableOf(route: Partial<Inbound>) {
  const inbound: Inbound[] = [
    {
      channel: 'article',
      destination: '/user/{body.uuid_remote}/queue/messages',
      codec: 'json',
      subscribe: 'on-demand',
      ...route,
    },
  ]
  return new RouteTable(
    { outbound: [], inbound, convention: true, conventionCodec: 'json-string' },
    ['/app'],
    ['/topic'],
  )
}

function read(route: Partial<Inbound>, payload: string, channel = 'article') {
  const table = tableOf(route)
  const [interest] = table.interests('/user/bob/queue/messages')
  const routed = table.read(interest!.route, channel, new TextEncoder().encode(payload))
  return routed && { destination: routed.destination, body: routed.message.body, type: routed.message.headers[0]![1] }
}

describe('a route that takes its destination from the payload', () => {
  it('is fed by its channel, for everybody that it may reach', () => {
    const table = tableOf({})
    expect(table.interests('/user/bob/queue/messages').map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      'channel article',
    ])
    expect(table.interests('/user/bob.and.alice/queue/messages')).toHaveLength(1)
    expect(table.interests('/user/bob/queue/other').map(({ name }) => name)).toEqual(['user:bob:other'])
  })

  it('reaches whom the field names, with the field that is the body', () => {
    const payload = '{"uuid_remote":"bob","uuid_local":"alice","message":"hi"}'
    expect(read({ body: 'message' }, payload)).toEqual({
      destination: '/user/bob/queue/messages',
      body: 'hi',
      type: 'text/plain;charset=UTF-8',
    })
  })

  it('passes on the whole payload without one', () => {
    const payload = '{"uuid_remote":"bob", "id":1784563209871234567}'
    expect(read({}, payload)).toMatchObject({ body: payload, type: 'application/json' })
  })

  it('takes a body that is no text as JSON, as it is written', () => {
    expect(read({ body: 'a.b' }, '{"uuid_remote":"bob","a":{"b":{"n": 10.50}}}')).toMatchObject({
      body: '{"n": 10.50}',
      type: 'application/json',
    })
    expect(read({ body: 'n' }, '{"uuid_remote":"bob","n":1784563209871234567}')).toMatchObject({
      body: '1784563209871234567',
    })
  })

  it('says what the body is if the route does', () => {
    expect(read({ body: 'message', contentType: 'text/html' }, '{"uuid_remote":"bob","message":"x"}')).toMatchObject({
      type: 'text/html',
    })
  })

  it.each([
    ['a slash', 'a/b', '/user/a%2Fb/queue/messages'],
    ['a pattern', '*', '/user/%2A/queue/messages'],
    ['another address', 'x/queue/messages/../../y', '/user/x%2Fqueue%2Fmessages%2F..%2F..%2Fy/queue/messages'],
    ['a percent sign', '%2F', '/user/%252F/queue/messages'],
  ])('is not led elsewhere by %s', (_what, user, destination) => {
    expect(read({}, JSON.stringify({ uuid_remote: user }))!.destination).toBe(destination)
  })

  it.each([
    ['no field', '{"message":"x"}'],
    ['an empty one', '{"uuid_remote":"","message":"x"}'],
    ['a number', '{"uuid_remote":5,"message":"x"}'],
    ['null', '{"uuid_remote":null,"message":"x"}'],
    ['a list', '["uuid_remote","bob"]'],
    ['text', '"uuid_remote"'],
    ['no JSON', 'uuid_remote'],
    ['no body', '{"uuid_remote":"bob"}'],
    ['a body below what has no fields', '{"uuid_remote":"bob","message":"x"}', 'message.x'],
  ])('skips a payload with %s', (_what, payload, body = 'message') => {
    expect(() => read({ body }, payload)).toThrow(PayloadError)
  })

  it('may have variables of its channel beside', () => {
    const table = tableOf({ channel: 'room:{room}', destination: '/topic/{room}/{body.kind}' })
    const { route, name } = table.interests('/topic/blue/chat')[0]!
    expect(name).toBe('room:blue')
    expect(table.read(route, 'room:blue', new TextEncoder().encode('{"kind":"chat"}'))!.destination).toBe(
      '/topic/blue/chat',
    )
    expect(table.read(route, 'other', new TextEncoder().encode('{"kind":"chat"}'))).toBeUndefined()
  })
})
