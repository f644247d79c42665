import { describe, expect, it } from 'vitest'
import { Version } from '../../frames/index.ts'
import type { FakeClient } from '../support/fake-socket.ts'
import { turn } from '../support/fake-turn.ts'
import { Stage } from './stage.ts'

async function subscribed(stage: Stage, version: Version, ack: string): Promise<FakeClient> {
  const client = stage.open()
  client.version = version
  client.connect()
  client.frame('SUBSCRIBE', { id: '1', destination: '/topic/a', ack })
  await turn()
  client.take()
  return client
}

/** Delivers so many messages; gives the headers of the MESSAGE frames. */
async function deliver(stage: Stage, client: FakeClient, count: number) {
  for (let i = 0; i < count; i++) stage.bus.deliver('topic:a', String(i))
  await turn()
  return client.take().map(({ headers }) => ({
    messageId: headers.get('message-id')!,
    ack: headers.get('ack'),
    subscription: headers.get('subscription'),
  }))
}

describe('session with subscriptions', () => {
  it.each([
    [Version.V1_2, 'client', true],
    [Version.V1_2, 'client-individual', true],
    [Version.V1_2, 'auto', false],
    [Version.V1_1, 'client', false],
    [Version.V1_0, 'client', false],
  ])('#76 #77 in %s and mode %s sends an ack header: %s', async (version, mode, hasAck) => {
    const stage = new Stage()
    const client = await subscribed(stage, version, mode)
    const messages = await deliver(stage, client, 3)
    expect(new Set(messages.map(({ messageId }) => messageId)).size).toBe(3)
    expect(new Set(messages.map(({ ack }) => ack)).size).toBe(hasAck ? 3 : 1)
    expect(messages.map(({ ack }) => ack !== undefined)).toEqual(Array(3).fill(hasAck))
    expect(messages[0]!.subscription).toBe('1')
  })

  it.each([
    [Version.V1_2, 'client', 'ACK', { acknowledged: 2, rejected: 0 }],
    [Version.V1_2, 'client', 'NACK', { acknowledged: 0, rejected: 2 }],
    [Version.V1_2, 'client-individual', 'ACK', { acknowledged: 1, rejected: 0 }],
    [Version.V1_2, 'client-individual', 'NACK', { acknowledged: 0, rejected: 1 }],
    [Version.V1_1, 'client', 'ACK', { acknowledged: 2, rejected: 0 }],
    [Version.V1_1, 'client', 'NACK', { acknowledged: 0, rejected: 2 }],
    [Version.V1_1, 'client-individual', 'NACK', { acknowledged: 0, rejected: 1 }],
    [Version.V1_0, 'client', 'ACK', { acknowledged: 2, rejected: 0 }],
  ])('#81 #82 #83 #84 #85 #86 in %s and mode %s counts for %s of the second: %j', async (...row) => {
    const [version, mode, command, counted] = row
    const stage = new Stage()
    const client = await subscribed(stage, version, mode)
    const [, second] = await deliver(stage, client, 3)
    const headers: Record<string, string> =
      version === Version.V1_2 ? { id: second!.ack! } : { 'message-id': second!.messageId, subscription: '1' }
    if (version === Version.V1_0) delete headers.subscription
    client.frame(command, { ...headers, receipt: 'r1' })
    await turn()
    expect(client.takeWords()).toEqual(['RECEIPT r1'])
    expect(stage.metrics.count).toMatchObject(counted)
  })

  it('#83 answers NACK in 1.0 with ERROR', async () => {
    const stage = new Stage()
    const client = await subscribed(stage, Version.V1_0, 'client')
    const [first] = await deliver(stage, client, 1)
    client.frame('NACK', { 'message-id': first!.messageId })
    expect(client.takeWords()).toEqual(['ERROR unknown-command'])
  })

  it.each([
    [Version.V1_2, { id: '1.node-1' }],
    [Version.V1_1, { 'message-id': 'node-1', subscription: '1' }],
    [Version.V1_0, { 'message-id': 'node-1' }],
  ])('#89 answers in %s an ACK of an auto subscription with ERROR', async (version, headers) => {
    const stage = new Stage()
    const client = await subscribed(stage, version, 'auto')
    await deliver(stage, client, 1)
    client.frame('ACK', { ...headers, receipt: 'r1' })
    expect(client.takeWords()).toEqual(['ERROR unknown-ack'])
    expect(client.socket.closes[0]!.code).toBe(1002)
  })

  it('#90 settles what is acknowledged in a transaction at COMMIT, and nothing after ABORT', async () => {
    const stage = new Stage()
    const client = await subscribed(stage, Version.V1_2, 'client-individual')
    const [first, second] = await deliver(stage, client, 2)
    client.frame('BEGIN', { transaction: 't1' })
    client.frame('ACK', { id: first!.ack!, transaction: 't1', receipt: 'r1' })
    client.frame('BEGIN', { transaction: 't2' })
    client.frame('ACK', { id: second!.ack!, transaction: 't2' })
    client.frame('ABORT', { transaction: 't2' })
    await turn()
    expect(client.takeWords()).toEqual(['RECEIPT r1']) // #100
    expect(stage.metrics.count.acknowledged).toBe(0)
    client.frame('COMMIT', { transaction: 't1' })
    expect(stage.metrics.count.acknowledged).toBe(1)
    client.frame('ACK', { id: second!.ack! })
    expect(stage.metrics.count.acknowledged).toBe(2)
  })

  it('#90 #94 settles and publishes nothing before the bus has taken the whole transaction', async () => {
    const stage = new Stage({ bus: { accepts: false } })
    const client = await subscribed(stage, Version.V1_2, 'client')
    const [first] = await deliver(stage, client, 1)
    client.frame('BEGIN', { transaction: 't' })
    client.frame('SEND', { destination: '/app/a', transaction: 't' }, '1')
    client.frame('ACK', { id: first!.ack!, transaction: 't' })
    client.frame('SEND', { destination: '/app/b', transaction: 't' }, '2')
    await turn()
    expect(stage.bus.published).toEqual([])
    client.frame('COMMIT', { transaction: 't', receipt: 'r1' })
    client.frame('SEND', { destination: '/app/c' }, '3')
    await turn()
    expect(stage.bus.handedOver).toHaveLength(1)
    expect(stage.bus.published).toEqual(['app:a 1', 'app:b 2'])
    expect(stage.metrics.count.acknowledged).toBe(0)
    expect(client.take()).toEqual([])
    stage.bus.handedOver[0]!.accept()
    await turn()
    expect(client.takeWords()).toEqual(['RECEIPT r1'])
    expect(stage.metrics.count.acknowledged).toBe(1)
    expect(stage.bus.published.at(-1)).toBe('app:c 3')
  })

  it('#97 keeps no more of what came in than the message for a transaction', async () => {
    const stage = new Stage()
    const client = await stage.connect()
    client.frame('BEGIN', { transaction: 't' })
    const chunk = new TextEncoder().encode('SEND\ndestination:/app/a\ntransaction:t\n\nold\0')
    client.send(chunk)
    chunk.fill(120)
    client.frame('COMMIT', { transaction: 't' })
    expect(stage.bus.published).toEqual(['app:a old'])
  })

  it('#97 answers what goes beyond the limits of transactions with ERROR', async () => {
    const stage = new Stage()
    const client = await stage.connect()
    client.frame('BEGIN', { transaction: 't' })
    client.frame('SEND', { destination: '/app/a', transaction: 't' }, 'x'.repeat(600))
    client.frame('SEND', { destination: '/app/a', transaction: 't', receipt: 'r1' }, 'x'.repeat(600))
    expect(client.takeWords()).toEqual(['ERROR transaction-too-large'])
    expect(stage.bus.published).toEqual([])
  })

  it('#72 #73 delivers nothing after UNSUBSCRIBE, and takes an ACK of what came before', async () => {
    const stage = new Stage()
    const client = await subscribed(stage, Version.V1_2, 'client')
    const [first] = await deliver(stage, client, 1)
    client.frame('UNSUBSCRIBE', { id: '1' })
    expect(await deliver(stage, client, 1)).toEqual([])
    client.frame('ACK', { id: first!.ack!, receipt: 'r1' })
    await turn()
    expect(client.takeWords()).toEqual(['RECEIPT r1'])
    expect(stage.metrics.count.acknowledged).toBe(0)
  })

  it('answers an UNSUBSCRIBE of nothing with its receipt, and counts it', async () => {
    const stage = new Stage()
    const client = await stage.connect()
    client.frame('UNSUBSCRIBE', { id: '1', receipt: 'r1' })
    await turn()
    expect(client.takeWords()).toEqual(['RECEIPT r1'])
    expect(stage.metrics.count.unsubscribeUnknown).toBe(1)
  })

  it('writes the receipts of one turn at once, each as a message of its own, and what follows them behind', async () => {
    const stage = new Stage({ bus: { accepts: false } })
    const [client, other] = [await stage.connect(), await stage.connect()]
    const before = client.socket.writes.length
    for (const each of [client, other]) {
      for (const receipt of ['r1', 'r2', 'r3']) each.frame('SEND', { destination: '/app/a', receipt }, receipt)
    }
    for (const handedOver of stage.bus.handedOver) handedOver.accept()
    await turn()
    expect(client.socket.writes.slice(before).map((messages) => messages.length)).toEqual([3])
    for (const each of [client, other]) expect(each.takeWords()).toEqual(['RECEIPT r1', 'RECEIPT r2', 'RECEIPT r3'])
    client.frame('UNSUBSCRIBE', { id: 'x', receipt: 'r4' })
    client.frame('NOPE')
    expect(client.takeWords()).toEqual(['RECEIPT r4', 'ERROR unknown-command'])
    expect(client.socket.closes).toHaveLength(1)
  })

  it('#98 #99 #103 answers receipts in order, each when the bus has answered', async () => {
    const stage = new Stage({ bus: { accepts: false } })
    const client = await stage.connect()
    for (const id of ['1', '2', '3']) client.frame('SEND', { destination: '/app/a', receipt: `r${id}` }, id)
    client.frame('BEGIN', { transaction: 't', receipt: 'r4' })
    stage.bus.handedOver[2]!.accept()
    await turn()
    expect(client.take()).toEqual([])
    stage.bus.handedOver[0]!.accept()
    await turn()
    expect(client.takeWords()).toEqual(['RECEIPT r1'])
    stage.bus.handedOver[1]!.accept()
    await turn()
    expect(client.takeWords()).toEqual(['RECEIPT r2', 'RECEIPT r3', 'RECEIPT r4'])
  })

  it('#102 #104 answers nothing after an ERROR', async () => {
    const stage = new Stage({ bus: { accepts: false } })
    const client = await subscribed(stage, Version.V1_2, 'auto')
    client.frame('SEND', { destination: '/app/a', receipt: 'r1' }, '1')
    client.frame('SEND', { destination: '/app/a', receipt: 'r2' }, '2')
    stage.bus.handedOver[0]!.refuse()
    stage.bus.handedOver[1]!.accept()
    await turn()
    stage.bus.deliver('topic:a', 'late')
    await turn()
    const frames = client.take()
    expect(frames.map(({ command }) => command)).toEqual(['ERROR'])
    expect(frames[0]!.headers.get('receipt-id')).toBe('r1')
  })

  it('#67 takes no id that the version cannot carry: two that look alike would share a place in a group', async () => {
    const stage = new Stage()
    const client = stage.open()
    client.version = '1.1'
    client.connect()
    client.frame('SUBSCRIBE', { id: 'a', destination: '/topic/a' })
    client.send('SUBSCRIBE\nid:a\r\ndestination:/topic/a\n\n\0')
    await turn()
    const words = client.takeWords()
    expect(words).toHaveLength(2)
    expect(words[1]).toMatch(/^ERROR (bad-header|duplicate-subscription)$/)
    expect(stage.broker.size).toBe(0)
  })
})
