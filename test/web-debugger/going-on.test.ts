/** Subscriptions with a history: what they ask for when they come back, and what they say of where they are. */
import { afterEach, describe, expect, it } from 'vitest'
import { Connection } from '../../web-debugger/stomp/connection.ts'
import { createProfile } from '../../web-debugger/stomp/profile.ts'
import { FakePage } from './fake-page.ts'

type Headers = Readonly<Record<string, string>>

const open: Connection[] = []
afterEach(() => {
  for (const connection of open.splice(0)) connection.dispose()
})

async function connect(hasSoftErrors = false) {
  const page = new FakePage()
  const connection = new Connection('c', { ...createProfile('ws://localhost/stomp'), hasSoftErrors }, page)
  open.push(connection)
  connection.connect()
  await page.socket.accept()
  const receive = (headers: Headers, body: string) => {
    const all = { subscription: 'sub-0', destination: '/topic/a', 'message-id': '1', ...headers }
    page.socket.receiveFrame({ command: 'MESSAGE', headers: Object.entries(all), body })
  }
  const message = (offset: string, headers: Headers = {}) => receive({ offset, epoch: 'e', ...headers }, 'x')
  const marker = (offset: string, count: number, headers: Headers = {}) =>
    receive({ event: 'position', offset, epoch: 'e', count: `${count}`, ...headers }, '')
  const comeBack = async () => {
    page.socket.end()
    page.clock.advance(connection.nextAttemptAtMs.value! - page.clock.now())
    await page.socket.accept()
  }
  const asked = (id = 'sub-0') => {
    const frames = page.socket.frames().filter(({ command, headers }) => {
      return command === 'SUBSCRIBE' && headers.get('id') === id
    })
    const { id: _id, destination: _destination, ...rest } = Object.fromEntries(frames.at(-1)!.headers)
    return rest
  }
  return { page, connection, message, marker, comeBack, asked }
}

