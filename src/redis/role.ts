/** Is this Redis the one that hands on what is published? A replica takes PUBLISH too, and tells nobody but its own clients. */
import type { SendCommand } from './nodes.ts'
import { isPassing, isReply } from './replies.ts'

/** Ways to ask, best first: many a Redis does not let us use ROLE and INFO, and HELLO says it too. */
const WAYS: readonly {
  readonly command: readonly [string, ...string[]]
  readonly roleIn: (reply: unknown) => unknown
}[] = [
  { command: ['ROLE'], roleIn: (reply) => (reply as readonly unknown[])[0] },
  { command: ['INFO', 'replication'], roleIn: (reply) => /^role:(\w+)/m.exec(String(reply))?.[1] },
  {
    command: ['HELLO'],
    // A list of name, value, name, value …
    roleIn: (reply) => (reply as readonly unknown[]).find((_, i, list) => i % 2 === 1 && list[i - 1] === 'role'),
  },
]

export class RoleCheck {
  readonly #send: SendCommand
  /** The way that works here. */
  #way = 0

  constructor(send: SendCommand) {
    this.#send = send
  }

  /** The connection is another one: it may be allowed more, or less. */
  reset(): void {
    this.#way = 0
  }

  /** Has this server not said it, however it was asked? */
  get isUnknown(): boolean {
    return this.#way === WAYS.length
  }

  /**
   * Resolves to what is wrong with the role of this server; to undefined when nothing is, and when it does not say.
   * Rejects when it cannot be asked now.
   */
  async problem(): Promise<string | undefined> {
    for (; this.#way < WAYS.length; this.#way++) {
      const { command, roleIn } = WAYS[this.#way]!
      try {
        return problemOf(roleIn(await this.#send(...command)))
      } catch (error) {
        if (!isReply(error) || isPassing(error)) throw error
      }
    }
    return undefined
  }
}

function problemOf(role: unknown): string | undefined {
  if (role === 'slave' || role === 'replica') return REPLICA_PROBLEM
  if (role === 'sentinel') return 'this server is a Sentinel, not a Redis'
  return undefined
}

export const REPLICA_PROBLEM = 'this server is a replica, so what is published there reaches nobody else'
