import { describe, expect, it } from 'vitest'
import { FrameLog } from '../../web-debugger/stomp/frame-log.ts'
import { plainRecord } from '../../web-debugger/stomp/frame-record.ts'
import { compileFilter, SHOW_ALL, type LogFilter } from '../../web-debugger/stomp/log-filter.ts'
import { LogView } from '../../web-debugger/stomp/log-view.ts'

const record = (text: string, destination?: string, command = 'MESSAGE') => ({
  ...plainRecord(0, 'in', 'text', text, undefined),
  kind: 'frame' as const,
  command,
  destination,
})
const filled = (count: number, capacity = { records: 100, bytes: 10_000 }) => {
  const log = new FrameLog(capacity)
  for (let i = 0; i < count; i++) log.append(record(`body ${i}`))
  return log
}

describe('FrameLog', () => {
  it('keeps the newest records and counts those that had to go', () => {
    const log = filled(250)
    expect([log.size, log.dropped, log.firstSeq, log.nextSeq]).toEqual([100, 150, 150, 250])
    expect(log.at(149)).toBeUndefined()
    expect(log.at(150)?.raw).toBe('body 150')
    expect(log.at(249)?.raw).toBe('body 249')
    expect(log.at(250)).toBeUndefined()
  })

  it('makes room by size too, but keeps the last one however large', () => {
    const log = new FrameLog({ records: 100, bytes: 100 })
    for (let i = 0; i < 10; i++) log.append(record('x'.repeat(30)))
    expect([log.size, log.bytes, log.dropped]).toEqual([3, 90, 7])
    log.append(record('y'.repeat(500)))
    expect([log.size, log.bytes]).toEqual([1, 500])
  })

  it('counts on after it was cleared', () => {
    const log = filled(250)
    log.clear()
    expect([log.size, log.bytes, log.dropped, log.firstSeq]).toEqual([0, 0, 0, 250])
    expect(log.append(record('new')).seq).toBe(250)
    expect(log.at(250)?.raw).toBe('new')
  })

  it('tells listeners of each record, until they have enough', () => {
    const log = new FrameLog()
    const seen: number[] = []
    const stop = log.onAppend(({ seq }) => seen.push(seq))
    log.append(record('a'))
    log.append(record('b'))
    stop()
    log.append(record('c'))
    expect(seen).toEqual([0, 1])
  })
})

describe('LogView', () => {
  /** A clock that takes a millisecond for every look at it. */
  const slowClock = () => {
    let now = 0
    return () => now++
  }
  const filter = (part: Partial<LogFilter>) => compileFilter({ ...SHOW_ALL, ...part })
  const texts = (view: LogView) => view.records.map(({ raw }) => raw)

  it('lets go of what the log has dropped, and counts those that it had shown', () => {
    const log = filled(100)
    const view = new LogView(log, filter({}), slowClock())
    view.update()
    expect(view.records).toHaveLength(100)
    for (let i = 100; i < 130; i++) log.append(record(`body ${i}`))
    view.update()
    expect(view.records).toHaveLength(100)
    expect([texts(view)[0], view.cut]).toEqual(['body 30', 30])
    view.filter(filter({ text: 'body 4' }))
    view.update()
    expect([texts(view)[0], view.cut]).toEqual(['body 40', 30])
    for (let i = 130; i < 145; i++) log.append(record(`body ${i}`))
    view.update()
    expect([texts(view)[0], view.cut]).toEqual(['body 45', 35])
  })

  it('looks through a long log in several goes, and says how far it is', () => {
    const log = filled(10_000, { records: 10_000, bytes: 1e9 })
    const view = new LogView(log, filter({ text: 'body 9999' }), slowClock())
    view.update()
    expect(view.isComplete).toBe(false)
    expect(view.progress).toBeGreaterThan(0)
    expect(view.progress).toBeLessThan(1)
    for (let goes = 0; !view.isComplete; goes++) {
      expect(goes).toBeLessThan(20)
      view.update()
    }
    expect(view.progress).toBe(1)
    expect(texts(view)).toEqual(['body 9999'])
  })

  it('holds still while it is frozen, also when its filter changes', () => {
    const log = filled(50)
    const view = new LogView(log, filter({}), slowClock())
    view.update()
    view.freeze()
    for (let i = 50; i < 130; i++) log.append(record(`body ${i}`))
    view.update()
    expect([view.records.length, view.missed, texts(view)[0]]).toEqual([50, 80, 'body 0'])
    view.filter(filter({ text: 'body 4' }))
    view.update()
    // What the log no longer keeps cannot be found any more.
    expect(texts(view)).toEqual(Array.from({ length: 10 }, (_, i) => `body ${40 + i}`))
    view.thaw()
    view.update()
    expect(view.missed).toBe(0)
    expect(view.records).toHaveLength(10)
  })

  it('finds the place of a record by its number', () => {
    const log = filled(100)
    const view = new LogView(log, filter({ text: '7' }), slowClock())
    view.update()
    expect(view.indexOf(view.records[3]!.seq)).toBe(3)
    expect(view.indexOf(1)).toBeUndefined()
    expect(view.indexOf(1000)).toBeUndefined()
  })

  it('starts anew after the log was cleared', () => {
    const log = filled(100)
    const view = new LogView(log, filter({}), slowClock())
    view.update()
    log.clear()
    log.append(record('new'))
    view.update()
    expect(texts(view)).toEqual(['new'])
  })
})

describe('compileFilter', () => {
  const matches = (part: Partial<LogFilter>, each: ReturnType<typeof record>) =>
    compileFilter({ ...SHOW_ALL, ...part })({ seq: 0, ...each })

  it('searches the text in any case, and takes no sign for a pattern', () => {
    expect(matches({ text: 'HELLO' }, record('say hello'))).toBe(true)
    expect(matches({ text: 'a.c' }, record('abc'))).toBe(false)
    expect(matches({ text: 'a.c (x)' }, record('A.C (X)'))).toBe(true)
  })

  it('searches bytes as text', () => {
    const bytes = { ...record(''), raw: new TextEncoder().encode('Grüße') }
    expect(matches({ text: 'GRÜ' }, bytes)).toBe(true)
  })

  it('looks at destination, command and direction, all of which must fit', () => {
    const each = record('x', '/topic/orders')
    expect(matches({ destination: 'ORDER', command: 'MESSAGE', direction: 'in' }, each)).toBe(true)
    expect(matches({ destination: '/topic/toast' }, each)).toBe(false)
    expect(matches({ command: 'SEND' }, each)).toBe(false)
    expect(matches({ direction: 'out' }, each)).toBe(false)
    expect(matches({ destination: 'a' }, record('x'))).toBe(false)
  })

  it('leaves out heart-beats and muted subscriptions', () => {
    const beat = plainRecord(0, 'in', 'heart-beat', '\n', undefined)
    expect(matches({ hasHeartBeats: false }, beat as ReturnType<typeof record>)).toBe(false)
    expect(matches({ muted: new Set(['sub-1']) }, { ...record('x'), subscription: 'sub-1' })).toBe(false)
    expect(matches({ muted: new Set(['sub-1']) }, { ...record('x'), subscription: 'sub-2' })).toBe(true)
  })
})
