/** Commands that a server may not let us use, as managed ones do, and what is missing then. */
import type { SendCommand } from './nodes.ts'
import { isPassing, isReply } from './replies.ts'

const OPTIONAL: readonly { readonly command: readonly [string, ...string[]]; readonly without: string }[] = [
  {
    command: ['CLIENT', 'ID'],
    without:
      'CLIENT: connections may have no name, nodes are not listed, and a node turns to another queue a little later',
  },
  {
    command: ['INFO', 'server'],
    without: 'INFO: since-time reaches back to when the first bridge came, and not further',
  },
]

const NO_ROLE = 'ROLE, INFO and HELLO: a replica is noticed only when it refuses to write'

export interface Missing {
  /** One text for each: what, and what follows. */
  readonly missing: readonly string[]
  /** Is all of it a matter of the rights of our user? */
  readonly isForbidden: boolean
}

/** Resolves to what is missing; to nothing when the connection goes meanwhile. */
export async function findMissing(send: SendCommand, isRoleUnknown: boolean): Promise<Missing> {
  const missing = isRoleUnknown ? [NO_ROLE] : []
  let isForbidden = true
  for (const { command, without } of OPTIONAL) {
    try {
      await send(...command)
    } catch (error) {
      if (!isReply(error) || isPassing(error)) return { missing: [], isForbidden }
      missing.push(without)
      if (!error.message.startsWith('NOPERM')) isForbidden = false
    }
  }
  return { missing, isForbidden }
}
