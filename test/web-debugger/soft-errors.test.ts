/** Access as a connection of the page has it: refusals with which the session goes on, renewals, tickets, what lasts. */
import { afterEach, describe, expect, it } from 'vitest'
import { Connection } from '../../web-debugger/stomp/connection.ts'
import type { FrameRecord } from '../../web-debugger/stomp/frame-record.ts'
import { createProfile, type Profile } from '../../web-debugger/stomp/profile.ts'
import { FakePage } from './fake-page.ts'

const open: Connection[] = []
afterEach(() => {
  for (const connection of open.splice(0)) connection.dispose()
})

function create(profile: Partial<Profile> = {}) {
  const page = new FakePage()
  const connection = new Connection('c', { ...createProfile('ws://localhost/stomp'), ...profile }, page)
  open.push(connection)
  return { page, connection }
}

async function connect(profile: Partial<Profile> = { hasSoftErrors: true }) {
  const { page, connection } = create(profile)
  connection.connect()
  await page.socket.accept()
  const last = (): FrameRecord => connection.log.at(connection.log.nextSeq - 1)!
  const refuse = (headers: Readonly<Record<string, string>>, text: string): FrameRecord => {
    page.socket.receiveFrame({
      command: 'MESSAGE',
      headers: [['subscription', 'soft-errors'], ['destination', '/user/queue/errors'], ...Object.entries(headers)],
      body: text,
    })
    return last()
  }
  return { page, connection, last, refuse }
}

const DENIED = 'You may not send to "/topic/x"'

describe('soft errors', () => {
  it('are asked for in CONNECT, and subscribed before anything that could be refused', async () => {
    const { page, connection } = create({ hasSoftErrors: true })
    connection.subscribe({ destination: '/topic/x' })
    connection.connect()
    await page.socket.accept()
    const [hello, ...subscribed] = page.socket.frames()
    expect(hello!.headers.get('errors')).toBe('soft')
    expect(subscribed.map(({ headers }) => headers.get('destination'))).toEqual(['/user/queue/errors', '/topic/x'])
    expect(connection.subscriptions.value).toHaveLength(1)
  })

  it('are left alone where nobody asked', async () => {
    const { page, connection, refuse } = await connect({})
    expect(page.socket.frames()[0]!.headers.has('errors')).toBe(false)
    expect(page.socket.frames()).toHaveLength(1)
    connection.send({ destination: '/topic/x', body: '' })
    const record = refuse({ code: 'not-authorized', 'refused-destination': '/topic/x' }, DENIED)
    expect(connection.softErrors.of(record)).toBeUndefined()
  })

  it('keep their id for themselves', async () => {
    const { connection } = await connect()
    expect(connection.subscribe({ destination: '/a', headers: [['id', 'soft-errors']] }).id).toBe('sub-0')
  })

  it('find the SEND by its receipt, which is not waited for any more', async () => {
    const { connection, last, refuse } = await connect()
    connection.send({ destination: '/topic/x', body: 'allowed', receipt: true })
    connection.send({ destination: '/topic/x', body: 'refused', receipt: true })
    const sent = last()
    const record = refuse(
      { code: 'not-authorized', 'refused-destination': '/topic/x', 'receipt-id': 'receipt-2' },
      DENIED,
    )
    const error = connection.softErrors.of(record)!
    expect(error).toMatchObject({ code: 'not-authorized', text: DENIED, destination: '/topic/x', receipt: 'receipt-2' })
    expect(error.refused).toBe('SEND')
    expect(connection.softErrors.of(sent)).toBe(error)
    expect(connection.softErrors.sends).toEqual([error])
    expect(connection.roundTrips.waiting).toBe(1)
    expect(connection.state.value).toBe('connected')
  })

  it('find SENDs without receipts one after the other', async () => {
    const { connection, last, refuse } = await connect()
    const sent = ['1', '2'].map((body) => {
      connection.send({ destination: '/topic/x', body })
      return last()
    })
    const headers = { code: 'rate-limited', 'refused-destination': '/topic/x', 'retry-after': '3' }
    const errors = sent.map(() => connection.softErrors.of(refuse(headers, 'so often')))
    expect(sent.map((record) => connection.softErrors.of(record))).toEqual(errors)
    expect(errors[0]).toMatchObject({ code: 'rate-limited', retryAfter: '3', refused: 'SEND' })
  })

  it('find a subscription by its destination, and not a SEND to the same', async () => {
    const { page, connection, refuse } = await connect()
    connection.send({ destination: '/topic/x', body: '' })
    const entry = connection.subscribe({ destination: '/topic/x' })
    refuse({ code: 'not-authorized', 'refused-destination': '/topic/x' }, 'You may not subscribe to "/topic/x"')
    expect(entry.refusal.value).toMatchObject({ code: 'not-authorized', refused: 'SUBSCRIBE', subscription: entry.id })
    expect(entry.isActive.value).toBe(false)
    expect(connection.softErrors.sendCount).toBe(0)
    connection.retry(entry)
    expect(entry.refusal.value).toBeUndefined()
    expect(page.socket.last().command).toBe('SUBSCRIBE')
    // Nothing to end where nothing is.
    refuse({ code: 'not-authorized', 'refused-destination': '/topic/x' }, 'You may not subscribe to "/topic/x"')
    connection.unsubscribe(entry)
    expect(page.socket.last().command).toBe('SUBSCRIBE')
  })

  it('of a server that names no subscription are known by their destination', async () => {
    const { page, connection, last } = await connect()
    page.socket.receiveFrame({
      command: 'MESSAGE',
      headers: [
        ['destination', '/user/queue/errors'],
        ['code', 'x'],
      ],
    })
    expect(connection.softErrors.of(last())).toMatchObject({ code: 'x' })
    page.socket.receiveFrame({ command: 'MESSAGE', headers: [['destination', '/topic/other']] })
    expect(connection.softErrors.of(last())).toBeUndefined()
  })

  it('about nothing that is known are told all the same', async () => {
    const { connection, refuse } = await connect()
    const record = refuse({}, 'odd')
    expect(connection.softErrors.of(record)).toMatchObject({ code: 'no code', text: 'odd', refused: undefined })
  })

  it('are few in sight, however many there are', async () => {
    const { connection, refuse } = await connect()
    for (let i = 0; i < 2_000; i++) {
      connection.send({ destination: '/topic/x', body: '' })
      refuse({ code: 'not-authorized', 'refused-destination': '/topic/x' }, DENIED)
    }
    expect(connection.softErrors.sendCount).toBe(2_000)
    expect(connection.softErrors.sends.length).toBeLessThan(10)
    connection.softErrors.clear()
    expect(connection.softErrors.sends).toEqual([])
  })

  it('go with the log', async () => {
    const { page, connection, refuse } = await connect()
    const record = refuse({ code: 'x' }, 'x')
    connection.log.clear()
    connection.pulse.mark()
    page.paint()
    expect(connection.softErrors.of(record)).toBeUndefined()
  })
})

