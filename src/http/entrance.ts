/**
 * Owns what every request passes that is to become a client: is there room, who is it, may it have what it asks for. All
 * of it is settled before the connection is anything but HTTP, so that a refusal is an HTTP error.
 */
import type { Authenticator, Credentials } from '../access/authenticator.ts'
import type { Handshake } from '../access/handshake.ts'
import type { Identity } from '../access/identity.ts'
import type { Broker } from '../broker/broker.ts'
import type { Refusal } from '../client/clients.ts'
import { ProtocolError, quoted } from '../errors.ts'
import { HttpError } from './json-error.ts'

/** What the entrance uses of the bridge. */
export interface EntranceDeps {
  /** Undefined when a new client may come in now, else why not. */
  admission(): Refusal | undefined
  readonly authenticator: Authenticator
  readonly broker: Pick<Broker, 'claim'>
  /** Longest time to find out who it is, and until the connection has opened; milliseconds. */
  readonly connectTimeoutMs: number
}

/** Destinations that the bus feeds, until the client that wants them has subscribed. */
export interface Claims {
  release(): void
}

/** Seconds after which a refused client may try again: another node will be found sooner than a free place. */
const RETRY_AFTER_S: Readonly<Record<Refusal, string>> = { draining: '1', full: '5' }

export class Entrance {
  readonly #deps: EntranceDeps

  constructor(deps: EntranceDeps) {
    this.#deps = deps
  }

  get isOpen(): boolean {
    return this.#deps.admission() === undefined
  }

  /** Errors: HttpError `too-many-sessions`, `shutting-down`. */
  admit(): void {
    const reason = this.#deps.admission()
    if (reason === undefined) return
    const headers = { 'Retry-After': RETRY_AFTER_S[reason] }
    if (reason === 'full') throw new HttpError('too-many-sessions', 'This node is full: try again later', { headers })
    throw new HttpError('shutting-down', 'This node is being shut down: connect again to reach another', { headers })
  }

  /**
   * Who is it? For protocols that have no CONNECT.
   * `secret`: what stands where the endpoint says that the credential is.
   * Errors: HttpError `not-authenticated`; what the authenticator throws; ProtocolError `connect-timeout`.
   */
  async identify(handshake: Handshake, secret: string | undefined, signal: AbortSignal): Promise<Identity> {
    const timeout = new AbortController()
    const credentials: Credentials = {
      login: undefined,
      passcode: secret,
      header: () => undefined,
      remoteAddress: handshake.remoteAddress,
      handshake,
      signal: AbortSignal.any([signal, timeout.signal]),
    }
    const answer = this.#deps.authenticator.authenticate(credentials)
    const identity = await within(this.#deps.connectTimeoutMs, answer, () => timeout.abort())
    if (identity) return identity
    throw new HttpError('not-authenticated', 'Login was refused', { headers: { 'WWW-Authenticate': 'Bearer' } })
  }

  /**
   * May it have these destinations? When the bus feeds them, so that nothing is missed that is sent once the connection is
   * open; while the bus is away that is not waited for.
   * Errors: ProtocolError `not-authorized`, `bad-destination`, `bus-refused`.
   */
  async claim(identity: Identity, destinations: readonly string[]): Promise<Claims> {
    const { authenticator, broker, connectTimeoutMs } = this.#deps
    for (const destination of destinations) {
      if (authenticator.maySubscribe(identity, destination)) continue
      throw new ProtocolError('not-authorized', `You may not subscribe to ${quoted(destination)}`)
    }
    const releases: (() => void)[] = []
    const release = (): void => {
      clearTimeout(timer)
      for (const each of releases.splice(0)) each()
    }
    // A connection that never opens gives nothing back.
    const timer = setTimeout(release, connectTimeoutMs)
    try {
      for (const destination of destinations) {
        const claim = broker.claim(destination)
        releases.push(() => claim.release())
        if (claim.liveness) await Promise.race([claim.liveness.live, claim.liveness.liveOrLost])
      }
    } catch (error) {
      release()
      throw error
    }
    return { release }
  }
}

/** Errors: ProtocolError `connect-timeout`. */
async function within<T>(timeoutMs: number, work: T | Promise<T>, onTimeout: () => void): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      onTimeout()
      reject(new ProtocolError('connect-timeout', 'The login was not checked in time: try again'))
    }, timeoutMs)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
