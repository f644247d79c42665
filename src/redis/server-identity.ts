/** Who may be at the other end of a connection with TLS where there are several servers: by the names in its certificate. */
import { isIP } from 'node:net'
import { checkServerIdentity, type ConnectionOptions } from 'node:tls'

/**
 * Returns what goes with a connection to a server that may have any of these names or addresses; the first name is asked for. Who has
 * none of them is not let through.
 */
export function identityOptions(
  names: readonly string[],
): Pick<ConnectionOptions, 'servername' | 'checkServerIdentity'> {
  const asked = names.find((name) => isIP(name) === 0) // an address cannot be asked for
  return {
    ...(asked === undefined ? {} : { servername: asked }),
    checkServerIdentity(_name, certificate) {
      const problems = names.map((name) => checkServerIdentity(name, certificate))
      return problems.includes(undefined) ? undefined : problems[0]
    },
  }
}
