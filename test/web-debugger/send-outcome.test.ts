/** What the form for sending knows of what it sends: its size before, what became of it after. */
import { signal } from '@preact/signals'
import { describe, expect, it, onTestFinished } from 'vitest'
import { decodeFrames } from '../../frames/index.ts'
import { Connection } from '../../web-debugger/stomp/connection.ts'
import { byteLength } from '../../web-debugger/stomp/frame-record.ts'
import type { Limits } from '../../web-debugger/stomp/frame-size.ts'
import { createProfile, type Profile } from '../../web-debugger/stomp/profile.ts'
import { Sender } from '../../web-debugger/stomp/sender.ts'
import { FakePage } from './fake-page.ts'

async function start(profile: Partial<Profile> = {}, limits?: Limits) {
  const page = new FakePage()
  const connection = new Connection('c', { ...createProfile('ws://localhost/stomp'), ...profile }, page)
  onTestFinished(() => connection.dispose())
  const sender = new Sender(connection, signal(limits))
  connection.connect()
  if (profile.mode === 'raw') page.socket.open()
  else await page.socket.accept()
  sender.form.destination.value = '/app/greet'
  sender.form.text.value = 'hi'
  const receipts = () => page.socket.frames().flatMap(({ headers }) => headers.get('receipt') ?? [])
  const answer = (receipt: string) =>
    page.socket.receiveFrame({ command: 'RECEIPT', headers: [['receipt-id', receipt]] })
  return { page, connection, sender, receipts, answer }
}

describe('the size of a frame', () => {
  it.each([
    ['text', 'hi', true],
    ['text', 'hi', false],
    ['text', '', true],
    ['text', 'grüß dich, 世界', true],
    ['hex', '00 ff 10', true],
    ['hex', '00 ff 10', false],
    ['json', '{"a": 1}', true],
  ] as const)('is what goes over the wire: %s %j, content-length %s', async (kind, text, hasContentLength) => {
    const { page, sender } = await start()
    sender.form.bodyKind.value = kind
    sender.form.text.value = text
    sender.form.headers.value = [{ name: 'x-ünd', value: 'a:b\\c\nd' }]
    sender.wantsReceipt.value = true
    sender.hasContentLength.value = hasContentLength
    const size = sender.size.value!
    expect(sender.send()).toBe(true)
    const raw = page.socket.sent.at(-1)!
    expect(size.bytes).toBe(byteLength(raw))
    expect(size.headers).toBe([...decodeFrames(raw, '1.2')[0]!.headers].length)
    expect(size.longestHeaderBytes).toBe(Math.max(...headerLines(raw).map(byteLength)))
  })

  it('is none where the form is not complete, or without STOMP', async () => {
    const { sender } = await start()
    sender.form.destination.value = ''
    expect(sender.size.value).toBeUndefined()
    const raw = await start({ mode: 'raw' })
    expect(raw.sender.size.value).toBeUndefined()
  })

  it.each([
    [{ maxFrameBytes: 49 }, undefined],
    [{ maxFrameBytes: 48 }, 'The frame has 49 bytes, and this bridge takes at most 48 (limits.maxFrameBytes)'],
    [{ maxHeaders: 1 }, 'The frame has 2 headers'],
    [{ maxHeaderBytes: 20 }, 'A header has 22 bytes'],
    [undefined, undefined],
  ])('is compared with the limits %j before it is sent', async (limits, problem) => {
    const { sender } = await start({}, limits)
    if (problem === undefined) expect(sender.brokenLimit).toBeUndefined()
    else expect(sender.brokenLimit).toContain(problem)
    // Said, not forbidden: it may be what somebody wants to see.
    expect(sender.send()).toBe(true)
  })
})

function headerLines(raw: string | Uint8Array): string[] {
  const text = typeof raw === 'string' ? raw : Buffer.from(raw).toString('utf8')
  return text.slice(0, text.indexOf('\n\n')).split('\n').slice(1)
}

describe('what became of a message', () => {
  it('is its RECEIPT, and how long that took', async () => {
    const { page, connection, sender, receipts, answer } = await start()
    sender.wantsReceipt.value = true
    sender.send()
    const outcome = sender.outcome.value!
    expect([outcome.sent, outcome.answeredCount, outcome.pair]).toEqual([1, 0, undefined])
    page.clock.advance(12)
    answer(receipts()[0]!)
    expect([outcome.answeredCount, outcome.slowestMs]).toEqual([1, 12])
    expect(connection.log.at(outcome.pair!.receiptSeq)!.command).toBe('RECEIPT')
    expect(connection.log.at(outcome.pair!.frameSeq)!.command).toBe('SEND')
  })

  it('is the ERROR that it caused, and not that of another frame', async () => {
    const { page, connection, sender } = await start()
    sender.send()
    const first = sender.outcome.value!
    connection.subscribe({ destination: 'nowhere' })
    page.socket.receiveFrame({
      command: 'ERROR',
      headers: [
        ['code', 'x'],
        ['message', 'No "nowhere"'],
      ],
    })
    page.socket.end(1002)
    expect(first.error).toBeUndefined()
    expect(first.isCutOff).toBe(false)
    page.clock.advance(1000)
    await page.socket.accept()
    sender.send()
    const second = sender.outcome.value!
    page.socket.receiveFrame({
      command: 'ERROR',
      headers: [
        ['code', 'no-route'],
        ['message', 'No "/app/greet"'],
      ],
    })
    page.socket.end(1002)
    expect(second.error).toEqual({ code: 'no-route', message: 'No "/app/greet"' })
  })

  it('is unknown where the session ends before its RECEIPT', async () => {
    const { page, sender } = await start()
    sender.wantsReceipt.value = true
    sender.send()
    page.socket.end(1006)
    expect(sender.outcome.value!.isCutOff).toBe(true)
  })

  it('is counted over a repetition, with what was refused while the session went on', async () => {
    const { page, sender, receipts, answer } = await start({ hasSoftErrors: true })
    sender.wantsReceipt.value = true
    sender.times.value = '3'
    sender.everyMs.value = '0'
    sender.send()
    page.clock.advance(5)
    const outcome = sender.outcome.value!
    expect(outcome.sent).toBe(3)
    const [first, second, third] = receipts() as [string, string, string]
    answer(first)
    page.socket.receiveFrame({
      command: 'MESSAGE',
      headers: Object.entries({
        subscription: 'soft-errors',
        destination: '/user/queue/errors',
        'message-id': '1',
        code: 'rate-limited',
        'receipt-id': second,
      }),
      body: 'Cannot send: too often',
    })
    page.clock.advance(30)
    answer(third)
    expect([outcome.answeredCount, outcome.refusedCount, outcome.slowestMs]).toEqual([2, 1, 34])
    page.socket.end(1006)
    // All three were told of.
    expect(outcome.isCutOff).toBe(false)
  })
})
