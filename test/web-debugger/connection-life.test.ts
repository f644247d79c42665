import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { Connection } from '../../web-debugger/stomp/connection.ts'
import { createProfile, type Profile } from '../../web-debugger/stomp/profile.ts'
import { FakePage } from './fake-page.ts'

function start(profile: Partial<Profile> = {}) {
  const page = new FakePage()
  const connection = new Connection('c', { ...createProfile('ws://localhost/stomp'), ...profile }, page)
  const lines = () =>
    Array.from({ length: connection.log.size }, (_, i) => connection.log.at(i)!).map(
      ({ kind, direction, command, raw }) => (kind === 'note' ? String(raw) : `${direction} ${command}`),
    )
  return { page, connection, lines }
}

async function connected(profile: Partial<Profile> = {}) {
  const stage = start(profile)
  stage.connection.connect()
  await stage.page.socket.accept()
  return stage
}

describe('a connection', () => {
  it('connects, agrees, and logs everything that went over the wire', async () => {
    const { page, connection, lines } = start({ login: 'ada' })
    expect(connection.state.value).toBe('idle')
    connection.connect()
    expect(connection.state.value).toBe('connecting')
    await Promise.resolve()
    page.socket.open('v12.stomp')
    const headers = { version: '1.2', server: 'test/1', session: 's-1', 'heart-beat': '5000,0' }
    page.socket.receiveFrame({ command: 'CONNECTED', headers: Object.entries(headers) }, undefined)
    expect(connection.state.value).toBe('connected')
    expect(connection.agreement.value).toEqual({
      version: '1.2',
      server: 'test/1',
      session: 's-1',
      user: undefined,
      subProtocol: 'v12.stomp',
      heartBeat: { outgoingMs: 0, incomingMs: 10_000 },
    })
    expect(Object.fromEntries(page.socket.frames()[0]!.headers)).toEqual({
      host: 'localhost',
      login: 'ada',
      'accept-version': '1.2,1.1,1.0',
      'heart-beat': '10000,10000',
    })
    expect(lines()).toEqual([
      'Opening ws://localhost/stomp, offering v12.stomp, v11.stomp, v10.stomp',
      'WebSocket open, sub-protocol v12.stomp',
      'out CONNECT',
      'in CONNECTED',
    ])
    connection.dispose()
  })

  it('asks for one version, and takes a server without `version` for 1.0', async () => {
    const { page, connection } = start({ version: '1.0', subProtocol: 'none' })
    connection.connect()
    expect(page.socket.protocols).toEqual([])
    await page.socket.accept({ session: 'old' })
    expect(page.socket.frames('1.0')[0]!.headers.get('accept-version')).toBe('1.0')
    expect(connection.version).toBe('1.0')
    expect(connection.agreement.value?.heartBeat).toEqual({ outgoingMs: 0, incomingMs: 0 })
    connection.dispose()
  })

  it('logs heart-beats of both sides as they were on the wire', async () => {
    const { page, connection, lines } = await connected()
    page.socket.receive('\n')
    page.clock.advance(1000)
    page.socket.receive('\n')
    expect(lines().slice(-2)).toEqual(['in heart-beat', 'in heart-beat'])
    expect(connection.log.at(connection.log.nextSeq - 1)?.raw).toBe('\n')
    expect(connection.roundTrips.heartBeatGapsMs).toEqual([1000])
    connection.dispose()
  })

  it('disconnects with DISCONNECT, and waits for its RECEIPT', async () => {
    const { page, connection } = await connected()
    connection.disconnect()
    expect(connection.state.value).toBe('closing')
    const disconnect = page.socket.last()
    expect(disconnect.command).toBe('DISCONNECT')
    expect(page.socket.readyState).toBe(1)
    page.socket.receiveFrame({ command: 'RECEIPT', headers: [['receipt-id', disconnect.headers.get('receipt')!]] })
    expect(page.socket.readyState).toBe(2)
    page.socket.end(1000)
    expect(connection.state.value).toBe('closed')
    expect(connection.problem.value).toBeUndefined()
    expect(page.clock.pending).toBe(0)
  })

  it.each(['after two seconds', 'when it is told again'])('drops a server that does not answer: %s', async (when) => {
    const { page, connection } = await connected()
    connection.disconnect()
    if (when === 'after two seconds') {
      page.clock.advance(1999)
      expect(connection.state.value).toBe('closing')
      page.clock.advance(1)
    } else connection.disconnect()
    expect(connection.state.value).toBe('closed')
    // What the old WebSocket still says is not heard.
    page.socket.end(1000)
    expect(connection.state.value).toBe('closed')
    expect(page.clock.pending).toBe(0)
  })

  it('stops an attempt that is under way', () => {
    const { page, connection } = start()
    connection.connect()
    connection.disconnect()
    page.socket.end()
    expect([connection.state.value, connection.problem.value]).toEqual(['closed', undefined])
    expect(page.sockets).toHaveLength(1)
  })

  it('says what to check when no WebSocket could be opened, and does not try again by itself', () => {
    const { page, connection } = start({ url: 'ws://localhost/stomp?token=abc' })
    connection.connect()
    page.socket.end(1006)
    expect(connection.state.value).toBe('closed')
    expect(connection.problem.value).toContain('No WebSocket could be opened at ws://localhost/stomp?token=••••••.')
    expect(connection.problem.value).toContain('that the server runs')
    expect(page.clock.pending).toBe(0)
  })

  it.each([
    ['SecurityError', 'Use wss://'],
    ['SyntaxError', 'does not accept this URL: ws://'],
    ['Error', 'could not open'],
  ])('says what the browser refused: %s', (name, text) => {
    const { page, connection } = start()
    page.refusal = Object.assign(new Error('no'), { name })
    connection.connect()
    expect(connection.state.value).toBe('closed')
    expect(connection.problem.value).toContain(text)
  })

  it('does not begin with a profile that has a problem', () => {
    const { page, connection } = start({ url: 'no sense' })
    connection.connect()
    expect(connection.problem.value).toContain('This is no URL')
    expect(page.sockets).toHaveLength(0)
  })

  it('gives up on a server that does not answer CONNECT', async () => {
    const { page, connection } = start({ isReconnecting: false })
    connection.connect()
    await Promise.resolve()
    page.socket.open()
    page.clock.advance(15_000)
    expect(connection.state.value).toBe('closed')
    expect(connection.problem.value).toContain('did not answer CONNECT')
  })
})

