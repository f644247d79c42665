import { describe, expect, it } from 'vitest'
import { Stage } from './stage.ts'

const sent = { destination: '/app/x', body: 'Hello', headers: { a: 'b' } }

describe('publish', () => {
  it('sends what it is given', async () => {
    const stage = new Stage()
    const socket = await stage.connect()
    stage.client.publish(sent)
    expect(socket.sent('SEND')).toEqual([{ destination: '/app/x', a: 'b', 'content-length': '5' }])
  })

  it('throws, or rejects, where there is no connection', async () => {
    const stage = new Stage()
    expect(() => stage.client.publish(sent)).toThrow('Cannot publish to "/app/x": not connected')
    await expect(stage.client.publish({ ...sent, receipt: true })).rejects.toMatchObject({ code: 'disconnected' })
  })

  it('resolves with the RECEIPT of each', async () => {
    const stage = new Stage()
    const socket = await stage.connect()
    const [a, b] = [1, 2].map(() => stage.client.publish({ ...sent, receipt: true }))
    const [first, second] = socket.sent('SEND').map(({ receipt }) => receipt!)
    expect(first).not.toBe(second)
    socket.tell('RECEIPT', { 'receipt-id': second!, expires: '5' })
    expect(await b).toEqual({ 'receipt-id': second, expires: '5' })
    socket.tell('RECEIPT', { 'receipt-id': first! })
    socket.tell('RECEIPT', { 'receipt-id': first! })
    socket.tell('RECEIPT', { 'receipt-id': 'nobody' })
    expect(await a).toEqual({ 'receipt-id': first })
    expect(stage.errors).toEqual([])
  })

  it('rejects with the ERROR that answers it; what else waits may have arrived or not', async () => {
    const stage = new Stage()
    const socket = await stage.connect()
    const outcomes = [1, 2].map(() => stage.client.publish({ ...sent, receipt: true }))
    socket.refuse('no-route', { 'receipt-id': socket.sent('SEND')[1]!['receipt']! })
    const [other, refused] = await Promise.allSettled(outcomes)
    expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'no-route' } })
    expect(other).toMatchObject({ status: 'rejected', reason: { code: 'disconnected', cause: { code: 'no-route' } } })
    // The next connection owes nothing.
    const next = await stage.retry()
    next.tell('RECEIPT', { 'receipt-id': socket.sent('SEND')[0]!['receipt']! })
    expect(stage.client.state).toBe('connected')
  })

  it('leaves the client of @stomp/stompjs for what it does not do itself', async () => {
    const stage = new Stage()
    expect(stage.client.stomp).toBeUndefined()
    const socket = await stage.connect()
    const transaction = stage.client.stomp!.begin()
    stage.client.publish({ ...sent, headers: { transaction: transaction.id } })
    transaction.commit()
    expect(socket.frames.map(({ command }) => command)).toEqual(['CONNECT', 'BEGIN', 'SEND', 'COMMIT'])
    socket.cut()
    expect(stage.client.stomp).toBeUndefined()
  })
})
