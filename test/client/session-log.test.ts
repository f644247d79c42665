import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { turn } from '../support/fake-turn.ts'
import { Stage } from '../stomp/stage.ts'

const ENDED = 'A session has ended'
const MORE = 'More sessions have ended; at debug each has a line'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

/** What the log has at info. */
const lines = ({ log }: Stage) =>
  log.entries.filter(({ level }) => level === 'info').map(({ message, fields }) => [message, fields] as const)

async function closed(stage: Stage): Promise<string[]> {
  const text = await stage.metrics.render()
  return [...text.matchAll(/^stomp_bridge_sessions_closed_total(.*)$/gm)].map(([, rest]) => rest!)
}

describe('the log of sessions', () => {
  it('has one line for each at info, when it is over: how long, how much, and why', async () => {
    const stage = new Stage()
    const client = await stage.connect()
    for (const each of stage.clients) each.requestId = 'r-1'
    expect(lines(stage)).toEqual([])
    client.frame('SUBSCRIBE', { id: 'a', destination: '/topic/a' })
    client.frame('DISCONNECT', { receipt: 'bye' })
    client.close()
    await turn()
    expect(lines(stage)).toEqual([
      [
        ENDED,
        {
          session: 'node-1',
          protocol: 'stomp',
          version: '1.2',
          transport: 'websocket',
          user: undefined,
          address: expect.any(String) as string,
          request: 'r-1',
          seconds: expect.any(Number) as number,
          received: 3,
          sentBytes: expect.any(Number) as number,
          code: 'client',
          closeCode: expect.any(Number) as number,
          reason: undefined,
        },
      ],
    ])
    expect(lines(stage)[0]![1]['sentBytes']).toBeGreaterThan(20)
    expect(stage.log.messages('debug')).toEqual(['A session has begun'])
  })

  it('says that a client has left if it has sent DISCONNECT, and that it is lost if not', async () => {
    const stage = new Stage()
    const [polite, lost] = [await stage.connect(), await stage.connect()]
    polite.frame('DISCONNECT', { receipt: 'bye' })
    for (const client of [polite, lost]) client.close(1006)
    await turn()
    expect(lines(stage)).toMatchObject([
      [ENDED, { code: 'client', closeCode: 1006 }],
      [ENDED, { code: 'lost', closeCode: 1006 }],
    ])
  })

  it('names the error that ended a session, once', async () => {
    const stage = new Stage()
    const client = await stage.connect()
    client.frame('NONSENSE')
    await turn()
    client.close()
    await turn()
    expect(lines(stage)).toMatchObject([
      [ENDED, { code: 'unknown-command', closeCode: 1002, reason: 'Unknown command "NONSENSE"' }],
    ])
    expect(await closed(stage)).toEqual([
      '{protocol="stomp",transport="websocket",reason="unknown-command",close_code="1002"} 1',
    ])
  })

  it('tells why it let nobody in', async () => {
    const stage = new Stage({ maxClients: 1 })
    await stage.connect()
    const refused = stage.open()
    await turn()
    refused.close()
    expect(lines(stage)).toMatchObject([[ENDED, { code: 'too-many-sessions', closeCode: 1013 }]])
  })

  it('has the first hundred of those that end at once, and how many more there were and why', async () => {
    const stage = new Stage({ maxClients: 1000 })
    const clients = Array.from({ length: 150 }, () => stage.open())
    for (const client of clients) client.close()
    const said = () => lines(stage).map(([message]) => message)
    expect(said()).toEqual(Array.from({ length: 100 }, () => ENDED))
    expect(stage.log.messages('debug').filter((message) => message === ENDED)).toHaveLength(50)
    stage.clock.advance(10_000)
    expect(lines(stage).slice(100)).toEqual([[MORE, { sessions: 50, codes: { [firstCode(stage)]: 50 } }]])
    stage.open().close()
    expect(said().slice(101)).toEqual([ENDED])
    stage.clock.advance(10_000)
    expect(said()).toHaveLength(102)
    expect(stage.clock.pending).toBe(0)
  })

  it('says at a shutdown what was left out', async () => {
    const stage = new Stage({ maxClients: 1000 })
    const clients = Array.from({ length: 120 }, () => stage.open())
    void stage.clients.drain(1000)
    for (const client of clients) client.close()
    await turn()
    await vi.advanceTimersByTimeAsync(1000)
    expect(lines(stage).at(-1)).toMatchObject([MORE, { sessions: 20 }])
  })
})

const firstCode = (stage: Stage): string => String(lines(stage)[0]![1]['code'])
