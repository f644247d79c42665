/** What a node says of its sessions when it is asked. */
import { describe, expect, it } from 'vitest'
import { ClientSessions } from '../../src/client/client-sessions.ts'
import { Stage } from '../stomp/stage.ts'
import { turn } from '../support/fake-turn.ts'

const access = { authenticate: ({ login }: { readonly login?: string | undefined }) => ({ user: login }) }

/** Alice, who has subscribed. */
async function alice() {
  const stage = new Stage({ access })
  const client = await stage.connect({ login: 'alice' })
  client.frame('SUBSCRIBE', { id: '1', destination: '/topic/a' })
  await turn()
  return { client, sessions: new ClientSessions(stage.clients), id: stage.sessions[0]!.client.id }
}

describe('a session', () => {
  it('is there until it ends', async () => {
    const { sessions, id } = await alice()
    expect([...sessions.users()]).toEqual([{ user: 'alice', sessions: 1 }])
    expect([...sessions.sessionsOf('alice')]).toMatchObject([{ id, user: 'alice' }])
    expect([...sessions.subscribers('/topic/a')]).toMatchObject([{ id }])
    expect(sessions.close(id)).toBe(true)
  })

  it.each<[string, (on: Awaited<ReturnType<typeof alice>>) => unknown]>([
    ['has said DISCONNECT', ({ client }) => client.frame('DISCONNECT', { receipt: 'bye' })],
    ['was closed', ({ sessions, id }) => sessions.close(id)],
    ['was closed with all of its user', ({ sessions }) => sessions.closeUser('alice')],
    ['was revoked', ({ sessions }) => sessions.endRevoked({ user: 'alice' })],
  ])('that %s is not there any more, although its connection is open', async (_which, end) => {
    const on = await alice()
    end(on)
    await turn()
    const { client, sessions, id } = on
    expect(client.socket.isOpen).toBe(true)
    expect([...sessions.users()]).toEqual([])
    expect([...sessions.sessionsOf('alice')]).toEqual([])
    expect([...sessions.subscribers('/topic/a')]).toEqual([])
    expect(sessions.close(id)).toBe(false)
    expect(sessions.closeUser('alice')).toBe(0)
    expect(sessions.endRevoked({ user: 'alice' })).toBe(0)
  })
})
