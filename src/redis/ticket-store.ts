/** Tickets in Redis: each is there until it is taken, by one of all nodes, or its time is over. */
import type { RedisCommands } from './commands.ts'

export class RedisTicketStore {
  readonly #commands: RedisCommands

  constructor(commands: RedisCommands) {
    this.#commands = commands
  }

  /** Rejects as {@link RedisCommands.send}. */
  async put(id: string, value: string, ttlSeconds: number): Promise<void> {
    await this.#commands.send('SET', this.#key(id), value, 'EX', ttlSeconds)
  }

  /** Returns what was put there, to the first who asks; undefined to all others. Rejects as {@link RedisCommands.send}. */
  async take(id: string): Promise<string | undefined> {
    const value = await this.#commands.send('GETDEL', this.#key(id)) // Redis 6.2
    return typeof value === 'string' ? value : undefined
  }

  #key(id: string): string {
    return this.#commands.key(`stomp-bridge:ticket:${id}`)
  }
}
