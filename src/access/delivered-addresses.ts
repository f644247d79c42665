/** For whoever delivers: which destinations are addresses, and which of them nothing can be sent to. */
import { addressProblem, addressRoot } from './addresses.ts'

export const ADDRESSES = {
  covers: (destination: string): boolean => addressRoot(destination) !== undefined,
  problem: addressProblem,
}
