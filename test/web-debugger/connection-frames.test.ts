import { afterEach, describe, expect, it } from 'vitest'
import type { Frame, Version } from '../../frames/index.ts'
import { Connection } from '../../web-debugger/stomp/connection.ts'
import type { FrameRecord } from '../../web-debugger/stomp/frame-record.ts'
import { createProfile } from '../../web-debugger/stomp/profile.ts'
import { FakePage } from './fake-page.ts'

const open: Connection[] = []
afterEach(() => {
  for (const connection of open.splice(0)) connection.dispose()
})

async function connect(version: Version = '1.2') {
  const page = new FakePage()
  const connection = new Connection('c', createProfile('ws://localhost/stomp'), page)
  open.push(connection)
  connection.connect()
  await page.socket.accept({ version, 'heart-beat': '0,0' })
  const message = (headers: Readonly<Record<string, string>>, body = 'x'): FrameRecord => {
    page.socket.receiveFrame({ command: 'MESSAGE', headers: Object.entries(headers), body }, version)
    return connection.log.at(connection.log.nextSeq - 1)!
  }
  return { page, connection, message }
}

const headersOf = (frame: Frame) => [...frame.headers]

describe('subscriptions', () => {
  it('get an id each, extra headers, and no header that says what is usual', async () => {
    const { page, connection } = await connect()
    connection.subscribe({ destination: '/topic/a' })
    expect(headersOf(page.socket.last())).toEqual([
      ['id', 'sub-0'],
      ['destination', '/topic/a'],
    ])
    connection.subscribe({
      destination: '/b',
      ack: 'client-individual',
      headers: [
        ['selector', 'a: b'],
        ['id', 'mine'],
      ],
    })
    expect(headersOf(page.socket.last())).toEqual([
      ['id', 'mine'],
      ['destination', '/b'],
      ['ack', 'client-individual'],
      ['selector', 'a: b'],
    ])
    const other = connection.subscribe({ destination: '/c', headers: [['id', 'mine']] })
    expect(other.id).toBe('sub-2')
  })

  it('wait for a session', () => {
    const connection = new Connection('c', createProfile('ws://localhost/stomp'), new FakePage())
    const entry = connection.subscribe({ destination: '/a' })
    expect(entry.isActive.value).toBe(false)
    connection.unsubscribe(entry)
    expect(connection.subscriptions.value).toEqual([])
  })

  it('count their messages, and how many come in a second', async () => {
    const { page, connection, message } = await connect()
    const a = connection.subscribe({ destination: '/topic/a' })
    const b = connection.subscribe({ destination: '/topic/b' })
    page.clock.advance(1000 - (page.clock.now() % 1000))
    for (let i = 0; i < 50; i++) {
      message({ subscription: 'sub-0', destination: '/topic/a', 'message-id': `${i}` })
      page.clock.advance(100)
    }
    // As from a server of STOMP 1.0, which names no subscription.
    message({ destination: '/topic/b', 'message-id': 'x' })
    expect([a.count, b.count]).toEqual([50, 1])
    expect(a.rate.perSecond(page.clock.now())).toBe(10)
    expect(a.rate.perSecond(page.clock.now() + 3000)).toBe(4)
    expect(a.rate.perSecond(page.clock.now() + 60_000)).toBe(0)
    expect(a.bytes).toBeGreaterThan(50 * 50)
  })

  it('end with UNSUBSCRIBE, and keep their colour for what they brought', async () => {
    const { page, connection } = await connect()
    const entry = connection.subscribe({ destination: '/topic/a' })
    connection.unsubscribe(entry)
    expect([page.socket.last().command, headersOf(page.socket.last())]).toEqual(['UNSUBSCRIBE', [['id', 'sub-0']]])
    expect(connection.findSubscription('sub-0')).toBe(entry)
  })
})

