/** What a server refuses by ending the session: which frame it was, and when it is not tried again. */
import { effect } from '@preact/signals'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Connection } from '../../web-debugger/stomp/connection.ts'
import { createProfile } from '../../web-debugger/stomp/profile.ts'
import { causeWords } from '../../web-debugger/stomp/refusal.ts'
import { FakePage } from './fake-page.ts'

function start() {
  const page = new FakePage()
  const connection = new Connection('c', createProfile('ws://localhost/stomp'), page)
  onTestFinished(() => connection.dispose())
  const refuse = (headers: Readonly<Record<string, string>>, body = '', closeCode = 1002) => {
    page.socket.receiveFrame({ command: 'ERROR', headers: Object.entries(headers), body })
    page.socket.end(closeCode)
  }
  const next = async () => {
    page.clock.advance(connection.nextAttemptAtMs.value! - page.clock.now())
    await page.socket.accept()
  }
  return { page, connection, refuse, next }
}

async function connected() {
  const stage = start()
  stage.connection.connect()
  await stage.page.socket.accept()
  return stage
}

const NO_ROUTE = { code: 'no-route', message: 'Cannot subscribe "/app/x": no route' }

describe('the same refusal', () => {
  it('twice in a row is not asked for a third time, until somebody wants it', async () => {
    const { page, connection, refuse, next } = await connected()
    connection.subscribe({ destination: '/app/x' })
    refuse(NO_ROUTE)
    expect([connection.state.value, connection.isRefusedAgain.value]).toEqual(['waiting', false])
    await next()
    refuse(NO_ROUTE)
    expect([connection.state.value, connection.isRefusedAgain.value]).toEqual(['closed', true])
    expect(causeWords(connection.refusal.value!)).toBe('SUBSCRIBE /app/x (sub-0) caused it.')
    expect(page.clock.pending).toBe(0)
    connection.connect()
    expect(connection.isRefusedAgain.value).toBe(false)
    await page.socket.accept()
    refuse(NO_ROUTE)
    // One that is not in a row with those before: somebody has asked for it.
    expect(connection.state.value).toBe('waiting')
  })

  it.each([
    ['another code', async ({ refuse }: Stage) => refuse({ ...NO_ROUTE, code: 'bad-header' })],
    ['a server that was away', async ({ page }: Stage) => page.socket.end(1006)],
    [
      'a session that has held',
      async ({ page, next }: Stage) => {
        page.clock.advance(10_000)
        page.socket.end(1006)
        await next()
        page.clock.advance(10_000)
      },
    ],
  ])('is none in a row with %s between', async (_name, between) => {
    const stage = await connected()
    stage.refuse(NO_ROUTE)
    await stage.next()
    await between(stage)
    if (stage.connection.state.value === 'waiting') await stage.next()
    stage.refuse(NO_ROUTE)
    expect(stage.connection.state.value).toBe('waiting')
  })

  it.each([
    ['bus-unavailable', 1002],
    ['shutting-down', 1001],
    ['too-many-sessions', 1013],
  ])('may pass by itself: %s, closed with %d', async (code, closeCode) => {
    const { connection, refuse, next } = await connected()
    for (let times = 0; times < 4; times++) {
      refuse({ code, message: 'Not now' }, '', closeCode)
      expect(connection.state.value).toBe('waiting')
      await next()
    }
  })

  it('is known by its message where the server has no codes, and by the close code where it says nothing', async () => {
    const other = await connected()
    other.refuse({ message: 'not_found' })
    await other.next()
    other.refuse({ message: 'not_found' })
    expect(other.connection.state.value).toBe('closed')
    const silent = await connected()
    silent.page.socket.end(1009)
    await silent.next()
    silent.page.socket.end(1009)
    expect([silent.connection.state.value, silent.connection.problem.value]).toEqual([
      'closed',
      expect.stringContaining('too large'),
    ])
  })

  it('leaves the server alone for as long as it asks', async () => {
    const { page, connection, refuse } = await connected()
    refuse({ code: 'rate-limited', message: 'Too many', 'retry-after': '45' })
    expect(connection.nextAttemptAtMs.value! - page.clock.now()).toBeGreaterThanOrEqual(45_000)
  })
})

type Stage = Awaited<ReturnType<typeof connected>>

