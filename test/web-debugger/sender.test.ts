import { afterEach, describe, expect, it } from 'vitest'
import { Connection } from '../../web-debugger/stomp/connection.ts'
import { createProfile, type Profile } from '../../web-debugger/stomp/profile.ts'
import { Sender } from '../../web-debugger/stomp/sender.ts'
import { FakePage } from './fake-page.ts'

const open: Connection[] = []
afterEach(() => {
  for (const connection of open.splice(0)) connection.dispose()
})

async function start(profile: Partial<Profile> = {}) {
  const page = new FakePage()
  const connection = new Connection('c', { ...createProfile('ws://localhost/stomp'), ...profile }, page)
  open.push(connection)
  const sender = new Sender(connection)
  connection.connect()
  if (profile.mode === 'raw') page.socket.open()
  else await page.socket.accept()
  sender.form.destination.value = '/app/greet'
  sender.form.text.value = 'hi'
  const sends = () => page.socket.frames().filter(({ command }) => command === 'SEND')
  return { page, connection, sender, sends }
}

describe('the sender', () => {
  it('sends what the form holds', async () => {
    const { page, sender } = await start()
    sender.form.headers.value = [
      { name: 'x', value: '1' },
      { name: '', value: 'left out' },
    ]
    sender.wantsReceipt.value = true
    expect(sender.send()).toBe(true)
    expect(page.socket.sent.at(-1)).toBe(
      'SEND\ndestination:/app/greet\nx:1\nreceipt:receipt-1\ncontent-length:2\n\nhi\0',
    )
  })

  it('says that JSON is JSON, unless the headers say otherwise', async () => {
    const { sender, sends } = await start()
    sender.form.bodyKind.value = 'json'
    sender.form.text.value = '{"a":1}'
    sender.send()
    sender.form.headers.value = [{ name: 'content-type', value: 'application/hal+json' }]
    sender.send()
    expect(sends().map(({ headers }) => headers.get('content-type'))).toEqual([
      'application/json',
      'application/hal+json',
    ])
  })

  it.each([
    ['hex', '00 ff', [0, 255]],
    ['base64', 'AP8=', [0, 255]],
  ] as const)('sends bytes typed as %s', async (kind, text, bytes) => {
    const { sender, sends } = await start()
    sender.form.bodyKind.value = kind
    sender.form.text.value = text
    expect(sender.send()).toBe(true)
    expect([...sends()[0]!.body]).toEqual(bytes)
  })

  it.each([
    ['json', '{', 'Not valid JSON'],
    ['hex', 'xyz', 'is no hex digit'],
    ['base64', '!', 'not Base64'],
    ['file', '', 'Choose a file'],
  ] as const)('does not send %s that cannot be read', async (kind, text, problem) => {
    const { sender, sends } = await start()
    sender.form.bodyKind.value = kind
    sender.form.text.value = text
    expect(sender.send()).toBe(false)
    expect(sender.problem.value).toContain(problem)
    expect(sends()).toHaveLength(0)
  })

  it('wants a destination, a connection, and a transaction that is open', async () => {
    const { page, connection, sender } = await start()
    sender.form.destination.value = ' '
    sender.send()
    expect(sender.problem.value).toContain('Say where it goes')
    sender.form.destination.value = '/a'
    connection.transactions.begin('t')
    sender.transaction.value = 't'
    expect(sender.send()).toBe(true)
    expect(sender.problem.value).toBeUndefined()
    expect(page.socket.last().headers.get('transaction')).toBe('t')
    connection.transactions.commit('t')
    sender.send()
    expect(sender.problem.value).toContain('not open any more')
    sender.transaction.value = ''
    page.socket.end()
    sender.send()
    expect(sender.problem.value).toContain('Not connected')
  })

  it('remembers what was sent, the newest first and each once, to be filled in again', async () => {
    const { sender } = await start()
    for (const text of ['one', 'two', 'one']) {
      sender.form.text.value = text
      sender.send()
    }
    expect(sender.recent.value.map(({ text }) => text)).toEqual(['one', 'two'])
    sender.form.destination.value = '/other'
    sender.fill(sender.recent.value[1]!)
    expect([sender.form.destination.value, sender.form.text.value]).toEqual(['/app/greet', 'two'])
  })

  it('sends data as it is without STOMP, escapes read where that is asked for', async () => {
    const { page, sender } = await start({ mode: 'raw' })
    sender.form.destination.value = ''
    sender.form.text.value = 'CONNECT\\n\\n\\0'
    sender.send()
    sender.form.hasEscapes.value = true
    sender.send()
    expect(page.socket.sent).toEqual(['CONNECT\\n\\n\\0', 'CONNECT\n\n\0'])
  })
})

describe('repetition', () => {
  it('sends one every so often, and shows how far it is', async () => {
    const { page, sender, sends } = await start()
    sender.times.value = '4'
    sender.everyMs.value = '100'
    sender.send()
    expect([sends().length, sender.progress.value]).toEqual([1, { sent: 1, total: 4 }])
    page.clock.advance(100)
    expect(sender.progress.value).toEqual({ sent: 2, total: 4 })
    page.clock.advance(1000)
    expect([sends().length, sender.progress.value]).toEqual([4, undefined])
    expect(page.clock.pending).toBe(0)
  })

  it('can be stopped', async () => {
    const { page, sender, sends } = await start()
    sender.times.value = '100'
    sender.everyMs.value = '10'
    sender.send()
    page.clock.advance(50)
    sender.stop()
    const count = sends().length
    page.clock.advance(1000)
    expect(sends()).toHaveLength(count)
    expect(sender.progress.value).toBeUndefined()
  })

  it('sends as fast as the network takes it, in turns', async () => {
    const { page, sender, sends } = await start()
    sender.times.value = '1000'
    sender.everyMs.value = '0'
    sender.send()
    page.clock.advance(1)
    expect(sends().length).toBeLessThan(1000)
    page.socket.bufferedAmount = 2_000_000
    const held = sends().length
    page.clock.advance(100)
    expect(sends()).toHaveLength(held)
    page.socket.bufferedAmount = 0
    page.clock.advance(100)
    expect(sends()).toHaveLength(1000)
  })

  it('sends what was in the form when it began', async () => {
    const { page, sender, sends } = await start()
    sender.times.value = '3'
    sender.everyMs.value = '10'
    sender.send()
    sender.form.text.value = 'changed'
    page.clock.advance(100)
    expect(new Set(sends().map(({ body }) => new TextDecoder().decode(body)))).toEqual(new Set(['hi']))
  })

  it('ends with the connection, and says so', async () => {
    const { page, sender } = await start()
    sender.times.value = '10'
    sender.everyMs.value = '10'
    sender.send()
    page.socket.end()
    page.clock.advance(10)
    expect(sender.progress.value).toBeUndefined()
    expect(sender.problem.value).toBe('Stopped after 1 of 10: the connection is gone')
  })

  it.each([
    ['0', '10', 'Repeat'],
    ['1.5', '10', 'Repeat'],
    ['', '10', 'Repeat'],
    ['2', '-1', 'Interval'],
    ['2', '', 'Interval'],
  ])('refuses %j times every %j ms', async (times, everyMs, problem) => {
    const { sender, sends } = await start()
    sender.times.value = times
    sender.everyMs.value = everyMs
    expect(sender.send()).toBe(false)
    expect(sender.problem.value).toContain(problem)
    expect(sends()).toHaveLength(0)
  })
})