describe('SEND', () => {
  it('goes out as it was composed: repeated headers, escapes, content-length once', async () => {
    const { page, connection } = await connect()
    const headers: [string, string][] = [
      ['a', '1'],
      ['a', ' 2\n:\\'],
      ['content-length', '99'],
    ]
    connection.send({ destination: '/app/greet', headers, body: 'hé' })
    expect(page.socket.sent.at(-1)).toBe('SEND\ndestination:/app/greet\na:1\na: 2\\n\\c\\\\\ncontent-length:3\n\nhé\0')
  })

  it('escapes in 1.1 as 1.1 has it', async () => {
    const { page, connection } = await connect('1.1')
    connection.send({ destination: '/a:b', body: '' })
    expect(page.socket.sent.at(-1)).toBe('SEND\ndestination:/a\\cb\n\n\0')
    const record = connection.log.at(connection.log.nextSeq - 1)!
    expect([record.destination, record.problem]).toEqual(['/a:b', undefined])
  })

  it('may leave content-length out, in the head only', async () => {
    const { page, connection } = await connect()
    const body = 'content-length:3\n\nx'
    connection.send({ destination: '/a', body, hasContentLength: false })
    expect(page.socket.sent.at(-1)).toBe(`SEND\ndestination:/a\n\n${body}\0`)
  })

  it('sends bytes as a binary message', async () => {
    const { page, connection } = await connect()
    connection.send({ destination: '/a', body: new Uint8Array([0, 255]) })
    expect(page.socket.sent.at(-1)).toBeInstanceOf(Uint8Array)
    expect(page.socket.last().body).toEqual(new Uint8Array([0, 255]))
  })

  it('measures the time to its RECEIPT', async () => {
    const { page, connection } = await connect()
    connection.send({ destination: '/a', body: '', receipt: true })
    const receipt = page.socket.last().headers.get('receipt')!
    expect(connection.roundTrips.waiting).toBe(1)
    page.clock.advance(25)
    page.socket.receiveFrame({ command: 'RECEIPT', headers: [['receipt-id', receipt]] })
    expect([connection.roundTrips.receiptsMs, connection.roundTrips.waiting]).toEqual([[25], 0])
  })

  it('is refused without a session', async () => {
    const { page, connection } = await connect()
    page.socket.end()
    expect(connection.send({ destination: '/a', body: '' })).toBe(false)
  })
})

describe('the measurement', () => {
  it('asks for a receipt and changes nothing, every two seconds', async () => {
    const { page, connection } = await connect()
    connection.setProbing(true)
    expect(
      page.socket
        .frames()
        .slice(1)
        .map(({ command }) => command),
    ).toEqual(['BEGIN', 'ABORT'])
    page.clock.advance(4000)
    expect(page.socket.frames().filter(({ command }) => command === 'ABORT')).toHaveLength(3)
    connection.setProbing(false)
    page.clock.advance(10_000)
    expect(page.socket.frames().filter(({ command }) => command === 'ABORT')).toHaveLength(3)
    expect(connection.transactions.list.value).toEqual([])
  })
})

