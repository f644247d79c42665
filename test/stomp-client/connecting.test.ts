/** Coming and going: states, credentials, waiting times, refusals, and what is subscribed again. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { turn } from '../support/fake-turn.ts'
import { bodies, Stage, URL } from './stage.ts'

describe('a client', () => {
  it('does nothing until it is activated, then connects', async () => {
    const connected: unknown[] = []
    const stage = new Stage({ onConnected: (each) => connected.push(each) })
    await turn()
    expect([stage.sockets, stage.client.state]).toEqual([[], 'inactive'])
    stage.client.activate()
    stage.client.activate()
    const socket = await stage.accept({ 'user-name': 'alice' })
    expect(stage.states).toEqual(['connecting', 'connected'])
    expect([socket.url, socket.protocols]).toEqual([URL, ['v12.stomp', 'v11.stomp', 'v10.stomp']])
    expect(socket.sent('CONNECT')).toEqual([{ 'accept-version': '1.2,1.1,1.0', 'heart-beat': '10000,10000' }])
    expect(connected).toEqual([{ headers: { version: '1.2', 'user-name': 'alice' } }])
    await turn()
    expect([stage.sockets.length, stage.clock.pending]).toEqual([1, 0])
  })

  it('offers the heart-beats that it is told, and none', async () => {
    const stage = new Stage({ heartbeat: { incomingMs: 0, outgoingMs: 5000 } })
    const socket = await stage.connect()
    expect(socket.sent('CONNECT')[0]).toMatchObject({ 'heart-beat': '5000,0' })
  })

  it('leaves in order, comes again, and keeps its subscriptions', async () => {
    const stage = new Stage()
    const got: string[] = []
    stage.client.subscribe('/topic/x', bodies(got))
    const first = await stage.connect()
    first.message('sub-1', {}, 'a')
    await stage.client.deactivate()
    expect(first.frames.map(({ command }) => command)).toEqual(['CONNECT', 'SUBSCRIBE', 'DISCONNECT'])
    expect(stage.states).toEqual(['connecting', 'connected', 'closing', 'inactive'])
    expect(stage.disconnects).toEqual([{ code: 1000, reason: '', error: undefined, retryInMs: undefined }])
    expect(stage.clock.pending).toBe(0)
    const second = await stage.connect()
    second.message('sub-1', {}, 'b')
    expect([got, stage.errors]).toEqual([['a', 'b'], []])
  })

  it('can be activated while it leaves', async () => {
    const stage = new Stage()
    const first = await stage.connect()
    const left = stage.client.deactivate()
    stage.client.activate()
    await left
    expect(first.readyState).toBe(3)
    stage.clock.advance(1)
    await stage.accept()
    expect(stage.client.state).toBe('connected')
  })

  it('sends nothing more once it leaves, and hands over what still comes', async () => {
    const stage = new Stage()
    const got: string[] = []
    const subscription = stage.client.subscribe('/topic/x', bodies(got))
    const socket = await stage.connect()
    socket.onFrame = () => {}
    const left = stage.client.deactivate()
    subscription.unsubscribe()
    stage.client.subscribe('/topic/y', bodies(got))
    expect(() => stage.client.publish({ destination: '/topic/x' })).toThrow('not connected')
    expect(socket.frames.at(-1)!.command).toBe('DISCONNECT')
    // The server does not answer.
    stage.clock.advance(3000)
    await left
    expect([stage.client.state, stage.disconnects.length]).toEqual(['inactive', 1])
  })

  it('hands over what comes until it has left', async () => {
    const stage = new Stage()
    const got: string[] = []
    stage.client.subscribe('/topic/x', bodies(got))
    const socket = await stage.connect()
    socket.onFrame = () => {}
    const left = stage.client.deactivate()
    socket.message('sub-1', {}, 'late')
    socket.cut()
    await left
    expect(got).toEqual(['late'])
  })

  it.each(['credentials', 'socket', 'CONNECTED'])('leaves at once while it waits for %s', async (what) => {
    let give!: () => void
    const credentials = () => new Promise<object>((resolve) => (give = () => resolve({})))
    const stage = new Stage(what === 'credentials' ? { credentials } : {})
    stage.client.activate()
    if (what !== 'credentials') {
      const socket = await stage.socket()
      if (what === 'CONNECTED') socket.open()
    }
    await stage.client.deactivate()
    give?.()
    await turn()
    expect(stage.states).toEqual(['connecting', 'inactive'].toSpliced(1, 0, 'closing'))
    expect(stage.sockets.filter(({ readyState }) => readyState !== 3)).toEqual([])
    expect([stage.errors, stage.disconnects, stage.clock.pending]).toEqual([[], [], 0])
  })

  it('closes a WebSocket that it had just made', async () => {
    const stage = new Stage()
    stage.client.activate()
    // One microtask: the WebSocket is there, @stomp/stompjs has not got it yet.
    await Promise.resolve()
    expect(stage.sockets.length).toBe(1)
    await stage.client.deactivate()
    await turn()
    expect([stage.sockets[0]!.readyState, stage.clock.pending]).toEqual([3, 0])
  })

  it('may be told to leave by each callback', async () => {
    for (const callback of ['onState', 'onConnected', 'onDisconnected'] as const) {
      const stage = new Stage({ [callback]: () => void stage.client.deactivate() })
      stage.client.activate()
      await turn()
      if (callback !== 'onState') (await stage.accept()).cut()
      await turn()
      expect([callback, stage.client.state, stage.clock.pending]).toEqual([callback, 'inactive', 0])
    }
  })
})

describe('credentials', () => {
  it('are asked anew for each connection: a ticket goes into the URL, a token into CONNECT', async () => {
    let count = 0
    const stage = new Stage({
      credentials: async () => ({ ticket: `tkt_&${++count}`, token: `t${count}`, connectHeaders: { errors: 'soft' } }),
    })
    const first = await stage.connect()
    expect(first.url).toBe(`${URL}?ticket=tkt_%261`)
    expect(first.sent('CONNECT')[0]).toMatchObject({ Authorization: 'Bearer t1', errors: 'soft' })
    first.cut()
    const second = await stage.retry()
    expect([second.url, second.sent('CONNECT')[0]!['Authorization']]).toEqual([`${URL}?ticket=tkt_%262`, 'Bearer t2'])
  })

  it('stand behind a query that is there already', async () => {
    const stage = new Stage({ brokerURL: `${URL}?a=b`, credentials: () => ({ ticket: 't' }) })
    expect((await stage.connect()).url).toBe(`${URL}?a=b&ticket=t`)
  })

  it('that cannot be had are a failed attempt, and the next one asks again', async () => {
    let isAway = true
    const stage = new Stage({
      credentials: () => {
        if (isAway) throw new Error('The shop is closed')
        return { token: 't' }
      },
    })
    stage.client.activate()
    await turn()
    expect(stage.last).toMatchObject({
      code: 'credentials-failed',
      isFatal: false,
      cause: new Error('The shop is closed'),
    })
    expect([stage.client.state, stage.sockets.length]).toEqual(['waiting', 0])
    isAway = false
    const socket = await stage.retry()
    expect(socket.sent('CONNECT')[0]).toMatchObject({ Authorization: 'Bearer t' })
  })

  it('that never come are given up in time, and no longer wanted when they come', async () => {
    const gives: (() => void)[] = []
    const stage = new Stage({
      credentials: () => new Promise((resolve) => gives.push(() => resolve({ token: 't' }))),
      connectTimeoutMs: 5000,
    })
    stage.client.activate()
    stage.clock.advance(5000)
    expect(stage.last).toMatchObject({ code: 'timeout' })
    gives[0]!()
    await turn()
    expect(stage.sockets).toEqual([])
  })
})

describe('a lost connection', () => {
  it('is followed by the next one after a random part of a cap that doubles', async () => {
    const stage = new Stage()
    stage.random = 0.5
    stage.client.activate()
    for (const waitMs of [500, 1000, 2000, 4000, 4000]) {
      ;(await stage.socket()).cut()
      expect([stage.client.state, stage.clock.pending]).toEqual(['waiting', 1])
      expect(stage.clock.advance(waitMs - 1)).toBe(0)
      expect(stage.clock.advance(1)).toBe(1)
    }
    expect(new Set(stage.errors.map(({ code }) => code))).toEqual(new Set(['unreachable']))
    expect(stage.disconnects).toEqual([])
  })

  it('counts as a failed attempt unless it was stable', async () => {
    const stage = new Stage()
    stage.random = 1
    ;(await stage.connect()).cut()
    const second = await stage.retry()
    stage.clock.advance(9_999)
    second.cut()
    const third = await stage.retry()
    stage.clock.advance(10_000)
    third.cut(1012, 'Restart')
    expect(stage.disconnects).toEqual([
      { code: 1006, reason: '', error: undefined, retryInMs: 1000 },
      { code: 1006, reason: '', error: undefined, retryInMs: 2000 },
      { code: 1012, reason: 'Restart', error: undefined, retryInMs: 1000 },
    ])
    expect(stage.errors).toEqual([])
  })

  it('is not followed sooner than the server says', async () => {
    const stage = new Stage()
    stage.random = 0
    const socket = await stage.connect()
    socket.refuse('too-many-attempts', { 'retry-after': '7' })
    expect(stage.last).toMatchObject({ code: 'too-many-attempts', message: 'No: too-many-attempts', isFatal: false })
    expect(stage.disconnects).toEqual([{ code: 1008, reason: '', error: stage.last, retryInMs: 7000 }])
    stage.clock.advance(6999)
    expect(stage.sockets.length).toBe(1)
    stage.clock.advance(1)
    await stage.accept()
    expect(stage.sockets.length).toBe(2)
  })

  it.each(['soon', '-5', '', 'NaN'])('with a retry-after of %j waits as without one', async (value) => {
    const stage = new Stage()
    ;(await stage.connect()).refuse('auth-unavailable', { 'retry-after': value })
    expect(stage.disconnects[0]!.retryInMs).toBe(500)
  })

  it('is given up when the server does not close after its ERROR', async () => {
    const stage = new Stage()
    const socket = await stage.connect()
    socket.isDead = true
    socket.tell('ERROR', { code: 'internal' })
    expect(stage.client.state).toBe('connected')
    stage.clock.advance(3000)
    expect([stage.client.state, stage.last!.code, stage.disconnects.length]).toEqual(['waiting', 'internal', 1])
  })

  it('or one that never opens, or is never answered, is given up in time', async () => {
    for (const isOpen of [false, true]) {
      const stage = new Stage()
      stage.client.activate()
      const socket = await stage.socket()
      socket.isDead = true
      if (isOpen) socket.open()
      stage.clock.advance(14_999)
      expect(stage.client.state).toBe('connecting')
      stage.clock.advance(1)
      expect([stage.client.state, stage.last!.code]).toEqual(['waiting', 'timeout'])
      // What comes too late is no connection.
      socket.tell('CONNECTED', { version: '1.2' })
      socket.cut()
      expect([stage.client.state, stage.errors.length]).toEqual(['waiting', 1])
    }
  })

  it('is what a WebSocket is that cannot be made', async () => {
    const cause = new SyntaxError('Invalid URL')
    const stage = new Stage({
      webSocketFactory: () => {
        throw cause
      },
    })
    stage.client.activate()
    await turn()
    expect(stage.last).toMatchObject({ code: 'unreachable', cause })
    expect(stage.client.state).toBe('waiting')
  })
})

describe('a connection without heart-beats', () => {
  afterEach(() => void vi.useRealTimers())

  it('is lost, also where the WebSocket does not know', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] })
    const stage = new Stage({ heartbeat: { incomingMs: 1000, outgoingMs: 0 } })
    stage.client.activate()
    const socket = await stage.accept({ 'heart-beat': '1000,0' })
    socket.isDead = true
    vi.advanceTimersByTime(2000)
    expect(stage.client.state).toBe('connected')
    vi.advanceTimersByTime(1000)
    expect(stage.disconnects).toMatchObject([{ code: undefined, reason: 'No heart-beat from the server' }])
    expect([stage.client.state, vi.getTimerCount()]).toEqual(['waiting', 0])
  })
})

describe('a refusal that lasts', () => {
  it.each(['not-authenticated', 'not-authorized', 'no-history'])(
    'stops the client the second time: %s',
    async (code) => {
      let count = 0
      const stage = new Stage({ credentials: () => ({ token: String(++count) }) })
      ;(await stage.connect()).refuse(code)
      expect([stage.last!.isFatal, stage.client.state]).toEqual([false, 'waiting'])
      ;(await stage.retry()).refuse(code)
      expect([stage.last!.code, stage.last!.isFatal, stage.client.state]).toEqual([code, true, 'inactive'])
      expect(stage.disconnects.at(-1)).toMatchObject({ error: stage.last, retryInMs: undefined })
      expect([count, stage.clock.pending]).toEqual([2, 0])
      // With other credentials it may be activated again, and has both attempts.
      ;(await stage.connect()).refuse(code)
      expect(stage.last!.isFatal).toBe(false)
    },
  )

  it('also where the login was refused before CONNECTED, and an attempt between them was not answered', async () => {
    const stage = new Stage()
    stage.client.activate()
    for (const answer of ['refuse', 'cut', 'refuse'] as const) {
      const socket = await stage.socket()
      socket.open()
      if (answer === 'cut') socket.cut()
      else socket.refuse('not-authenticated')
      stage.clock.advance(8_000)
    }
    expect(stage.errors.map(({ code, isFatal }) => [code, isFatal])).toEqual([
      ['not-authenticated', false],
      ['unreachable', false],
      ['not-authenticated', true],
    ])
    await turn()
    expect(stage.sockets.length).toBe(3)
  })

  it('is no second one after a connection that was not refused, or was stable', async () => {
    const stage = new Stage()
    ;(await stage.connect()).refuse('not-authorized')
    ;(await stage.retry()).cut()
    ;(await stage.retry()).refuse('not-authorized')
    const stable = await stage.retry()
    stage.clock.advance(10_000)
    stable.refuse('token-expired')
    expect(stage.errors.map(({ isFatal }) => isFatal)).toEqual([false, false, false])
    expect(stage.client.state).toBe('waiting')
  })

  it('names the subscription that it answers', async () => {
    const stage = new Stage()
    stage.client.subscribe('/topic/open', () => {})
    stage.client.subscribe('/topic/secret', () => {})
    const socket = await stage.connect()
    socket.refuse('not-authorized', { 'receipt-id': socket.sent('SUBSCRIBE')[1]!['receipt']! })
    expect(stage.last).toMatchObject({ code: 'not-authorized', destination: '/topic/secret' })
  })

  it('without a code is of another server, and never stops the client', async () => {
    const stage = new Stage()
    for (let i = 0; i < 3; i++) {
      const socket = i === 0 ? await stage.connect() : await stage.retry()
      socket.tell('ERROR', {}, 'Access refused')
      socket.cut()
    }
    expect(stage.last).toMatchObject({ code: 'unknown', message: 'Access refused', isFatal: false })
  })
})

describe('subscriptions', () => {
  it('are sent when there is a connection, and again on each, in order and with the same ids', async () => {
    const stage = new Stage()
    stage.client.subscribe('/topic/a', () => {}, { ack: 'client', headers: { 'exclude-self': 'true' } })
    const first = await stage.connect()
    const gone = stage.client.subscribe('/topic/b', () => {})
    stage.client.subscribe('/topic/c', () => {})
    gone.unsubscribe()
    gone.unsubscribe()
    const a = { id: 'sub-1', destination: '/topic/a', ack: 'client', 'exclude-self': 'true' }
    const c = { id: 'sub-3', destination: '/topic/c' }
    const withoutReceipts = (sent: Record<string, string>[]) => sent.map(({ receipt: _, ...rest }) => rest)
    expect(withoutReceipts(first.sent('SUBSCRIBE'))).toEqual([a, { id: 'sub-2', destination: '/topic/b' }, c])
    expect(first.sent('UNSUBSCRIBE')).toEqual([{ id: 'sub-2' }])
    first.cut()
    const second = await stage.retry()
    expect(withoutReceipts(second.sent('SUBSCRIBE'))).toEqual([a, c])
  })

  it('that are made by a callback are sent once', async () => {
    const stage = new Stage({
      onState: (state) => state === 'connected' && void stage.client.subscribe('/topic/a', () => {}),
      onConnected: () => void stage.client.subscribe('/topic/b', () => {}),
    })
    const socket = await stage.connect()
    expect(socket.sent('SUBSCRIBE').map(({ destination }) => destination)).toEqual(['/topic/a', '/topic/b'])
  })

  it('say each time that they are live', async () => {
    const stage = new Stage()
    const live: string[] = []
    stage.client.subscribe('/topic/a', () => {}, { onLive: () => live.push('a') })
    const b = stage.client.subscribe('/topic/b', () => {}, { onLive: () => live.push('b') })
    const first = await stage.connect()
    expect(live).toEqual([])
    first.receipts()
    expect(live).toEqual(['a', 'b'])
    first.cut()
    const second = await stage.retry()
    b.unsubscribe()
    second.receipts()
    expect(live).toEqual(['a', 'b', 'a'])
  })

  it('get nothing after they were ended, also by their own callback', async () => {
    const stage = new Stage()
    const got: string[] = []
    const subscription = stage.client.subscribe('/topic/a', ({ body }) => {
      got.push(body)
      subscription.unsubscribe()
    })
    const socket = await stage.connect()
    socket.message('sub-1', {}, 'a')
    socket.message('sub-1', {}, 'b')
    expect(got).toEqual(['a'])
  })
})

describe('a callback that throws', () => {
  it('costs nobody else anything, and onError is told', async () => {
    const stage = new Stage()
    const got: string[] = []
    const cause = new Error('Oh')
    stage.client.subscribe('/topic/x', () => {
      throw cause
    })
    stage.client.subscribe('/topic/y', bodies(got))
    const socket = await stage.connect()
    socket.message('sub-1', {}, 'a')
    socket.message('sub-2', {}, 'b')
    expect(got).toEqual(['b'])
    expect(stage.errors.map(({ code, cause }) => [code, cause])).toEqual([['callback-failed', cause]])
    expect(stage.client.state).toBe('connected')
  })

  it('is uncaught where nobody listens', async () => {
    const uncaught: unknown[] = []
    const listeners = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException').once('uncaughtException', (error) => uncaught.push(error))
    try {
      const cause = new Error('Oh')
      const stage = new Stage({
        onError: () => {
          throw cause
        },
        onConnected: () => {
          throw new Error('First')
        },
      })
      await stage.connect()
      await turn()
      expect([uncaught, stage.client.state]).toEqual([[cause], 'connected'])
    } finally {
      process.removeAllListeners('uncaughtException')
      for (const listener of listeners) process.on('uncaughtException', listener)
    }
  })
})
