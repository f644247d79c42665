/** Nodes with presence on a network in memory, and watchers that keep the list as a client does. */
import { expect } from 'vitest'
import { Presence } from '../../src/presence/presence.ts'
import { GRACE_MS } from '../../src/presence/grace.ts'
import { ClusterStage, LEASE_MS, ownClock, type StagedNode } from '../cluster/stage.ts'

export { GRACE_MS, LEASE_MS }

export interface PresenceNode extends StagedNode {
  readonly presence: Presence
  isAlive: boolean
}

/** What one client that watches is told; fails when it is told what cannot be. */
export class Watching {
  readonly destination: string
  readonly events: string[] = []
  /** Users that the client takes for present; undefined before the snapshot. */
  present: Set<string> | undefined
  readonly unwatch: () => void

  constructor({ presence }: PresenceNode, destination: string) {
    this.destination = destination
    this.unwatch = presence.watch(destination, {
      snapshot: (users) => {
        expect(this.present, 'a second snapshot').toBeUndefined()
        this.present = new Set(users.map(({ user }) => user))
        this.events.push(`snapshot ${users.map(({ user, sessions }) => `${user}:${sessions}`).join(' ')}`.trim())
      },
      join: (user, session) => {
        expect(this.present?.has(user), `join of ${user}, who is there`).toBe(false)
        this.present?.add(user)
        this.events.push(`join ${user} ${session}`)
      },
      leave: (user, session) => {
        expect(this.present?.has(user), `leave of ${user}, who is not there`).toBe(true)
        this.present?.delete(user)
        this.events.push(`leave ${user} ${session}`)
      },
    })
  }
}

export class PresenceStage extends ClusterStage {
  readonly nodes: PresenceNode[] = []
  #count = 0

  /** Started, but not known yet. */
  add(id = `n${++this.#count}`): PresenceNode {
    const staged = this.create(id)
    const clock = ownClock(this.clock, staged.bus)
    const presence = new Presence({ destinations: ['/topic/**'], cluster: staged.cluster, clock })
    const node = { ...staged, presence, isAlive: true }
    this.nodes.push(node)
    this.start(node)
    return node
  }

  async addAll(...ids: string[]): Promise<PresenceNode[]> {
    const nodes = ids.map((id) => this.add(id))
    await this.pass(300)
    return nodes
  }

  kill(node: PresenceNode): void {
    node.isAlive = false
    node.bus.kill()
  }

  /** As a bridge closes when its sessions have gone. */
  async stop(node: PresenceNode): Promise<void> {
    node.isAlive = false
    node.presence.close()
    await node.cluster.close()
    await node.bus.close()
  }
}