describe('after a loss', () => {
  it('may wait twice as long each time, and says until when', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    onTestFinished(() => void vi.restoreAllMocks())
    const { page, connection } = await connected()
    const delays: number[] = []
    for (let attempt = 0; attempt < 8; attempt++) {
      page.socket.end(1006)
      expect(connection.state.value).toBe('waiting')
      const delayMs = connection.nextAttemptAtMs.value! - page.clock.now()
      delays.push(delayMs)
      const count = page.sockets.length
      page.clock.advance(delayMs - 1)
      expect(page.sockets).toHaveLength(count)
      page.clock.advance(1)
      expect(page.sockets).toHaveLength(count + 1)
      expect(connection.nextAttemptAtMs.value).toBeUndefined()
    }
    expect(delays).toEqual([500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000])
    connection.dispose()
  })

  it('waits longer for a server that lets it in and drops it, until a connection has held for a while', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    onTestFinished(() => void vi.restoreAllMocks())
    const { page, connection } = await connected()
    const delays: number[] = []
    for (const heldMs of [0, 9_999, 10_000, 0]) {
      page.clock.advance(heldMs)
      page.socket.end(1006)
      delays.push(connection.nextAttemptAtMs.value! - page.clock.now())
      page.clock.advance(delays.at(-1)!)
      await page.socket.accept()
    }
    expect(delays).toEqual([500, 1000, 500, 1000])
    connection.dispose()
  })

  it('subscribes again what is listed, with the same ids', async () => {
    const { page, connection } = await connected()
    connection.subscribe({ destination: '/topic/a' })
    connection.unsubscribe(connection.subscribe({ destination: '/topic/b' }))
    connection.subscribe({ destination: '/topic/c', ack: 'client' })
    page.socket.end(1001)
    expect(connection.subscriptions.value.map(({ isActive }) => isActive.value)).toEqual([false, false])
    page.clock.advance(1000)
    await page.socket.accept()
    const subscribed = page.socket.frames().filter(({ command }) => command === 'SUBSCRIBE')
    expect(subscribed.map(({ headers }) => Object.fromEntries(headers))).toEqual([
      { id: 'sub-0', destination: '/topic/a' },
      { id: 'sub-2', destination: '/topic/c', ack: 'client' },
    ])
    connection.dispose()
  })

  it('does not doubt a URL that has worked', async () => {
    const { page, connection } = await connected()
    page.socket.end()
    page.clock.advance(1000)
    page.socket.end()
    expect(connection.problem.value).toContain('does not answer any more')
    connection.dispose()
  })

  it.each([
    [4500, '', 'too slow to take'],
    [4711, 'Because', 'It says: Because (4711)'],
    [1009, '', 'Send a smaller one'],
  ])('says what the code %d means', async (code, reason, words) => {
    const { page, connection } = await connected()
    page.socket.end(code, reason)
    expect(connection.problem.value).toContain(words)
    connection.dispose()
  })

  it('says nothing more once it has said DISCONNECT', async () => {
    const { page, connection } = await connected()
    connection.disconnect()
    expect(connection.state.value).toBe('closing')
    expect(connection.send({ destination: '/app/greet', body: 'late' })).toBe(false)
    expect(page.socket.frames().at(-1)?.command).toBe('DISCONNECT')
    connection.dispose()
  })

  it('takes an id again that an ended subscription had', async () => {
    const { page, connection } = await connected()
    const first = connection.subscribe({ destination: '/topic/a', headers: [['id', 'mine']] })
    const second = connection.subscribe({ destination: '/topic/b', headers: [['id', 'mine']] })
    connection.unsubscribe(first)
    connection.unsubscribe(second)
    const again = connection.subscribe({ destination: '/topic/c', headers: [['id', 'mine']] })
    expect([first.id, second.id, again.id]).toEqual(['mine', 'sub-1', 'mine'])
    expect(connection.findSubscription('mine')).toBe(again)
    page.socket.end()
    connection.dispose()
  })

  it('remembers only so many ended subscriptions', async () => {
    const { connection } = await connected()
    const kept = connection.subscribe({ destination: '/topic/kept' })
    for (let i = 0; i < 1500; i++) connection.unsubscribe(connection.subscribe({ destination: '/topic/a' }))
    expect(connection.findSubscription(kept.id)).toBe(kept)
    expect(connection.findSubscription('sub-1')).toBeUndefined()
    expect(connection.findSubscription('sub-1500')).toBeDefined()
    connection.dispose()
  })

  it('can be told to try now, or to stop', async () => {
    const { page, connection } = await connected()
    page.socket.end()
    connection.connect()
    expect(page.sockets).toHaveLength(2)
    expect(connection.state.value).toBe('connecting')
    page.socket.end()
    expect(connection.state.value).toBe('waiting')
    connection.disconnect()
    expect(connection.state.value).toBe('closed')
    expect(connection.nextAttemptAtMs.value).toBeUndefined()
    expect(page.clock.pending).toBe(0)
  })

  it('tells what the server said, and not only the code', async () => {
    const { page, connection } = await connected()
    page.socket.receiveFrame({ command: 'ERROR', headers: [['message', 'Too many frames']] })
    page.socket.end(1008, 'policy')
    expect(connection.state.value).toBe('waiting')
    expect(connection.problem.value).toBe('The server sent an ERROR: Too many frames')
    connection.dispose()
  })

  it('does not try again where the first attempt was refused', async () => {
    const { page, connection } = start()
    connection.connect()
    await Promise.resolve()
    page.socket.open()
    page.socket.receiveFrame({ command: 'ERROR', headers: [], body: 'Bad credentials\n' }, undefined)
    page.socket.end(1008)
    expect(connection.state.value).toBe('closed')
    expect(connection.problem.value).toBe('The server sent an ERROR: Bad credentials')
  })

  it('loses what was open in the session', async () => {
    const { page, connection } = await connected()
    connection.transactions.begin('t')
    connection.send({ destination: '/a', body: 'x', receipt: true })
    page.socket.end()
    expect(connection.transactions.list.value[0]!.state).toBe('lost')
    expect(connection.roundTrips.waiting).toBe(0)
    expect(connection.agreement.value).toBeUndefined()
    connection.dispose()
  })
})

describe('without STOMP', () => {
  it('sends and logs data as it is', () => {
    const { page, connection, lines } = start({ mode: 'raw' })
    connection.connect()
    expect(page.socket.protocols).toEqual([])
    page.socket.open()
    expect(connection.state.value).toBe('connected')
    expect(connection.sendRaw('CONNECT\n\n\0')).toBe(true)
    expect(connection.sendRaw(new Uint8Array([1, 2]))).toBe(true)
    page.socket.receive('{"hello":1}')
    page.socket.receive(new Uint8Array([3]))
    expect(page.socket.sent).toEqual(['CONNECT\n\n\0', new Uint8Array([1, 2])])
    expect(lines().slice(2)).toEqual(['out TEXT', 'out BINARY', 'in TEXT', 'in BINARY'])
    expect(connection.send({ destination: '/a', body: '' })).toBe(false)
    connection.disconnect()
    page.socket.end(1000)
    expect(connection.state.value).toBe('closed')
    expect(connection.sendRaw('x')).toBe(false)
  })
})
