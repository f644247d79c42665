/** How what is written to subscribers is watched, so that one who does not read is found in time. Types only. */

/** How much somebody was sent since all outputs were looked at; kept by whoever writes, counted by the meter. */
export interface Tally {
  /** The look that it counts from. */
  look: number
  /** Characters of text, bytes of binary frames. */
  lengthSinceLook: number
  /**
   * The part of it that counts for somebody who is sent what all tallies stand for: who is in many topics can be behind
   * although each has little. 0 where it is one subscriber's own.
   */
  readonly shareOfAll: number
}

export interface OutputMeter {
  /** Each subscriber that the tally stands for was sent at most so much more. */
  wrote(tally: Tally, length: number): void
}
