/** The users of the configuration, with a name and a password. */
import type { ProtocolError } from '../errors.ts'
import type { Authenticator, Credentials, Verdict } from './authenticator.ts'
import type { Identity } from './identity.ts'
import { parsePasswordHash, unmatchable, verifyPassword, type PasswordHash } from './passwords.ts'
import { loginUnavailable } from './unavailable.ts'
import { WorkQueue } from './work-queue.ts'

export interface UserEntry {
  readonly name: string
  /** As `hashPassword` makes it. */
  readonly passwordHash: string
  readonly groups?: readonly string[] | undefined
}

export interface UsersOptions {
  readonly users: readonly UserEntry[]
  /** Tickets are of another authenticator, whatever login stands beside them. */
  readonly isTicket?: ((token: string) => boolean) | undefined
}

/** A check takes 32 MiB and a thread of the runtime's few for about 0.2 s. */
const MAX_CHECKS = 2
/** A few seconds of waiting. */
const MAX_WAITING = 32
/** Longest password, in characters. */
const MAX_PASSWORD = 1024

export class UsersAuthenticator implements Authenticator {
  readonly type = 'users'
  readonly #users: ReadonlyMap<string, { identity: Identity; password: PasswordHash }>
  /** Checked for names that do not exist, so that the time does not tell which ones do. */
  readonly #nobody: PasswordHash
  readonly #isTicket: (token: string) => boolean
  readonly #queue = new WorkQueue({ maxRunning: MAX_CHECKS, maxWaiting: MAX_WAITING })

  /** Errors: throws Error for a hash of another form. */
  constructor({ users, isTicket = () => false }: UsersOptions) {
    this.#users = new Map(
      users.map(({ name, passwordHash, groups }) => {
        const password = parsePasswordHash(passwordHash)
        if (!password) throw new Error(`The password hash of user "${name}" is not of the form scrypt$N$r$p$salt$hash`)
        return [name, { identity: { user: name, groups }, password }]
      }),
    )
    this.#nobody = unmatchable([...this.#users.values()][0]?.password)
    this.#isTicket = isTicket
  }

  authenticate({ login, passcode, remoteAddress, signal }: Credentials): Verdict | Promise<Verdict> {
    if (login === undefined || passcode === undefined || this.#isTicket(passcode)) return 'not-mine'
    if (passcode.length > MAX_PASSWORD) return 'refused'
    const known = this.#users.get(login)
    const check = async (): Promise<Verdict> => {
      const fits = await verifyPassword(passcode, known?.password ?? this.#nobody)
      return fits && known ? known.identity : 'refused'
    }
    const busy = (): ProtocolError => loginUnavailable(new Error('too many passwords wait to be checked'))
    const left = (): ProtocolError => loginUnavailable(new Error('the client has left'))
    return this.#queue.run(check, { source: remoteAddress, signal, full: busy, left })
  }
}
