/** What an attempt fails with. */
import { ProtocolError } from '../../src/errors.ts'

/** Undefined if it does not fail. */
export function failureOf(attempt: () => unknown): unknown {
  try {
    attempt()
  } catch (error) {
    return error
  }
  return undefined
}

/** The code of the ProtocolError that it fails with; any other error as it is. */
export function codeOf(attempt: () => unknown): unknown {
  const error = failureOf(attempt)
  return error instanceof ProtocolError ? error.code : error
}
