/** What every scenario is given: Redis, the clients, and how long to measure. Types only. */
import type { Redis } from 'ioredis'
import type { Clients } from './clients.ts'

export interface Stage {
  readonly redis: Redis
  readonly redisUrl: string
  readonly clients: Clients
  /** Where the ordinary rows say 1,000. */
  readonly subscribers: number
  /** Rounds of each contender, in turns with the others. */
  readonly rounds: number
  /** Length of a round, in seconds. */
  readonly seconds: number
  /** Is this the short run? */
  readonly isQuick: boolean
  /** Tell who watches what is going on. */
  say(text: string): void
}
