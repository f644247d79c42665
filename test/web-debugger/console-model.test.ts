import { describe, expect, it } from 'vitest'
import type { Command } from '../../frames/index.ts'
import { Connection } from '../../web-debugger/stomp/connection.ts'
import { ConsoleModel } from '../../web-debugger/stomp/console-model.ts'
import { partsOf } from '../../web-debugger/stomp/frame-record.ts'
import { headerChanges } from '../../web-debugger/stomp/header-changes.ts'
import { createProfile } from '../../web-debugger/stomp/profile.ts'
import { FakePage } from './fake-page.ts'

async function connected() {
  const page = new FakePage()
  const connection = new Connection('c', createProfile('ws://localhost/stomp'), page)
  const model = new ConsoleModel(connection)
  connection.connect()
  await page.socket.accept()
  const receive = (headers: Readonly<Record<string, string>>, body = '', command: Command = 'MESSAGE') => {
    page.socket.receiveFrame({ command, headers: Object.entries(headers), body })
    page.paint()
  }
  const texts = () => model.records.map(({ command, destination }) => `${command} ${destination ?? ''}`.trim())
  return { page, connection, model, receive, texts }
}

describe('the console, when its filter changes', () => {
  it('brings what is selected back into sight, and stops following', async () => {
    const { page, connection, model, receive } = await connected()
    for (let i = 0; i < 20; i++) receive({ destination: `/topic/${i}` })
    model.text.value = 'destination:/topic/7'
    expect(model.records).toHaveLength(1)
    model.selectedIndex.value = 0
    const before = model.revealed.value
    model.text.value = ''
    page.paint()
    expect(model.records[model.selectedIndex.value ?? 0]!.destination).toBe('/topic/7')
    expect(model.revealed.value).toBe(before + 1)
    expect(model.isFollowing.value).toBe(false)
    // Once is enough: what comes afterwards moves nothing.
    receive({ destination: '/topic/later' })
    expect(model.revealed.value).toBe(before + 1)
    connection.dispose()
  })

  it('goes on following where nothing is selected', async () => {
    const { connection, model, receive } = await connected()
    receive({ destination: '/topic/a' })
    model.text.value = '/topic/a'
    model.text.value = ''
    expect([model.revealed.value, model.isFollowing.value]).toEqual([0, true])
    connection.dispose()
  })

  it('shows all, with the reason, while an expression cannot be read', async () => {
    const { connection, model, receive } = await connected()
    receive({ destination: '/topic/a' })
    const all = model.records.length
    model.text.value = '/(/'
    expect([model.records.length, model.query.value.problem]).toEqual([all, '/(/: A "(" is not closed'])
    connection.dispose()
  })
})

describe('errors', () => {
  it('are gone to one after the other, from what is selected, and around', async () => {
    const { connection, model, receive, texts } = await connected()
    const error = () => receive({ message: 'no' }, '', 'ERROR')
    expect([model.errorCount, model.goToError(1)]).toEqual([0, 0])
    receive({ destination: '/topic/a' })
    error()
    receive({ destination: '/topic/b' })
    error()
    const places = texts().flatMap((text, index) => (text === 'ERROR' ? [index] : []))
    const visit = (direction: 1 | -1) => [model.goToError(direction), model.selectedIndex.value]
    expect(model.errorCount).toBe(2)
    expect(visit(1)).toEqual([1, places[0]])
    expect(visit(1)).toEqual([2, places[1]])
    expect(visit(1)).toEqual([1, places[0]])
    expect(visit(-1)).toEqual([2, places[1]])
    model.selectedIndex.value = places[0]! + 1
    expect(visit(-1)).toEqual([1, places[0]])
    model.deselect()
    expect(visit(-1)).toEqual([2, places[1]])
    model.text.value = '-command-is-no-text /^MESSAGE/'
    expect(model.errorCount).toBe(0)
    connection.dispose()
  })

  it('are soft ones too, as what the server has said of them', async () => {
    const page = new FakePage()
    const profile = { ...createProfile('ws://localhost/stomp'), hasSoftErrors: true }
    const connection = new Connection('c', profile, page)
    const model = new ConsoleModel(connection)
    connection.connect()
    await page.socket.accept()
    const [errors] = page.socket.frames().filter(({ command }) => command === 'SUBSCRIBE')
    connection.send({ destination: '/topic/x', body: 'x', receipt: true })
    page.socket.receiveFrame({
      command: 'MESSAGE',
      headers: [
        ['subscription', errors!.headers.get('id')!],
        ['message-id', '1'],
        ['destination', '/user/queue/errors'],
        ['code', 'not-authorized'],
        ['command', 'SEND'],
        ['receipt-id', 'receipt-1'],
      ],
      body: 'No',
    })
    page.paint()
    expect([model.errorCount, model.goToError(1)]).toEqual([1, 1])
    expect(model.selected.value).toMatchObject({ direction: 'in', destination: '/user/queue/errors' })
    connection.dispose()
  })
})

describe('the headers of a frame', () => {
  it('are compared with those of the frame before it of the same subscription', async () => {
    const { connection, receive } = await connected()
    const { log } = connection
    const changesOfLast = () => {
      const record = log.at(log.nextSeq - 1)!
      return headerChanges(record, partsOf(record).headers, log)
    }
    receive({ destination: '/topic/a', subscription: '1', 'message-id': '1', colour: 'red', size: 'S' })
    expect(changesOfLast()).toBeUndefined()
    receive({ destination: '/topic/a', subscription: '2', 'message-id': '2', colour: 'blue' })
    expect(changesOfLast()).toBeUndefined()
    receive({ destination: '/topic/a', subscription: '1', 'message-id': '3', colour: 'green', taste: 'sour' })
    expect(changesOfLast()).toEqual({
      changed: new Map([
        ['colour', 'red'],
        ['taste', undefined],
      ]),
      gone: [['size', 'S']],
    })
    connection.dispose()
  })

  it('are compared by destination where there is no subscription', async () => {
    const { connection } = await connected()
    const { log } = connection
    const send = (destination: string, colour: string) => {
      connection.send({ destination, headers: { colour }, body: '' })
      const record = log.at(log.nextSeq - 1)!
      return headerChanges(record, partsOf(record).headers, log)
    }
    send('/app/a', 'red')
    expect(send('/app/b', 'green')).toBeUndefined()
    expect(send('/app/a', 'red')).toEqual({ changed: new Map(), gone: [] })
    expect(send('/app/a', 'blue')?.changed).toEqual(new Map([['colour', 'red']]))
    connection.dispose()
  })
})
