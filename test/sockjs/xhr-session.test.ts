import { describe, expect, it } from 'vitest'
import { turn } from '../support/fake-turn.ts'
import { finished, linesOf, SLOT_MS, SockJsStage } from './stage.ts'

const SECOND = 'c[2010,"Another connection still open"]'
const INTERRUPTED = 'c[1002,"Connection interrupted"]'

describe('a poll', () => {
  it('opens a session, and has the open frame and nothing more', async () => {
    const stage = new SockJsStage()
    const poll = stage.receive('poll')
    expect(linesOf(poll)).toEqual(['o'])
    await finished(poll)
    expect(stage.speakers).toHaveLength(1)
    expect(stage.speakers[0]!.socket).toMatchObject({ transport: 'sockjs-xhr', remoteAddress: '192.0.2.7' })
  })

  it('has all that waits as one frame, and what is sent later only the next one has', async () => {
    const stage = new SockJsStage()
    const { speaker } = await stage.open()
    speaker.socket.send('1')
    speaker.socket.sendAll(['2', '3'])
    await turn()
    const first = stage.receive('poll')
    speaker.socket.send('4')
    await finished(first)
    expect(linesOf(first)).toEqual(['a["1","2","3"]'])
    const second = stage.receive('poll')
    expect(linesOf(second)).toEqual(['a["4"]'])
  })

  it('that waits has what one turn of the event loop sends as one frame', async () => {
    const stage = new SockJsStage()
    const { speaker } = await stage.open()
    const poll = stage.receive('poll')
    expect(linesOf(poll)).toEqual([])
    for (const text of ['1', '2', '3']) speaker.socket.send(text)
    await turn()
    expect(linesOf(poll)).toEqual(['a["1","2","3"]'])
  })

  it('that comes before the last one is read to its end waits for that', async () => {
    const stage = new SockJsStage()
    const { speaker } = await stage.open()
    const slow = stage.receive('poll')
    speaker.socket.send('1')
    await turn()
    const next = stage.receive('poll')
    speaker.socket.send('2')
    await turn()
    expect(linesOf(next)).toEqual([])
    await finished(slow)
    expect([linesOf(slow), linesOf(next)]).toEqual([['a["1"]'], ['a["2"]']])
  })
})

describe('a stream', () => {
  it('begins with 2 KiB that browsers need to show the rest, then has frames as they come', async () => {
    const stage = new SockJsStage()
    const stream = stage.receive('stream')
    expect(stream.socket.sent[0]).toBe(`${'h'.repeat(2048)}\n`)
    expect(linesOf(stream)).toEqual(['o'])
    for (const text of ['1', '2']) {
      stage.speakers[0]!.socket.send(text)
      await turn()
    }
    expect(linesOf(stream)).toEqual(['o', 'a["1"]', 'a["2"]'])
    expect(stream.socket.closes).toEqual([])
  })

  it('ends after 128 KiB, and the next one goes on without a new open frame', async () => {
    const stage = new SockJsStage()
    const stream = stage.receive('stream')
    const { socket } = stage.speakers[0]!
    const piece = 'x'.repeat(16_384 - 6)
    for (let i = 0; i < 8; i++) {
      expect(stream.socket.closes).toEqual([])
      socket.send(piece)
      await turn()
    }
    socket.send('late')
    await finished(stream)
    const next = stage.receive('stream')
    await turn()
    expect(linesOf(next)).toEqual(['a["late"]'])
    expect(stage.speakers).toHaveLength(1)
  })
})

