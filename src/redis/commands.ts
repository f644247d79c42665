/**
 * What is stored in Redis goes through here: on the connection that publishes, and as careful as the bus. Whoever
 * stores something has keys and commands, and knows nothing of connections.
 */
import { BusUnavailableError } from '../bus/bus.ts'
import type { RedisConnections } from './connections.ts'
import { publishFailure } from './replies.ts'

export class RedisCommands {
  readonly #connections: RedisConnections

  constructor(connections: RedisConnections) {
    this.#connections = connections
  }

  /** Returns the key as Redis calls it. */
  key(name: string): string {
    return this.#connections.keyPrefix + name
  }

  /** Is Redis a Cluster, where each key is on one of several nodes? */
  get isCluster(): boolean {
    return this.#connections.router !== undefined
  }

  /** Returns a way to send commands without keys to each node, with answers and rejections as `send`. */
  everywhere(): readonly RedisCommands['send'][] {
    const { router } = this.#connections
    if (!router) return [(name, ...args) => this.send(name, ...args)]
    return router.nodes.members.map(
      ({ connection }) =>
        (name, ...args) =>
          this.#answer(() => connection.client.call(name, ...args)),
    )
  }

  /**
   * Resolves to what Redis answers. Rejects with BusUnavailableError when it is away, takes too long or cannot do it now,
   * and with BusRefusedError when its access rules forbid it.
   */
  send(name: string, ...args: (string | number | Buffer)[]): Promise<unknown> {
    return this.#answer(() => this.#connections.call(name, args))
  }

  /** The same for an answer that may be no text: texts in it are bytes. */
  sendForBytes(name: string, ...args: (string | number | Buffer)[]): Promise<unknown> {
    return this.#answer(() => this.#connections.callBuffer(name, args))
  }

  async #answer(ask: () => Promise<unknown>): Promise<unknown> {
    const { areCommandsReady, unavailableReason } = this.#connections
    if (!areCommandsReady) throw new BusUnavailableError(unavailableReason ?? 'Redis is not connected')
    try {
      return await ask()
    } catch (error) {
      this.#connections.notice(error)
      throw publishFailure(error)
    }
  }
}
