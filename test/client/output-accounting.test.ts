/**
 * What a session counts as sent is what its socket was given, whichever way the messages took: by itself, through a group
 * that had one member or several, or held back and sent later.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { FakeClient } from '../support/fake-socket.ts'
import { turn } from '../support/fake-turn.ts'
import { Stage } from '../stomp/stage.ts'

const CLIENTS = 3

type Step =
  | readonly ['subscribe' | 'unsubscribe' | 'stall' | 'read', client: number]
  | readonly ['deliver', destination: number, bodyLength: number]
  | readonly ['turn']

const client = fc.nat(CLIENTS - 1)
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.tuple(fc.constant('subscribe' as const), client) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('unsubscribe' as const), client) },
    { weight: 2, arbitrary: fc.tuple(fc.constantFrom('stall' as const, 'read' as const), client) },
    { weight: 4, arbitrary: fc.tuple(fc.constant('deliver' as const), fc.nat(1), fc.constantFrom(0, 10, 700)) },
    { weight: 2, arbitrary: fc.constant(['turn'] as const) },
  ),
  { maxLength: 40 },
)

describe('session, what it counts as sent', () => {
  it('is what its socket was given, through any coming, going, falling behind and catching up', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const stage = new Stage({
          slowClients: [{ destination: '/topic/a', policy: 'drop-oldest', maxBytes: 5000, maxAgeMs: 60_000 }],
        })
        const clients: FakeClient[] = []
        for (let i = 0; i < CLIENTS; i++) clients.push(await stage.connect())
        const subscribed = clients.map(() => false)
        for (const step of all) {
          if (step[0] === 'turn') {
            await turn()
            stage.clock.advance(100)
            continue
          }
          if (step[0] === 'deliver') {
            stage.bus.deliver(`topic:${step[1] === 0 ? 'a' : 'b'}`, 'x'.repeat(step[2]))
            continue
          }
          const { socket } = clients[step[1]]!
          if (step[0] === 'stall') socket.isRead = false
          if (step[0] === 'read') {
            socket.isRead = true
            socket.bufferedBytes = 0
          }
          if (step[0] !== 'subscribe' && step[0] !== 'unsubscribe') continue
          const isSubscribed = step[0] === 'subscribe'
          if (subscribed[step[1]] === isSubscribed) continue
          subscribed[step[1]] = isSubscribed
          for (const name of ['a', 'b']) {
            clients[step[1]]!.frame(step[0].toUpperCase(), { id: name, destination: `/topic/${name}` })
          }
        }
        await turn()
        for (const [i, { socket }] of clients.entries()) {
          const given = socket.sent.reduce((sum, { length }) => sum + length, 0)
          if (socket.closes.length === 0) expect(stage.sessions[i]!.client.totalBytes).toBe(given)
        }
      }),
      { numRuns: 200 },
    )
  })
})
