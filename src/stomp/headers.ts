/** Reading the headers of a client's frame. */
import type { Frame } from '../../frames/index.ts'
import { ProtocolError } from '../errors.ts'

/** Errors: ProtocolError `missing-header`. */
export function requireHeader(frame: Frame, name: string): string {
  const value = frame.headers.get(name)
  if (value === undefined) throw new ProtocolError('missing-header', `${frame.command} needs a "${name}" header`)
  return value
}
