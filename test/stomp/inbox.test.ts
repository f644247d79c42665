import { describe, expect, it } from 'vitest'
import { FrameError, Version, type Frame } from '../../frames/index.ts'
import { ProtocolError } from '../../src/errors.ts'
import { Inbox, type FrameReceiver } from '../../src/stomp/inbox.ts'
import { FakeNetwork } from '../support/fake-socket.ts'
import { turn } from '../support/fake-turn.ts'

const LIMITS = { maxFrameBytes: 500, maxHeaders: 10, maxHeaderBytes: 100 }
const HELD = { pauseAboveBytes: 100, maxBytes: 300 }

class FakeReceiver implements FrameReceiver {
  isReading = true
  isBusy = false
  readonly processed: string[] = []
  readonly failures: unknown[] = []
  pauses = 0
  onProcess: ((frame: Frame) => void) | undefined

  process(frame: Frame): void {
    this.processed.push(frame.command)
    this.onProcess?.(frame)
  }

  fail(error: unknown): void {
    this.isReading = false
    this.failures.push(error)
  }

  paused(): void {
    this.pauses++
  }
}

function setUp() {
  const socket = new FakeNetwork().socket()
  const receiver = new FakeReceiver()
  const inbox = new Inbox(socket, receiver, LIMITS, HELD)
  let released = 0
  /** Holds back; gives what releases. */
  const hold = () => {
    let [release, fail] = [() => {}, () => {}]
    const until = new Promise<void>((resolve, reject) => ([release, fail] = [resolve, () => reject(new Error('no'))]))
    inbox.holdBack(until, () => {
      released++
      inbox.run()
    })
    return { release, fail }
  }
  return { socket, receiver, inbox, hold, releases: () => released }
}

const frame = (command: string, bytes = 0) => `${command}\n\n${'x'.repeat(bytes)}\0`

describe('inbox', () => {
  it('hands on frames in order, however they are cut', () => {
    const { receiver, inbox } = setUp()
    for (const char of `${frame('A')}\n${frame('B')}`) inbox.push(char)
    inbox.push(frame('C') + frame('D'))
    inbox.push(new TextEncoder().encode(frame('E')))
    expect(receiver.processed).toEqual(['A', 'B', 'C', 'D', 'E'])
  })

  it.each(['release', 'fail'] as const)('keeps frames back until what they wait for is over by %s', async (end) => {
    const { receiver, inbox, hold, releases } = setUp()
    const held = hold()
    inbox.push(frame('A') + frame('B'))
    await turn()
    expect(inbox.isHeldBack).toBe(true)
    expect(receiver.processed).toEqual([])
    held[end]()
    await turn()
    expect(receiver.processed).toEqual(['A', 'B'])
    expect(inbox.isHeldBack).toBe(false)
    expect(releases()).toBe(1)
  })

  it('keeps frames back until all that they wait for is over', async () => {
    const { receiver, inbox, hold } = setUp()
    const [first, second] = [hold(), hold()]
    inbox.push(frame('A'))
    second.release()
    await turn()
    expect(receiver.processed).toEqual([])
    first.release()
    await turn()
    expect(receiver.processed).toEqual(['A'])
  })

  it('stops inside a chunk when a frame has to be waited for', async () => {
    const { receiver, inbox, hold } = setUp()
    let release = () => {}
    receiver.onProcess = ({ command }) => {
      if (command === 'B') release = hold().release
    }
    inbox.push(frame('A') + frame('B') + frame('C'))
    expect(receiver.processed).toEqual(['A', 'B'])
    release()
    await turn()
    expect(receiver.processed).toEqual(['A', 'B', 'C'])
  })

  it('keeps frames back while its session is busy', () => {
    const { receiver, inbox } = setUp()
    receiver.isBusy = true
    inbox.push(frame('A'))
    expect(receiver.processed).toEqual([])
    receiver.isBusy = false
    inbox.run()
    expect(receiver.processed).toEqual(['A'])
  })

  it('pauses the socket once when more than a frame or two waits, and resumes it when all is handed on', async () => {
    const { socket, receiver, inbox, hold } = setUp()
    const { release } = hold()
    inbox.push(frame('A', 100 - frame('A').length))
    expect(socket.isPaused).toBe(false)
    inbox.push('\n')
    expect(socket.isPaused).toBe(true)
    inbox.push(frame('B'))
    expect(receiver.pauses).toBe(1)
    release()
    await turn()
    expect(receiver.processed).toEqual(['A', 'B'])
    expect(socket.isPaused).toBe(false)
    hold()
    inbox.push(frame('C', 150))
    expect([socket.isPaused, receiver.pauses]).toEqual([true, 2])
  })

  it('does not pause for a long frame that nothing holds back', () => {
    const { socket, inbox } = setUp()
    inbox.push(frame('A', 400).slice(0, -1))
    expect(socket.isPaused).toBe(false)
  })

  it('fails with flooding when still more comes than may wait', () => {
    const { receiver, inbox, hold } = setUp()
    hold()
    inbox.push(frame('A', 300 - frame('A').length))
    expect(receiver.failures).toEqual([])
    inbox.push('\n')
    expect(receiver.failures).toHaveLength(1)
    expect(receiver.failures[0]).toBeInstanceOf(ProtocolError)
    expect(receiver.failures[0]).toMatchObject({ code: 'flooding' })
  })

  it('hands on nothing more when its session reads no more, and does not keep the socket paused', async () => {
    const { socket, receiver, inbox, hold } = setUp()
    const { release } = hold()
    inbox.push(frame('A', 150))
    receiver.isReading = false
    inbox.push(frame('B', 400))
    expect([socket.isPaused, receiver.failures.length]).toEqual([false, 0])
    release()
    await turn()
    expect(receiver.processed).toEqual([])
  })

  it('stops inside a chunk when its session reads no more', () => {
    const { receiver, inbox } = setUp()
    receiver.onProcess = () => (receiver.isReading = false)
    inbox.push(frame('A') + frame('B'))
    expect(receiver.processed).toEqual(['A'])
  })

  it('#22 fails for a frame beyond the limits, after those before it', () => {
    const { receiver, inbox } = setUp()
    inbox.push(frame('A') + frame('B', 600) + frame('C'))
    expect(receiver.processed).toEqual(['A'])
    expect(receiver.failures).toHaveLength(1)
    expect(receiver.failures[0]).toBeInstanceOf(FrameError)
  })

  it('#30 takes the agreed version and limits from the next frame on, of the same chunk too', () => {
    const { receiver, inbox } = setUp()
    const values: (string | undefined)[] = []
    receiver.onProcess = ({ command, headers }) => {
      values.push(headers.get('h'))
      if (command === 'A') inbox.agree(Version.V1_2, { ...LIMITS, maxFrameBytes: 1000 }, HELD)
    }
    inbox.push(`A\nh:\\c\n\n\0B\nh:\\c\n\n\0${frame('C', 900)}`)
    expect(receiver.processed).toEqual(['A', 'B', 'C'])
    expect(values).toEqual(['\\c', ':', undefined])
  })

  it('takes the agreed room for what waits from then on', () => {
    const { socket, receiver, inbox, hold } = setUp()
    inbox.agree(Version.V1_2, LIMITS, { pauseAboveBytes: 10, maxBytes: 30 })
    hold()
    inbox.push('x'.repeat(10))
    expect(socket.isPaused).toBe(false)
    inbox.push('x')
    expect([socket.isPaused, receiver.pauses, receiver.failures]).toEqual([true, 1, []])
    inbox.push('x'.repeat(20))
    expect(receiver.failures).toMatchObject([{ code: 'flooding' }])
  })
})
