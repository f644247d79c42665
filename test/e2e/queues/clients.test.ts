/** The clients that people use, each as it comes: they work a queue as on any other broker. */
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { CLIENT_VARIANTS, CLIENTS } from '../../support/clients/clients.ts'
import { runtime } from '../../support/runtime.ts'
import { eventually } from '../../support/wait.ts'
import { startWorld, type World } from '../../support/world.ts'
import { countsOf } from './support.ts'

let names = 0

describe(`a work queue on ${runtime}`, () => {
  let world: World
  beforeAll(async () => {
    const env = { STOMP_BRIDGE_QUEUES: JSON.stringify([{ destination: '/queue/**', maxDeliveries: 2 }]) }
    world = await startWorld({ runtime, env, tcp: true })
  })

  it.each([...CLIENTS, ...CLIENT_VARIANTS])('is worked by $name', async ({ version, connect }) => {
    const destination = `/queue/of/client${++names}`
    const client = await connect(world.bridge)
    onTestFinished(async () => void (await client.disconnect().catch(() => {})))
    const ack = version === '1.0' ? 'client' : 'client-individual'
    const subscription = await client.subscribe(destination, { ack, 'prefetch-count': '1' })
    for (const body of ['good', 'bad', 'better']) await client.send(destination, body)
    const take = async () => {
      const message = await subscription.next()
      return { message, body: message.body, count: message.headers['delivery-count'] }
    }
    const good = await take()
    expect([good.body, good.count]).toEqual(['good', '1'])
    good.message.ack()
    let next = await take()
    expect([next.body, next.count]).toEqual(['bad', '1'])
    if (version !== '1.0') {
      next.message.nack()
      next = await take()
      expect([next.body, next.count, next.message.headers['redelivered']]).toEqual(['bad', '2', 'true'])
      next.message.nack() // that was once too often
      next = await take()
      expect([next.body, next.count]).toEqual(['better', '1'])
    }
    next.message.ack()
    const left = version === '1.0' ? { pending: 1, dead: 0 } : { pending: 0, dead: 1 }
    await eventually(async () => expect(await countsOf(world.bridge, destination)).toMatchObject({ ready: 0, ...left }))
  })
})