describe('a receiving connection', () => {
  it('beside another is told that, and changes nothing', async () => {
    const stage = new SockJsStage()
    const first = stage.receive('stream')
    for (const kind of ['poll', 'stream'] as const) {
      const second = stage.receive(kind)
      expect(linesOf(second)).toEqual([SECOND])
      await finished(second)
    }
    stage.speakers[0]!.socket.send('1')
    await turn()
    expect(linesOf(first)).toEqual(['o', 'a["1"]'])
    expect(stage.speakers[0]!.closings).toEqual([])
  })

  it.each(['poll', 'stream'] as const)('has a heart-beat every 25 s: a %s', async (kind) => {
    const stage = new SockJsStage()
    await stage.open()
    const receiver = stage.receive(kind)
    stage.clock.advance(24_900)
    expect(linesOf(receiver)).toEqual([])
    stage.clock.advance(100 + SLOT_MS)
    expect(linesOf(receiver)).toEqual(['h'])
    if (kind === 'poll') return finished(receiver)
    stage.clock.advance(25_000 + SLOT_MS)
    expect(linesOf(receiver)).toEqual(['h', 'h'])
    return undefined
  })

  it.each(['poll', 'stream'] as const)(
    'that the client breaks off ends the session at once, and the next is told: a %s',
    async (kind) => {
      const stage = new SockJsStage()
      const { speaker, session } = await stage.open()
      const receiver = stage.receive(kind)
      receiver.close(1006)
      expect(speaker.closings).toEqual([[1006, '']])
      expect(session.isOpen).toBe(false)
      const next = stage.receive(kind)
      expect(linesOf(next)).toEqual([INTERRUPTED])
      await finished(next)
      expect(stage.speakers).toHaveLength(1)
    },
  )

  it('that is cut before all of it was taken ends the session too, whose next messages would have a gap before them', async () => {
    const stage = new SockJsStage()
    const { speaker } = await stage.open()
    const poll = stage.receive('poll')
    const next = stage.receive('poll', 'other')
    speaker.socket.send('lost')
    await turn()
    poll.close(1006)
    expect(speaker.closings).toEqual([[1006, '']])
    expect(stage.speakers[1]!.closings).toEqual([])
    expect(linesOf(next)).toEqual(['o'])
  })

  it('that waits behind one that is cut is told', async () => {
    const stage = new SockJsStage()
    const { speaker } = await stage.open()
    const poll = stage.receive('poll')
    speaker.socket.send('lost')
    await turn()
    const next = stage.receive('stream')
    poll.close(1006)
    expect(linesOf(next)).toEqual([INTERRUPTED])
    await finished(next)
  })
})

describe('a session without a receiving connection', () => {
  it('ends after 5 s, and is forgotten', async () => {
    const stage = new SockJsStage()
    const { speaker } = await stage.open()
    stage.clock.advance(4900)
    expect(speaker.closings).toEqual([])
    stage.clock.advance(100 + SLOT_MS)
    expect(speaker.closings).toEqual([[1006, '']])
    expect(stage.door.find('abc')).toBeUndefined()
    expect(stage.clock.pending).toBe(0)
  })

  it('goes on if one comes in time, as often as that is', async () => {
    const stage = new SockJsStage()
    const { speaker } = await stage.open()
    for (let i = 0; i < 5; i++) {
      stage.clock.advance(4900)
      const poll = stage.receive('poll')
      stage.clock.advance(4900)
      speaker.socket.send(`${i}`)
      await turn()
      await finished(poll)
      expect(linesOf(poll)).toEqual([`a["${i}"]`])
    }
    expect(speaker.closings).toEqual([])
  })

  it('does not end while one is still being read', async () => {
    const stage = new SockJsStage()
    const { speaker } = await stage.open()
    const poll = stage.receive('poll')
    speaker.socket.send('long')
    await turn()
    stage.clock.advance(60_000)
    expect(speaker.closings).toEqual([])
    await finished(poll)
    stage.clock.advance(5000 + SLOT_MS)
    expect(speaker.closings).toEqual([[1006, '']])
  })
})

describe('what is sent', () => {
  it('counts as unsent until the kernel has it', async () => {
    const stage = new SockJsStage()
    const { speaker } = await stage.open()
    const { socket } = speaker
    expect(socket.bufferedBytes).toBe(0)
    socket.send('ž')
    const line = 'a["ž"]\n'
    expect(socket.bufferedBytes).toBe(Buffer.byteLength(line))
    const poll = stage.receive('poll')
    expect(linesOf(poll)).toEqual(['a["ž"]'])
    expect(socket.bufferedBytes).toBe(0)
    poll.socket.bufferedBytes = 7
    expect(socket.bufferedBytes).toBe(7)
    const before = socket.drains
    await finished(poll)
    expect(socket.bufferedBytes).toBe(0)
    expect(socket.drains).toBeGreaterThan(before)
  })

  it('to a group reaches all its members, quoted once, and nobody who has left', async () => {
    const stage = new SockJsStage()
    const [one, two, three] = [await stage.open('1'), await stage.open('2'), await stage.open('3')]
    for (const { speaker } of [one, two, three]) speaker.socket.join('g')
    three.speaker.socket.leave('g')
    one.speaker.socket.fanout.write('g', ['a', 'b'])
    one.speaker.socket.fanout.write('nobody', ['c'])
    const polls = ['1', '2', '3'].map((name) => stage.receive('poll', name))
    expect(polls.map(linesOf)).toEqual([['a["a","b"]'], ['a["a","b"]'], []])
    expect(polls[0]!.socket.sent[0]).toBe(polls[1]!.socket.sent[0])
    polls[2]!.close(1006)
    one.speaker.socket.terminate()
    one.speaker.socket.fanout.write('g', ['d'])
    expect(one.speaker.socket.bufferedBytes).toBe(0)
  })
})

