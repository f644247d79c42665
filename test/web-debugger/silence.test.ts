/** A server that falls silent, a computer that sleeps or has no network: what the connection says, and when. */
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { Connection } from '../../web-debugger/stomp/connection.ts'
import { createClock } from '../../web-debugger/stomp/environment.ts'
import { createProfile, type Profile } from '../../web-debugger/stomp/profile.ts'
import { FakePage } from './fake-page.ts'

const DAY_MS = 86_400_000

async function connected(everyMs: number, profile: Partial<Profile> = {}, wantedMs = 0) {
  const page = new FakePage()
  const connection = new Connection('c', { ...createProfile('ws://example.org/stomp'), ...profile }, page)
  onTestFinished(() => connection.dispose())
  connection.connect()
  await page.socket.accept({ version: '1.2', 'heart-beat': `${everyMs},${wantedMs}` })
  const notes = () =>
    Array.from({ length: connection.log.size }, (_, i) => connection.log.at(i)!)
      .filter(({ kind }) => kind === 'note')
      .map(({ raw }) => String(raw))
  const seen = () => [connection.state.value, connection.heartBeats.liveness.value]
  return { page, connection, notes, seen }
}

describe('a server that falls silent', () => {
  it('is late after the heart-beat that did not come, and lost after two, without waiting for a close', async () => {
    const { page, connection, notes, seen } = await connected(10_000)
    page.clock.advance(10_000)
    page.socket.receive('\n')
    page.clock.advance(12_499)
    expect(seen()).toEqual(['connected', 'good'])
    page.clock.advance(1)
    expect(seen()).toEqual(['connected', 'late'])
    expect(notes().at(-1)).toBe('No heart-beat for 13 s: one is missed')
    const { socket } = page
    page.clock.advance(7_499)
    expect(seen()).toEqual(['connected', 'late'])
    page.clock.advance(1)
    expect(seen()).toEqual(['waiting', 'unwatched'])
    expect(connection.problem.value).toBe(
      'Connection lost: the server has sent nothing for 20 s, and agreed was a heart-beat every 10 s.',
    )
    expect(socket.readyState).toBe(2)
    expect(connection.nextAttemptAtMs.value).toBeGreaterThan(page.clock.now())
  })

  it('is there again with anything that comes, not only with a heart-beat', async () => {
    const { page, notes, seen } = await connected(10_000)
    page.clock.advance(15_000)
    expect(seen()).toEqual(['connected', 'late'])
    page.socket.receiveFrame({ command: 'MESSAGE', headers: [['destination', '/a']], body: 'x' })
    expect(seen()).toEqual(['connected', 'good'])
    expect(notes().at(-1)).toBe('The server is heard again, after 15 s')
    page.clock.advance(19_999)
    expect(seen()).toEqual(['connected', 'late'])
  })

  it('has a second at least, however often it has promised heart-beats', async () => {
    const { page, seen } = await connected(100, { heartBeatInMs: 100 })
    page.clock.advance(349)
    expect(seen()).toEqual(['connected', 'good'])
    page.clock.advance(750)
    expect(seen()).toEqual(['connected', 'late'])
    page.clock.advance(1)
    expect(seen()).toEqual(['waiting', 'unwatched'])
  })

  it('cannot be told from one that has nothing to say where no heart-beats are agreed', async () => {
    const { page, seen } = await connected(0)
    page.clock.advance(3_600_000)
    expect(seen()).toEqual(['connected', 'unwatched'])
  })

  it('stays lost where reconnecting is off', async () => {
    const { page, connection } = await connected(10_000, { isReconnecting: false })
    page.clock.advance(20_000)
    expect(connection.state.value).toBe('closed')
    expect(connection.problem.value).toContain('Connection lost')
    expect(page.clock.pending).toBe(0)
  })
})

describe('a server that names heart-beats no timer can wait for', () => {
  it('gets one a day, and is lost after two', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    onTestFinished(() => void vi.useRealTimers())
    const { page, seen } = await connected(3_000_000_000, {}, 3_000_000_000)
    const sent = page.socket.sent.length
    vi.advanceTimersByTime(2 * DAY_MS)
    expect(page.socket.sent.slice(sent)).toEqual(['\n', '\n'])
    page.clock.advance(2 * DAY_MS - 1)
    expect(seen()).toEqual(['connected', 'late'])
    page.clock.advance(1)
    expect(seen()).toEqual(['waiting', 'unwatched'])
  })
})

describe('a computer that slept', () => {
  it('gives what came meanwhile the time to be read', async () => {
    const { page, notes, seen } = await connected(10_000)
    page.clock.sleep(3_600_000)
    page.clock.advance(1)
    expect(seen()).toEqual(['connected', 'late'])
    expect(notes().at(-1)).toBe('The computer slept, or the page stood still, for 59 min 47 s')
    page.clock.advance(9_000)
    page.socket.receive('\n')
    expect(seen()).toEqual(['connected', 'good'])
  })

  it('finds the connection lost where nothing comes, also in a page whose timers are all late', async () => {
    const { page, connection, seen } = await connected(10_000)
    page.clock.sleep(60_000)
    page.clock.advance(1)
    expect(seen()).toEqual(['connected', 'late'])
    page.clock.sleep(60_000)
    page.clock.advance(1)
    expect(seen()).toEqual(['waiting', 'unwatched'])
    expect(connection.problem.value).toContain('nothing for 2 min')
  })

  it('has the right time again, with a clock that never goes back', () => {
    let wallMs = 1_000_000
    let steadyMs = 5
    const now = createClock(
      () => wallMs,
      () => steadyMs,
    )
    steadyMs += 0.25
    expect(now()).toBe(1_000_000.25)
    wallMs += 3_600_000
    steadyMs += 10
    expect(now()).toBe(4_600_000)
    wallMs -= 5_000
    steadyMs += 1
    expect(now()).toBe(4_600_001)
  })
})

describe('a computer without a network', () => {
  it('waits for it, and connects as soon as it is there', async () => {
    const { page, connection, notes } = await connected(0)
    page.setOnline(false)
    expect([connection.state.value, connection.isCutOff]).toEqual(['connected', true])
    page.socket.end()
    expect([connection.state.value, connection.nextAttemptAtMs.value]).toEqual(['waiting', undefined])
    page.clock.advance(3_600_000)
    expect(page.sockets).toHaveLength(1)
    page.setOnline(true)
    expect(page.sockets).toHaveLength(2)
    expect([connection.state.value, connection.isCutOff]).toEqual(['connecting', false])
    expect(notes()).toContain('The browser says that this computer is online again')
  })

  it('stops the countdown of an attempt, and may be told to try all the same', async () => {
    const { page, connection } = await connected(0)
    page.socket.end()
    expect(connection.nextAttemptAtMs.value).toBeDefined()
    page.setOnline(false)
    expect([connection.nextAttemptAtMs.value, page.clock.pending]).toEqual([undefined, 0])
    connection.connect()
    expect(page.sockets).toHaveLength(2)
  })

  it.each(['ws://localhost/stomp', 'ws://127.0.0.1:8080/stomp', 'ws://[::1]/stomp'])(
    'still reaches %s',
    async (url) => {
      const { page, connection } = await connected(0, { url })
      page.setOnline(false)
      page.socket.end()
      expect(connection.nextAttemptAtMs.value).toBeDefined()
    },
  )

  it('is told as a reason where nothing could be opened', () => {
    const page = new FakePage()
    page.setOnline(false)
    const connection = new Connection('c', createProfile('ws://example.org/stomp'), page)
    connection.connect()
    page.socket.end()
    expect(connection.problem.value).toContain('this computer is offline')
  })
})
