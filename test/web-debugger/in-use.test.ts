/** What a connection is, while its form holds something else, and how the one becomes the other. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { Connection } from '../../web-debugger/stomp/connection.ts'
import { fillForm } from '../../web-debugger/stomp/profile-form.ts'
import { createProfile, type Profile } from '../../web-debugger/stomp/profile.ts'
import { Sender } from '../../web-debugger/stomp/sender.ts'
import { FakePage } from './fake-page.ts'

const FIRST = createProfile('ws://first/stomp')
const OTHER: Profile = {
  ...createProfile('ws://other/stomp'),
  name: 'Other',
  isReconnecting: false,
  subscriptions: [{ destination: '/topic/of-other', ack: 'auto', headers: [] }],
}

async function connected(profile = FIRST) {
  const page = new FakePage()
  const connection = new Connection('c', profile, page)
  onTestFinished(() => connection.dispose())
  connection.connect()
  await page.socket.accept()
  const urls = () => page.sockets.map(({ url }) => url)
  const subscribed = () =>
    page.sockets.map((socket) =>
      socket.frames().flatMap(({ command, headers }) => (command === 'SUBSCRIBE' ? [headers.get('destination')] : [])),
    )
  return { page, connection, urls, subscribed }
}

describe('a connection whose form was changed', () => {
  it('is what it was: called so, and spoken with so', async () => {
    const { page, connection } = await connected()
    fillForm(connection.profile, { ...OTHER, mode: 'raw' })
    expect([connection.title.value, connection.hasChanges.value]).toEqual(['first/stomp', true])
    expect(connection.current.value).toMatchObject({ url: 'ws://first/stomp', mode: 'stomp' })
    const sender = new Sender(connection)
    sender.form.destination.value = '/app/a'
    expect([sender.send(), page.socket.last().command]).toEqual([true, 'SEND'])
  })

  it('comes back as it was', async () => {
    const { page, connection, urls } = await connected()
    fillForm(connection.profile, OTHER)
    page.socket.end(1006)
    expect([connection.state.value, connection.title.value]).toEqual(['waiting', 'first/stomp'])
    connection.tryNow()
    page.socket.end(1006)
    page.clock.advance(5_000)
    await page.socket.accept()
    expect([connection.state.value, ...urls()]).toEqual(['connected', ...Array<string>(3).fill('ws://first/stomp')])
  })

  it('is what the form holds when it is over', async () => {
    const { page, connection } = await connected()
    fillForm(connection.profile, OTHER)
    connection.disconnect()
    page.socket.end(1000)
    expect([connection.title.value, connection.hasChanges.value]).toEqual(['Other', false])
  })

  it('takes a name that it is given, and a URL without its beginning, for no change', async () => {
    const { connection } = await connected()
    connection.profile.name.value = 'Mine'
    connection.profile.url.value = 'first/stomp'
    expect([connection.title.value, connection.hasChanges.value]).toEqual(['Mine', false])
  })

  it('keeps a new token to itself', async () => {
    const { page, connection } = await connected({ ...FIRST, token: 'old' })
    fillForm(connection.profile, { ...OTHER, token: 'of somebody else' })
    connection.renewal.token.value = 'new'
    connection.renew()
    const receipt = page.socket.last().headers.get('receipt')!
    page.socket.receiveFrame({ command: 'RECEIPT', headers: [['receipt-id', receipt]] })
    expect([connection.profile.token.value, connection.current.value.token]).toEqual(['of somebody else', 'new'])
  })
})

describe('connecting with what the form holds', () => {
  it('ends first what is there, and brings its subscriptions to its own server only', async () => {
    const { page, connection, urls, subscribed } = await connected()
    const states: string[] = []
    connection.state.subscribe((state) => void states.push(state))
    fillForm(connection.profile, OTHER)
    expect(connection.connect()).toBe(true)
    expect([page.socket.last().command, urls().length]).toEqual(['DISCONNECT', 1])
    page.socket.end(1000)
    await page.socket.accept()
    expect(states).toEqual(['connected', 'closing', 'connecting', 'connected'])
    expect(urls()).toEqual(['ws://first/stomp', 'ws://other/stomp'])
    expect(subscribed()).toEqual([[], ['/topic/of-other']])
    expect([connection.title.value, connection.hasChanges.value]).toEqual(['Other', false])
  })

  it('does so while it is connecting, disconnecting and waiting too', async () => {
    const { page, connection, urls } = await connected()
    const go = (url: string) => {
      connection.profile.url.value = url
      connection.connect()
    }
    page.socket.end(1006)
    go('ws://b/')
    expect(connection.state.value).toBe('connecting')
    go('ws://c/')
    page.socket.end(1006)
    await page.socket.accept()
    connection.disconnect()
    go('ws://d/')
    page.socket.end(1000)
    expect([connection.state.value, ...urls()]).toEqual([
      'connecting',
      'ws://first/stomp',
      'ws://b/',
      'ws://c/',
      'ws://d/',
    ])
    // Another server that is not there is not one that was lost.
    page.socket.end(1006)
    expect(connection.state.value).toBe('closed')
  })

  it('is given up with a second thought', async () => {
    const { page, connection, urls } = await connected()
    fillForm(connection.profile, OTHER)
    connection.connect()
    connection.disconnect()
    expect([connection.state.value, urls().length, page.clock.pending]).toEqual(['closed', 1, 0])
  })

  it('changes nothing where that is what is there, or cannot be used', async () => {
    const { page, connection, urls } = await connected()
    expect([connection.connect(), connection.state.value]).toEqual([true, 'connected'])
    connection.profile.url.value = 'no sense'
    expect([connection.connect(), connection.state.value]).toEqual([false, 'connected'])
    page.socket.end(1006)
    const why = connection.problem.value
    expect([connection.connect(), connection.state.value, connection.problem.value]).toEqual([false, 'waiting', why])
    expect(urls()).toHaveLength(1)
  })
})