describe('what is received', () => {
  it('reaches whoever speaks over the session', async () => {
    const stage = new SockJsStage()
    const { session, speaker } = await stage.open()
    expect(await session.receive('["a","b"]')).toBe(true)
    expect(await session.receive('["c"')).toBe(false)
    expect(await session.receive('[]')).toBe(true)
    expect(speaker.received.join('')).toBe('ab')
  })

  it('is answered only when more may come', async () => {
    const stage = new SockJsStage()
    const { session, speaker } = await stage.open()
    speaker.socket.pause()
    let isAnswered = false
    const answered = session.receive('["a"]').then(() => (isAnswered = true))
    await turn()
    expect(speaker.received).toEqual(['a'])
    expect(isAnswered).toBe(false)
    speaker.socket.resume()
    await answered
  })

  it('is answered when the session ends meanwhile', async () => {
    const stage = new SockJsStage()
    const { session, speaker } = await stage.open()
    speaker.socket.pause()
    const answered = session.receive('["a"]')
    speaker.socket.terminate()
    expect(await answered).toBe(true)
    expect(await session.receive('["b"]')).toBe(true)
    expect(speaker.received).toEqual(['a'])
  })
})

describe('a session that is closed', () => {
  it('says so behind what was sent before, to a stream at once', async () => {
    const stage = new SockJsStage()
    const stream = stage.receive('stream')
    const speaker = stage.speakers[0]!
    speaker.socket.send('last')
    speaker.socket.close(1001, 'Going "away"')
    speaker.socket.send('too late')
    speaker.socket.close(1002, 'again')
    expect(linesOf(stream)).toEqual(['o', 'a["last"]', 'c[1001,"Going \\"away\\""]'])
    expect(speaker.closings).toEqual([])
    await finished(stream)
    expect(speaker.closings).toEqual([[1001, 'Going "away"']])
  })

  it('says so to the next polls, for as long as it would have waited for one', async () => {
    const stage = new SockJsStage()
    const { speaker, session } = await stage.open()
    speaker.socket.send('last')
    speaker.socket.close(4500, 'slow')
    expect(session.isOpen).toBe(false)
    const lines = []
    for (let i = 0; i < 3; i++) {
      const poll = stage.receive('poll')
      await finished(poll)
      lines.push(...linesOf(poll))
    }
    expect(lines).toEqual(['a["last"]', 'c[4500,"slow"]', 'c[4500,"slow"]'])
    expect(speaker.closings).toEqual([[4500, 'slow']])
    stage.clock.advance(5000 + SLOT_MS)
    expect(stage.door.find('abc')).toBeUndefined()
  })

  it('is over for whoever speaks over it when that drops it, and says so to the next poll', async () => {
    const stage = new SockJsStage()
    const { speaker } = await stage.open()
    speaker.socket.send('never read')
    speaker.socket.close(1001, 'bye')
    speaker.socket.terminate()
    expect(speaker.closings).toEqual([[1006, '']])
    expect(speaker.socket.bufferedBytes).toBe(0)
    expect(linesOf(stage.receive('poll'))).toEqual(['c[1001,"bye"]'])
  })

  it('drops its connection when it is dropped', async () => {
    const stage = new SockJsStage()
    const stream = stage.receive('stream', 'abc', { closesAtOnce: true })
    stage.speakers[0]!.socket.terminate()
    await turn()
    expect(stream.socket.terminations).toBe(1)
    expect(stage.speakers[0]!.closings).toEqual([[1006, '']])
    stage.clock.advance(5000 + SLOT_MS)
    expect(stage.door.find('abc')).toBeUndefined()
  })
})
