/** What a message of a work queue says of how often it was given to somebody. Pure. */
import type { Frame } from '../../frames/index.ts'

export interface Redelivery {
  /** This time included; undefined where the server does not count. */
  readonly deliveries: number | undefined
}

/** Undefined if it comes for the first time, as far as it says. */
export function redeliveryOf({ headers }: Frame): Redelivery | undefined {
  const count = headers.get('delivery-count') ?? ''
  const deliveries = /^\d{1,15}$/.test(count) ? Number(count) : undefined
  const isAgain = headers.get('redelivered') === 'true' || (deliveries ?? 0) > 1
  return isAgain ? { deliveries } : undefined
}

/** `delivery 3`. */
export function redeliveryWords({ deliveries }: Redelivery): string {
  return deliveries === undefined ? 'redelivered' : `delivery ${deliveries.toLocaleString('en')}`
}