describe('a renewal', () => {
  const jwt = (exp: number) => `e30.${Buffer.from(JSON.stringify({ exp })).toString('base64url')}.x`

  it('says until when, before it from the token and after it from the receipt, and is used to reconnect', async () => {
    const { page, connection } = await connect({ token: jwt(2_000_000_000) })
    const { renewal } = connection
    expect(renewal.expiry.value).toEqual({ atMs: 2_000_000_000_000, source: 'token' })
    renewal.token.value = ' new '
    expect(connection.renew()).toBe(true)
    expect(Object.fromEntries(page.socket.last().headers)).toMatchObject({
      destination: '/bridge/renew',
      Authorization: 'Bearer new',
      receipt: 'receipt-1',
    })
    expect(renewal.state.value).toBe('waiting')
    page.socket.receiveFrame({
      command: 'RECEIPT',
      headers: [
        ['receipt-id', 'receipt-1'],
        ['expires', '2000000100'],
      ],
    })
    expect([renewal.state.value, renewal.token.value]).toEqual(['done', ''])
    expect(renewal.expiry.value).toEqual({ atMs: 2_000_000_100_000, source: 'server' })
    expect(connection.profile.token.value).toBe('new')
    page.socket.end()
    expect(renewal.expiry.value).toBeUndefined()
    page.clock.advance(2_000)
    await page.socket.accept()
    expect(page.socket.frames()[0]!.headers.get('Authorization')).toBe('Bearer new')
  })

  it('fails in words: without a token, without a session, and where the session ends', async () => {
    const { page, connection } = await connect({ token: 't' })
    const { renewal } = connection
    expect([connection.renew(), renewal.problem.value]).toEqual([false, 'Enter the new token'])
    renewal.token.value = 'new'
    connection.renew()
    page.socket.receiveFrame({ command: 'ERROR', headers: [['code', 'not-authenticated']], body: 'no' })
    page.socket.end(1008)
    expect([renewal.state.value, renewal.token.value]).toEqual(['failed', 'new'])
    expect(renewal.problem.value).toContain('ended the session')
    expect(connection.profile.token.value).toBe('t')
    expect(connection.renew()).toBe(false)
    expect(renewal.problem.value).toContain('Not connected')
  })
})

describe('an attempt that would fail again', () => {
  it.each(['not-authenticated', 'not-authorized', 'token-expired', 'revoked'])(
    'is not made by itself after ERROR %s',
    async (code) => {
      const { page, connection } = await connect({})
      page.socket.receiveFrame({
        command: 'ERROR',
        headers: [
          ['code', code],
          ['message', 'No'],
        ],
      })
      page.socket.end(1008)
      expect([connection.state.value, connection.problem.value]).toEqual(['closed', 'The server sent an ERROR: No'])
      connection.connect()
      expect(connection.state.value).toBe('connecting')
    },
  )

  it('is made after another', async () => {
    const { page, connection } = await connect({})
    page.socket.receiveFrame({ command: 'ERROR', headers: [['code', 'closed-by-operator']] })
    page.socket.end(1008)
    expect(connection.state.value).toBe('waiting')
  })

  it('is not made with a used ticket, and by hand says what is wrong', async () => {
    const { page, connection } = await connect({ url: 'ws://localhost/stomp?ticket=tkt_1' })
    expect(connection.usedTicket.value).toBe('tkt_1')
    page.socket.end()
    expect(connection.state.value).toBe('closed')
    expect(connection.problem.value).toMatch(/^The connection broke.*The ticket in the URL has been used/)
    connection.connect()
    page.socket.end()
    expect(connection.problem.value).toMatch(/^No WebSocket could be opened .*get a new one/)
    connection.profile.url.value = 'ws://localhost/stomp?ticket=tkt_2'
    connection.connect()
    page.socket.end()
    expect(connection.problem.value).toContain('that the ticket is new')
    expect(connection.problem.value).not.toContain('tkt_')
  })

  it('that fails with a token in the URL names it among what to check', () => {
    const { page, connection } = create({ token: 't', tokenPlace: 'query' })
    connection.connect()
    page.socket.end()
    expect(connection.problem.value).toContain('that the token is right, and has not expired')
  })
})
