import { describe, expect, it } from 'vitest'
import { Connection } from '../../web-debugger/stomp/connection.ts'
import { partsOf, plainRecord, toText, type NewRecord } from '../../web-debugger/stomp/frame-record.ts'
import { toJsonLine } from '../../web-debugger/stomp/log-export.ts'
import { readLogLine } from '../../web-debugger/stomp/log-import.ts'
import { createProfile } from '../../web-debugger/stomp/profile.ts'
import { planReplay, Replay } from '../../web-debugger/stomp/replay.ts'
import { FakePage } from './fake-page.ts'

async function connected() {
  const page = new FakePage()
  const connection = new Connection('c', createProfile('ws://localhost/stomp'), page)
  connection.connect()
  await page.socket.accept()
  const sends = () => page.socket.frames().filter(({ command }) => command === 'SEND')
  return { page, connection, sends }
}

/** The log of a connection, as an export has it. */
function exported({ log, secretNames }: Connection): string[] {
  return Array.from({ length: log.size }, (_, i) =>
    toJsonLine(log.at(log.firstSeq + i)!, { isShowingSecrets: false, secretNames }),
  )
}

const read = (lines: readonly string[]): NewRecord[] => lines.map((line) => readLogLine(line)!)

describe('a log that was exported', () => {
  it('is read as it was written, frames, notes, heart-beats and bytes', async () => {
    const { page, connection } = await connected()
    connection.send({ destination: '/app/a', headers: { 'a:b': 'c\\d', passcode: 'hush' }, body: '{"a":1}' })
    connection.send({ destination: '/app/b', body: new Uint8Array([0, 255, 10]) })
    page.socket.receive('\n')
    page.socket.receiveFrame({
      command: 'MESSAGE',
      headers: [
        ['destination', '/topic/a'],
        ['subscription', 'sub-0'],
        ['message-id', '1'],
        ['redelivered', 'true'],
        ['offset', '1-2'],
        ['epoch', 'e'],
      ],
      body: 'hé',
    })
    page.socket.receive('nonsense without an end\0')
    page.socket.end()
    const lines = exported(connection)
    const records = read(lines)
    const again = records.map((record, seq) =>
      toJsonLine({ ...record, seq }, { isShowingSecrets: false, secretNames: [] }),
    )
    // The size on the wire is that of what is hidden now.
    const withoutSize = (text: string) => text.replace(/"bytes":\d+/, '').replace(/\["content-length","\d+"\]/, '')
    expect(again.map(withoutSize)).toEqual(lines.map(withoutSize))
    expect(records.find(({ command }) => command === 'MESSAGE')).toMatchObject({
      destination: '/topic/a',
      subscription: 'sub-0',
      redelivery: { deliveries: undefined },
      origin: { offset: '1-2', epoch: 'e' },
    })
    const sent = records.filter(({ command }) => command === 'SEND')
    expect(partsOf({ ...sent[1]!, seq: 0 }).body).toEqual(new Uint8Array([0, 255, 10]))
    expect(toText(sent[0]!.raw)).toContain('passcode:••••••')
  })

  it.each([
    '',
    'null',
    '[]',
    '{"time":"yesterday","direction":"in","kind":"note","text":"x"}',
    '{"time":"2026-01-01T00:00:00Z","direction":"up","kind":"note","text":"x"}',
    '{"time":"2026-01-01T00:00:00Z","direction":"in","kind":"note","text":7}',
    '{"time":"2026-01-01T00:00:00Z","direction":"in","kind":"frame","command":"NONE","headers":[]}',
    '{"time":"2026-01-01T00:00:00Z","direction":"in","kind":"frame","command":"SEND","headers":[["a"]]}',
    '{"time":"2026-01-01T00:00:00Z","direction":"in","kind":"binary","dataBase64":"?"}',
    '{"time":"2026-01-01T00:00:00Z","direction":"in","kind":"frame","command":"CONNECTED","headers":[],"body":"x"}',
  ])('has no line such as %s', (line) => expect(readLogLine(line)).toBeUndefined())
})

describe('a replay', () => {
  const send = (atMs: number, destination: string, body: string, more = '') => ({
    ...plainRecord(atMs, 'out', 'frame', `SEND\ndestination:${destination}\n${more}\n${body}\0`, undefined),
    command: 'SEND',
    destination,
    version: '1.2' as const,
  })

  it('is of what was sent, without what was of that session, and without what is hidden', () => {
    const plan = planReplay([
      plainRecord(0, 'note', 'note', 'Opening', undefined),
      send(1_000, '/app/a', 'one', 'x:y\nreceipt:r\ntransaction:t\nAuthorization:••••••\n'),
      { ...send(1_500, '/app/a', 'received'), direction: 'in' },
      send(2_000, '/bridge/renew', 's3cret'),
      send(3_000, '/app/b', 'two'),
    ])
    expect(plan).toEqual({
      hiddenHeaders: 1,
      messages: [
        { afterMs: 0, destination: '/app/a', headers: [['x', 'y']], body: 'one' },
        { afterMs: 2_000, destination: '/app/b', headers: [], body: 'two' },
      ],
    })
  })

  it('goes at the pace of the log', async () => {
    const { page, connection, sends } = await connected()
    const replay = new Replay(connection)
    replay.offer([send(0, '/app/a', '0'), send(500, '/app/a', '500'), send(60_000, '/app/a', '60000')])
    replay.start(false)
    expect([sends().length, replay.progress.value]).toEqual([1, { sent: 1, total: 3 }])
    page.clock.advance(499)
    expect(sends()).toHaveLength(1)
    page.clock.advance(1)
    expect(sends()).toHaveLength(2)
    page.clock.advance(59_500)
    expect([sends().map(({ body }) => toText(body)), replay.progress.value]).toEqual([['0', '500', '60000'], undefined])
  })

  it('goes at once, stops when told, and says where it was when the connection goes', async () => {
    const { page, connection, sends } = await connected()
    const replay = new Replay(connection)
    replay.offer(Array.from({ length: 500 }, (_, i) => send(i * 1000, '/app/a', `${i}`)))
    replay.start(true)
    expect(sends()).toHaveLength(200)
    replay.stop()
    page.clock.advance(1_000)
    expect([sends().length, replay.progress.value]).toEqual([200, undefined])
    replay.start(true)
    page.socket.end()
    page.clock.advance(1)
    expect(replay.problem.value).toBe('Stopped after 200 of 500: not connected')
    replay.offer([])
    expect(replay.plan.value).toBeUndefined()
  })
})
