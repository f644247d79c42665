/** The model of the debugger against a bridge in this process: what the page does, without the page. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { createBridge, parseConfig, type Bridge } from '../../src/index.ts'
import { createRuntime } from '../../src/runtime/node.ts'
import { Connection } from '../../web-debugger/stomp/connection.ts'
import { browserEnvironment, type Environment } from '../../web-debugger/stomp/environment.ts'
import { partsOf, type FrameRecord } from '../../web-debugger/stomp/frame-record.ts'
import { createProfile, type Profile } from '../../web-debugger/stomp/profile.ts'
import { waitFor } from '../support/wait.ts'

const environment: Environment = {
  ...browserEnvironment,
  openSocket: (url, protocols) => new WebSocket(url, [...protocols]),
}

let bridge: Bridge
let url: string

beforeAll(async () => {
  bridge = createBridge({ config: parseConfig({ server: { port: 0 } }), runtime: createRuntime(), version: '0' })
  const { http } = await bridge.start()
  url = `ws://127.0.0.1:${http.port}/stomp`
})
afterAll(() => bridge.close())

async function connect(profile: Partial<Profile> = {}): Promise<Connection> {
  const connection = new Connection('c', { ...createProfile(url), ...profile }, environment)
  connection.connect()
  await waitFor(() => connection.state.value === 'connected')
  return connection
}

function records(connection: Connection, command: string): FrameRecord[] {
  const found: FrameRecord[] = []
  for (let seq = connection.log.firstSeq; seq < connection.log.nextSeq; seq++) {
    const record = connection.log.at(seq)!
    if (record.command === command) found.push(record)
  }
  return found
}

async function disconnect(connection: Connection): Promise<void> {
  connection.disconnect()
  await waitFor(() => connection.state.value === 'closed')
  expect(connection.problem.value).toBeUndefined()
}

describe.each(['1.0', '1.1', '1.2'] as const)('STOMP %s', (version) => {
  it.each(['match', 'none'] as const)(
    'with sub-protocol %s: what is sent comes back, and is logged',
    async (subProtocol) => {
      const connection = await connect({ version, subProtocol })
      expect(connection.version).toBe(version)
      expect(connection.agreement.value?.subProtocol).toBe(
        subProtocol === 'match' ? `v${version.replace('.', '')}.stomp` : '',
      )
      const entry = connection.subscribe({ destination: '/topic/echo' })
      connection.send({ destination: '/topic/echo', headers: { x: ' a\\b ' }, body: 'héllo', receipt: true })
      const [message] = await waitFor(() => (entry.count > 0 ? records(connection, 'MESSAGE') : false))
      const parts = partsOf(message!)
      expect(parts.text).toBe('héllo')
      // 1.0 cannot carry a value that begins with a space.
      expect(parts.headers).toContainEqual(['x', version === '1.0' ? 'a\\b ' : ' a\\b '])
      await waitFor(() => connection.roundTrips.receiptsMs.length === 1)
      expect(records(connection, 'unreadable')).toEqual([])
      await disconnect(connection)
      expect(records(connection, 'DISCONNECT')).toHaveLength(1)
    },
  )
})

describe('against the bridge', () => {
  it('bytes come back as bytes', async () => {
    const connection = await connect()
    const entry = connection.subscribe({ destination: '/topic/bytes' })
    const body = new Uint8Array([0, 255, 10, 0])
    connection.send({ destination: '/topic/bytes', body })
    await waitFor(() => entry.count === 1)
    expect(partsOf(records(connection, 'MESSAGE')[0]!)).toMatchObject({ body, text: undefined })
    await disconnect(connection)
  })

  it('a message is acknowledged in a transaction', async () => {
    const connection = await connect()
    const entry = connection.subscribe({ destination: '/topic/acks', ack: 'client-individual' })
    connection.send({ destination: '/topic/acks', body: 'x' })
    await waitFor(() => entry.count === 1)
    const [message] = records(connection, 'MESSAGE')
    const id = connection.transactions.begin()!
    expect(connection.ack(message!, id)).toBe(true)
    connection.transactions.commit(id)
    connection.send({ destination: '/topic/acks', body: 'y', receipt: true })
    await waitFor(() => connection.roundTrips.receiptsMs.length === 1)
    expect(records(connection, 'ERROR')).toEqual([])
    await disconnect(connection)
  })

  it('the round trip is measured', async () => {
    const connection = await connect()
    expect(connection.measure()).toBe(true)
    await waitFor(() => connection.roundTrips.receiptsMs.length === 1)
    expect(connection.roundTrips.receiptsMs[0]).toBeGreaterThan(0)
    await disconnect(connection)
  })

  it('a refusal is told in the words of the bridge', async () => {
    const connection = await connect({ isReconnecting: false })
    connection.transactions.begin('t')
    connection.send({ destination: '', body: 'x' })
    await waitFor(() => connection.state.value === 'closed')
    expect(connection.problem.value).toMatch(/^The server sent an ERROR: Cannot send to ""/)
    expect(connection.transactions.list.value[0]!.state).toBe('lost')
  })

  it('without STOMP the bridge can be spoken to by hand', async () => {
    const connection = await connect({ mode: 'raw' })
    connection.sendRaw('CONNECT\naccept-version:1.2\nhost:x\n\n\0')
    await waitFor(() => records(connection, 'TEXT').some(({ raw }) => String(raw).startsWith('CONNECTED\n')))
    await disconnect(connection)
  })

  it('a path that is no endpoint is told from a server that is not there', async () => {
    const connection = new Connection('c', { ...createProfile(`${url}/nowhere`), isReconnecting: false }, environment)
    connection.connect()
    await waitFor(() => connection.state.value === 'closed')
    expect(connection.problem.value).toContain(`No WebSocket could be opened at ${url}/nowhere`)
  })
})