describe('acknowledgement', () => {
  it.each([
    ['1.2', [['id', 'a:1']]],
    [
      '1.1',
      [
        ['message-id', 'm-1'],
        ['subscription', 'sub-0'],
      ],
    ],
    [
      '1.0',
      [
        ['message-id', 'm-1'],
        ['subscription', 'sub-0'],
      ],
    ],
  ] as const)('names the message as %s has it', async (version, headers) => {
    const { page, connection, message } = await connect(version)
    connection.subscribe({ destination: '/q', ack: 'client-individual' })
    const extra: Record<string, string> = version === '1.2' ? { ack: 'a:1' } : {}
    const record = message({ subscription: 'sub-0', 'message-id': 'm-1', destination: '/q', ...extra })
    expect(connection.acknowledgements.stateOf(record)).toBe('waiting')
    expect(connection.ack(record)).toBe(true)
    const frame = page.socket.frames(version).at(-1)!
    expect([frame.command, headersOf(frame)]).toEqual(['ACK', headers])
    expect(connection.acknowledgements.stateOf(record)).toBe('acked')
    expect(connection.ack(record)).toBe(false)
  })

  it('covers what came before with `client`, and nothing else with `client-individual`', async () => {
    const { connection, message } = await connect()
    connection.subscribe({ destination: '/q', ack: 'client' })
    connection.subscribe({ destination: '/r', ack: 'client-individual' })
    const q = [1, 2, 3].map((i) =>
      message({ subscription: 'sub-0', 'message-id': `q${i}`, ack: `q${i}`, destination: '/q' }),
    )
    const r = [1, 2].map((i) =>
      message({ subscription: 'sub-1', 'message-id': `r${i}`, ack: `r${i}`, destination: '/r' }),
    )
    connection.ack(q[1]!)
    connection.nack(r[1]!)
    const states = (records: readonly FrameRecord[]) => records.map((each) => connection.acknowledgements.stateOf(each))
    expect(states(q)).toEqual(['acked', 'acked', 'waiting'])
    expect(states(r)).toEqual(['waiting', 'nacked'])
  })

  it('is not asked for with `auto`, and too late after the session', async () => {
    const { page, connection, message } = await connect()
    connection.subscribe({ destination: '/a' })
    connection.subscribe({ destination: '/q', ack: 'client' })
    const plain = message({ subscription: 'sub-0', 'message-id': '1', destination: '/a' })
    const late = message({ subscription: 'sub-1', 'message-id': '2', ack: '2', destination: '/q' })
    page.socket.end()
    expect(connection.acknowledgements.stateOf(plain)).toBeUndefined()
    expect(connection.acknowledgements.stateOf(late)).toBe('lost')
    expect(connection.ack(late)).toBe(false)
  })

  it('is forgotten with the record', async () => {
    const { page, connection, message } = await connect()
    connection.subscribe({ destination: '/q', ack: 'client' })
    const record = message({ subscription: 'sub-0', 'message-id': '1', ack: '1', destination: '/q' })
    connection.log.clear()
    message({ subscription: 'sub-0', 'message-id': '2', ack: '2', destination: '/q' })
    page.paint()
    expect(connection.acknowledgements.stateOf(record)).toBeUndefined()
  })
})

describe('transactions', () => {
  it('carry what is sent and acknowledged in them', async () => {
    const { page, connection, message } = await connect()
    connection.subscribe({ destination: '/q', ack: 'client-individual' })
    const record = message({ subscription: 'sub-0', 'message-id': '1', ack: '1', destination: '/q' })
    const id = connection.transactions.begin()!
    expect(page.socket.last().command).toBe('BEGIN')
    connection.send({ destination: '/a', body: 'x', transaction: id })
    expect(page.socket.last().headers.get('transaction')).toBe(id)
    connection.ack(record, id)
    expect(page.socket.last().headers.get('transaction')).toBe(id)
    expect(connection.transactions.list.value).toEqual([{ id, state: 'open', frames: 2 }])
    connection.transactions.commit(id)
    expect([page.socket.last().command, headersOf(page.socket.last())]).toEqual(['COMMIT', [['transaction', id]]])
    expect(connection.transactions.list.value[0]!.state).toBe('committed')
    const sent = page.socket.sent.length
    connection.transactions.abort(id)
    expect(page.socket.sent).toHaveLength(sent)
  })

  it('have ids of their own, or one that was typed and is not in use', async () => {
    const { connection } = await connect()
    expect(connection.transactions.begin(' mine ')).toBe('mine')
    expect(connection.transactions.begin('mine')).toBeUndefined()
    connection.transactions.abort('mine')
    expect(connection.transactions.begin('mine')).toBe('mine')
    expect(connection.transactions.begin()).not.toBe(connection.transactions.begin())
  })
})
