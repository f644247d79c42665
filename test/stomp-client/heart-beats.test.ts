/** Heart-beats that a server names and no timer can wait for: @stomp/stompjs would send one every millisecond. */
import type { IStompSocket } from '@stomp/stompjs'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { withKeptHeartBeats } from '../../src/stomp-client/heart-beats.ts'
import { turn } from '../support/fake-turn.ts'
import { Stage } from './stage.ts'

const DAY_MS = 86_400_000

describe('heart-beats', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] }))
  afterEach(() => void vi.useRealTimers())

  it.each([
    ['0,3000000000', []],
    ['3000000000,3000000000', []],
    ['99999999999999999999,99999999999999999999', []],
    ['a,b', []],
    ['0,-3000000000', [10_000, 20_000]],
    ['1,1', [10_000, 20_000]],
    ['0, 20000', [20_000]],
    ['0', []],
    ['', []],
  ])('after the answer %s are sent as often as a timer can', async (header, timesMs) => {
    const stage = new Stage({ heartbeat: { incomingMs: 0 } })
    const socket = await stage.connect({ 'heart-beat': header })
    const startMs = Date.now()
    const times: number[] = []
    vi.spyOn(socket, 'send').mockImplementation(() => void times.push(Date.now() - startMs))
    vi.advanceTimersByTime(25_000)
    expect(times).toEqual(timesMs)
  })

  it('are at most a day apart, whatever both sides wish', async () => {
    const stage = new Stage({ heartbeat: { incomingMs: 0, outgoingMs: Infinity } })
    const socket = await stage.connect({ 'heart-beat': '0,3000000000' })
    expect(socket.sent('CONNECT')).toMatchObject([{ 'heart-beat': `${DAY_MS},0` }])
    const sent = vi.spyOn(socket, 'send')
    vi.advanceTimersByTime(2 * DAY_MS)
    expect(sent.mock.calls).toEqual([['\n'], ['\n']])
  })

  it('that do not come are waited for without a timer that runs all the time', async () => {
    const stage = new Stage()
    await stage.connect({ 'heart-beat': '3000000000,0' })
    expect(vi.getTimerCount()).toBe(1)
    vi.advanceTimersToNextTimer()
    expect(Date.now()).toBeGreaterThan(DAY_MS)
  })
})

describe('what @stomp/stompjs reads', () => {
  async function readings(...chunks: (string | ArrayBuffer)[]): Promise<unknown[]> {
    const socket: Pick<IStompSocket, 'onmessage'> = { onmessage: null }
    const read: unknown[] = []
    withKeptHeartBeats(socket as IStompSocket)
    socket.onmessage = ({ data }: { data: unknown }) => void read.push(data)
    await turn()
    for (const data of chunks) socket.onmessage({ data })
    return read
  }

  it.each(['CONNECTED\nversion:1.2\n', '\n\r\n\0CONNECTED\r\nversion:1.2\r\n'])(
    'is another CONNECTED where it begins with %j, in text or bytes',
    async (head) => {
      const [given, wanted] = ['0,3000000000', `0,${DAY_MS}`].map((value) => `${head} heart-beat :${value}\n\n\0`)
      expect(await readings('\n', given!, given!)).toEqual(['\n', wanted, given])
      const bytes = new TextEncoder().encode(given).buffer
      expect(await readings(bytes, bytes)).toEqual([wanted, bytes])
    },
  )

  it('is what came in all other cases', async () => {
    for (const text of [
      'CONNECTED\nversion:1.2\nheart-beat:10000, 10000\n\n\0',
      'CONNECTED\nversion:1.2\nheart-beat:0,0\nheart-beat:0,3000000000\n\n\0',
      'CONNECTED\nversion:1.2\n\nheart-beat:0,3000000000\0',
      'ERROR\nheart-beat:0,3000000000\n\n\0',
    ]) {
      const bytes = new TextEncoder().encode(text).buffer
      expect([await readings(text), await readings(bytes)]).toEqual([[text], [bytes]])
    }
  })
})
