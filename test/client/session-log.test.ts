import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Metrics } from '../../src/metrics.ts'
import { DoorStage } from '../support/door-stage.ts'
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

describe('the metrics of sessions', () => {
  const sum = (text: string, name: string): number =>
    [...text.matchAll(new RegExp(`^stomp_bridge_${name}(?:\\{.*\\})? (\\d+)$`, 'gm'))].reduce(
      (total, [, value]) => total + Number(value),
      0,
    )
  const counted = async ({ metrics }: { metrics: Metrics }) => {
    const text = await metrics.render()
    const names = ['sessions_opened_total', 'sessions_closed_total', 'session_duration_seconds_count', 'sessions']
    return names.map((name) => sum(text, name))
  }

  it('are opened, closed and open, and add up, whoever was refused at CONNECT or never sent it', async () => {
    const access = {
      authenticate: ({ login }: { login?: string | undefined }) => (login ? { user: login } : undefined),
    }
    const stage = new Stage({ access, admission: { maxSessionsPerUser: 2 } })
    const [left] = [await stage.connect({ login: 'al' }), await stage.connect({ login: 'al' })]
    const refused = Array.from({ length: 4 }, () => stage.open())
    for (const [i, client] of refused.entries()) client.connect(i === 0 ? { login: 'al' } : {})
    const silent = stage.open()
    await turn()
    expect(await counted(stage)).toEqual([2, 0, 0, 7])
    for (const client of [...refused, silent, left]) client.close()
    await turn()
    expect(await counted(stage)).toEqual([2, 1, 1, 1])
  })

  it('have a fault of ours among the errors, whatever came of it', async () => {
    const stage = new Stage()
    const client = await stage.connect()
    client.socket.send = () => {
      throw new Error('bug')
    }
    client.frame('BOGUS')
    expect(client.socket.terminations).toBe(1)
    expect(stage.metrics.errors.get('internal')).toBe(1)
    client.close()
    expect(await closed(stage)).toEqual([
      '{protocol="stomp",transport="websocket",reason="internal",close_code="1011"} 1',
    ])
  })

  it('are the same for those who came through another door, or were refused there', async () => {
    const stage = new DoorStage({ maxClients: 2 })
    const [plain] = [stage.openRaw(), stage.openStream()]
    const refused = [stage.openRaw(), stage.openStream()]
    await turn()
    for (const client of [...refused, plain]) client.close()
    await turn()
    expect(await counted(stage.core)).toEqual([2, 1, 1, 1])
  })
})

const firstCode = (stage: Stage): string => String(lines(stage)[0]![1]['code'])