describe('the frame that was refused', () => {
  it('is the one whose receipt the server names', async () => {
    const { page, connection, refuse } = await connected()
    connection.send({ destination: '/app/a', body: 'x', receipt: true })
    const receipt = page.socket.last().headers.get('receipt')!
    connection.subscribe({ destination: '/topic/b' })
    refuse({ code: 'bad-body', message: 'Cannot send', 'receipt-id': receipt })
    expect(causeWords(connection.refusal.value!)).toBe('SEND /app/a caused it.')
  })

  it('is the last one where the server does not name it, and that is not certain', async () => {
    const { connection, refuse } = await connected()
    connection.subscribe({ destination: '/topic/b' })
    refuse({ message: 'Bad frame' })
    expect(causeWords(connection.refusal.value!)).toBe('The last frame before it was SUBSCRIBE /topic/b (sub-0).')
  })

  it('is none where the server had a reason of its own', async () => {
    const { connection, refuse } = await connected()
    connection.subscribe({ destination: '/topic/b' })
    refuse({ code: 'closed-by-operator', message: 'Closed' }, '', 1008)
    expect(causeWords(connection.refusal.value!)).toBeUndefined()
  })

  it('says no more than there is: message, body, and both where they differ', () => {
    const said = (headers: Readonly<Record<string, string>>, body: string) => {
      const { page, connection, refuse } = start()
      connection.connect()
      page.socket.open()
      refuse(headers, body)
      return [connection.refusal.value!.message, connection.refusal.value!.details]
    }
    expect(said({ message: 'Bad CONNECT' }, "Virtual host 'x' access denied\n")).toEqual([
      'Bad CONNECT',
      "Virtual host 'x' access denied",
    ])
    expect(said({ message: 'Same' }, 'Same\n')).toEqual(['Same', ''])
    expect(said({}, 'first\nsecond')).toEqual(['first', 'first\nsecond'])
    expect(said({}, '')).toEqual(['no message', ''])
  })
})

describe('a server that does not close after an ERROR', () => {
  it('goes on with the session, and what comes later has other reasons', async () => {
    const { page, connection } = await connected()
    connection.subscribe({ destination: '/nowhere' })
    page.socket.receiveFrame({ command: 'ERROR', headers: [['message', "No '/nowhere'"]] })
    expect(connection.hasGoneOn.value).toBe(false)
    page.clock.advance(1_000)
    expect([connection.state.value, connection.hasGoneOn.value]).toEqual(['connected', true])
    expect(causeWords(connection.refusal.value!)).toBe('SUBSCRIBE /nowhere (sub-0) caused it.')
    connection.forgetRefusal()
    expect(connection.refusal.value).toBeUndefined()
    page.socket.end(1006)
    expect([connection.state.value, connection.hasGoneOn.value]).toEqual(['waiting', false])
    expect(connection.problem.value).toContain('The connection broke')
  })

  it('has said nothing of the end that comes later', async () => {
    const { page, connection } = await connected()
    page.socket.receiveFrame({ command: 'ERROR', headers: [['message', 'Access refused']], body: 'of before' })
    page.clock.advance(12_000)
    page.socket.end(1001)
    expect([connection.state.value, connection.refusal.value]).toEqual(['waiting', undefined])
  })

  it('is dropped where there is no session yet', async () => {
    const { page, connection } = start()
    connection.connect()
    await Promise.resolve()
    page.socket.open()
    page.socket.receiveFrame({ command: 'ERROR', headers: [['message', 'Bad CONNECT']] })
    page.clock.advance(999)
    expect(connection.state.value).toBe('connecting')
    page.clock.advance(1)
    expect([connection.state.value, connection.problem.value]).toEqual([
      'closed',
      'The server sent an ERROR: Bad CONNECT',
    ])
    expect(page.clock.pending).toBe(0)
  })
})

describe('a frame that is named', () => {
  it('can be shown until the log is emptied', async () => {
    const { page, connection, refuse } = await connected()
    connection.subscribe({ destination: '/app/x' })
    refuse(NO_ROUTE)
    const { seq } = connection.refusal.value!.cause!.frame
    const seen: boolean[] = []
    onTestFinished(effect(() => void seen.push(connection.isKept(seq))))
    connection.disconnect()
    page.paint()
    connection.log.clear()
    page.paint()
    expect([seen[0], seen.at(-1)]).toEqual([true, false])
  })
})

describe('a frame that asked for a receipt', () => {
  it('is found from its RECEIPT, and the RECEIPT from it', async () => {
    const { page, connection } = await connected()
    connection.send({ destination: '/a', body: 'x', receipt: true })
    const sent = connection.log.at(connection.log.nextSeq - 1)!
    expect(connection.sentFrames.pairOf(sent)).toBeUndefined()
    page.clock.advance(12)
    page.socket.receiveFrame({
      command: 'RECEIPT',
      headers: [['receipt-id', page.socket.last().headers.get('receipt')!]],
    })
    const receipt = connection.log.at(connection.log.nextSeq - 1)!
    const pair = { frameSeq: sent.seq, receiptSeq: receipt.seq, ms: 12 }
    expect([connection.sentFrames.pairOf(sent), connection.sentFrames.pairOf(receipt)]).toEqual([pair, pair])
    connection.log.clear()
    page.paint()
    expect(connection.sentFrames.pairOf(receipt)).toBeUndefined()
  })
})

describe('all subscriptions', () => {
  it('end at once', async () => {
    const { page, connection } = await connected()
    for (const destination of ['/topic/a', '/topic/b', '/topic/c']) connection.subscribe({ destination })
    connection.unsubscribeAll()
    expect(connection.subscriptions.value).toEqual([])
    const ended = page.socket.frames().filter(({ command }) => command === 'UNSUBSCRIBE')
    expect(ended.map(({ headers }) => headers.get('id'))).toEqual(['sub-0', 'sub-1', 'sub-2'])
  })
})