describe('a subscription that has asked', () => {
  it('goes on after a loss from the last message it has seen', async () => {
    const { connection, message, marker, comeBack, asked } = await connect()
    const entry = connection.subscribe({
      destination: '/topic/a',
      headers: [
        ['last', '2'],
        ['selector', 'x'],
      ],
    })
    expect(asked()).toEqual({ last: '2', selector: 'x' })
    await comeBack()
    // Nothing was seen yet.
    expect(asked()).toEqual({ last: '2', selector: 'x' })
    marker('9-5', 2)
    await comeBack()
    expect(asked()).toEqual({ last: '2', selector: 'x' })
    marker('9-5', 2)
    message('9-4')
    await comeBack()
    expect(asked()).toEqual({ since: '9-4', epoch: 'e', selector: 'x' })
    marker('9-6', 0, { epoch: 'new', recovered: 'false' })
    await comeBack()
    expect(asked()).toEqual({ since: '9-6', epoch: 'new', selector: 'x' })
    expect(entry.count).toBe(1)
  })

  it('counts no marker as a message, and wants no ACK for one', async () => {
    const { connection, message, marker } = await connect()
    const entry = connection.subscribe({ destination: '/topic/a', ack: 'client', headers: [['last', '1']] })
    marker('9-5', 1)
    const last = () => connection.log.at(connection.log.nextSeq - 1)!
    expect([entry.count, connection.acknowledgements.stateOf(last())]).toEqual([0, undefined])
    message('9-5')
    expect([entry.count, connection.acknowledgements.stateOf(last())]).toEqual([1, 'waiting'])
  })

  it('says where it is, and what came of it', async () => {
    const { connection, message, marker } = await connect()
    const entry = connection.subscribe({ destination: '/topic/a', headers: [['since-time', '1']] })
    expect(entry.placeText).toBeUndefined()
    marker('9-5', 2, { recovered: 'true' })
    expect(entry.placeText).toBe('at 9-5, 2 follow, recovered')
    message('9-4')
    expect(entry.placeText).toBe('at 9-4, 1 follows, recovered')
    message('9-5')
    message('9-6')
    expect([entry.placeText, entry.hasGap]).toEqual(['at 9-6, recovered', false])
    marker('9-7', 0, { recovered: 'false', missed: '5' })
    expect([entry.placeText, entry.hasGap]).toEqual(['at 9-7, not recovered, 5 missed', true])
  })

  it('is not thrown back by a message that comes again', async () => {
    const { connection, message, marker, comeBack, asked } = await connect()
    connection.subscribe({ destination: '/topic/a', headers: [['last', '0']] })
    marker('9-5', 0)
    message('9-6')
    message('9-4', { redelivered: 'true' })
    await comeBack()
    expect(asked()).toEqual({ since: '9-6', epoch: 'e' })
  })

  it('does not ask again where there is no history, which would end each session', async () => {
    const { page, connection, marker, comeBack, asked } = await connect()
    const good = connection.subscribe({ destination: '/topic/a', headers: [['last', '0']] })
    const bad = connection.subscribe({ destination: '/topic/b', headers: [['last', '5']] })
    const error = { code: 'no-history', message: 'Cannot subscribe "sub-1": "/topic/b" has no history' }
    page.socket.receiveFrame({ command: 'ERROR', headers: Object.entries(error) })
    await comeBack()
    expect([asked('sub-0'), asked('sub-1')]).toEqual([{ last: '0' }, {}])
    expect([good.askRefusal, bad.askRefusal]).toEqual([undefined, 'no-history'])
    marker('9-5', 0)
    expect(connection.state.value).toBe('connected')
  })

  it('does not ask again in a way that is wrong', async () => {
    const { page, connection, comeBack, asked } = await connect()
    const entry = connection.subscribe({ destination: '/topic/a', headers: [['last', 'x']] })
    const error = { code: 'bad-header', message: '"last" must be a number' }
    page.socket.receiveFrame({ command: 'ERROR', headers: Object.entries(error) })
    await comeBack()
    expect([asked(), entry.askRefusal]).toEqual([{}, 'bad-header'])
  })

  it('can be subscribed without history after a refusal in a session that goes on', async () => {
    const { page, connection, asked } = await connect(true)
    const entry = connection.subscribe({ destination: '/topic/a', headers: [['last', '5']] })
    const headers = { subscription: 'soft-errors', destination: '/user/queue/errors', code: 'no-history' }
    const refused = { ...headers, 'refused-destination': '/topic/a' }
    page.socket.receiveFrame({ command: 'MESSAGE', headers: Object.entries(refused), body: 'Cannot subscribe' })
    expect(entry.refusal.value?.code).toBe('no-history')
    connection.retry(entry)
    expect([asked(), entry.askRefusal]).toEqual([{}, 'no-history'])
  })
})

describe('a subscription that has not asked', () => {
  it('does not do so after a loss, and shows the offset it has seen', async () => {
    const { connection, message, comeBack, asked } = await connect()
    const entry = connection.subscribe({ destination: '/topic/a' })
    message('9-4')
    expect(entry.placeText).toBe('at 9-4')
    await comeBack()
    expect(asked()).toEqual({})
  })

  it('takes no place from a pattern, whose destinations have offsets of their own', async () => {
    const { connection, message } = await connect()
    const entry = connection.subscribe({ destination: '/topic/*' })
    message('9-4')
    expect([entry.place, connection.placeOf('/topic/*'), connection.placeOf('/topic/a')]).toEqual(
      Array(3).fill(undefined),
    )
  })
})

describe('the place at a destination', () => {
  it('is known when its subscription has ended, the newest first', async () => {
    const { connection, message } = await connect()
    const first = connection.subscribe({ destination: '/topic/a' })
    message('9-4')
    connection.unsubscribe(first)
    expect(connection.placeOf('/topic/a')).toEqual({ offset: '9-4', epoch: 'e' })
    connection.subscribe({ destination: '/topic/a' })
    expect(connection.placeOf('/topic/a')?.offset).toBe('9-4')
    message('9-8', { subscription: 'sub-1' })
    expect(connection.placeOf('/topic/a')?.offset).toBe('9-8')
  })
})
