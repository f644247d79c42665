/** One line of the results. */

export const Unit = {
  /** Server CPU per delivered message. */
  perDelivery: 'µs CPU/delivery',
  perMessage: 'µs CPU/message',
  perRequest: 'µs CPU/request',
  perConnection: 'µs CPU/connection',
  kilobytes: 'KB/session',
  milliseconds: 'ms',
  throughput: 'MB/s',
  commands: 'Redis commands/s',
  scripts: 'Redis scripts',
  grown: 'MB more',
} as const
export type Unit = (typeof Unit)[keyof typeof Unit]

export interface Row {
  /** Name of the scenario, as `--only` takes it. */
  readonly scenario: string
  /** What was done, in words; rows of one scenario and case are compared. */
  readonly case: string
  readonly contender: string
  readonly unit: Unit
  /** Median of the rounds. */
  readonly value: number
  /** Every round, in order: the same round of two contenders ran side by side. */
  readonly rounds: readonly number[]
  /** Deliveries, messages or connections, by the wall clock. */
  readonly perSecond?: number
  /** What a delivered message takes on the wire, where that is measured. */
  readonly wireBytes?: number
  /** From publishing to reading, in milliseconds. */
  readonly latencyMs?: { readonly p50: number; readonly p99: number; readonly p999: number }
  /** Median of each round, in milliseconds; for ratios. */
  readonly p50Rounds?: readonly number[]
  /** Of the busiest generator process, as a part of a core. */
  readonly generatorLoad?: number
  readonly note?: string
}

/** From this part of a core on the generator may be what is measured, as far as messages per second go. */
export const GENERATOR_LIMIT = 0.9
