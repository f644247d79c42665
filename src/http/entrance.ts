/**
 * Owns what every request passes that is to become a client: is there room, who is it, may it have what it asks for. All
 * of it is settled before the connection is anything but HTTP, so that a refusal is an HTTP error.
 */
import type { Access } from '../access/access.ts'
import type { HandshakeVerdict } from '../access/gate.ts'
import { isPromise, type Credentials } from '../access/authenticator.ts'
import type { Handshake } from '../access/handshake.ts'
import type { Identity } from '../access/identity.ts'
import type { Broker } from '../broker/broker.ts'
import type { Comer } from '../client/clients.ts'
import { refusalError, type Refusal } from '../client/refusals.ts'
import { requireWithin, type SubscriptionLimits } from '../client/subscriptions.ts'
import { isPattern } from '../destinations.ts'
import { requireSendable, requireSubscribable } from '../client/authorize.ts'
import { ProtocolError } from '../errors.ts'
import type { QueueRules } from '../queue/queue-rules.ts'
import type { Ask } from '../recovery/ask.ts'
import { noHistory } from '../recovery/archive.ts'
import type { History } from '../recovery/history.ts'
import type { OpenSocket } from '../socket.ts'
import { requireAsk } from './asked.ts'
import { handshakeToken, type CredentialNames } from './credentials.ts'
import { errorResponse, HttpError } from './json-error.ts'
import { notAuthenticated } from './key-guard.ts'

/** What the entrance uses of the bridge. */
export interface EntranceDeps {
  /**
   * Counts one who wants to come in. Returns undefined when it may, beside so many who are on their way, as far as it can be
   * told before it is known who it is; else why not.
   */
  admission(coming: number, from: Comer): Refusal | undefined
  /** The same for who it is. */
  userAdmission(user: string | undefined): Refusal | undefined
  readonly access: Access
  /** Where a handshake may bring a credential. */
  readonly credentials: CredentialNames
  /** Ids of sessions that may come to be. */
  nextSessionId(): string
  readonly broker: Pick<Broker, 'claim'>
  /** Undefined if no destination has history. */
  readonly history: Pick<History, 'requireAskable'> | undefined
  readonly queueRules: Pick<QueueRules, 'ofSubscription'>
  readonly limits: SubscriptionLimits
  /** Longest time to find out who it is, and until the connection has opened; milliseconds. */
  readonly connectTimeoutMs: number
}

/** What a connection is opened for. */
interface Wanted {
  /** To subscribe. */
  readonly destinations: readonly string[]
  /** To send to, where that is settled before it is open. */
  readonly publishTo?: readonly { readonly destination: string }[] | undefined
  /** From where in the history of each of them it wants to go on, or why that cannot be. */
  readonly ask?: Ask | string | undefined
}

/** Destinations that the bus feeds, and a place, until the client that wants them has opened. */
export interface Claims {
  release(): void
}

/** Returns what the runtime is to call: either way the claims end, once the client has subscribed or if it never will. */
export function openWith(claims: Claims, open: OpenSocket): { open: OpenSocket; abandoned: () => void } {
  return {
    open(socket) {
      try {
        return open(socket)
      } finally {
        claims.release()
      }
    },
    abandoned: () => claims.release(),
  }
}

const NO_TOKEN = 'Login was refused; the request has no token'

/** Refusals of every operation that makes a client. */
export const entranceErrors = {
  400: errorResponse(
    'The destination cannot be subscribed to',
    'bad-destination',
    'Cannot subscribe to "/x": it must start with "/topic/"',
  ),
  401: errorResponse('The login is missing or wrong', 'not-authenticated', 'Login was refused'),
  403: errorResponse(
    'This user may not subscribe, or the page comes from an origin that is not allowed',
    'not-authorized',
    'You may not subscribe to "/topic/greetings"',
  ),
  408: errorResponse(
    'The login was not checked in time',
    'connect-timeout',
    'The login was not checked in time; try again',
  ),
  429: errorResponse(
    'This address or this user has too many sessions, or this address connects too often: try again after the seconds in ' +
      'Retry-After. Or too many destinations for a session',
    'too-many-connects',
    'Too many clients connect from this address just now: try again later',
  ),
  502: errorResponse(
    'Redis refuses the channel',
    'bus-refused',
    'Cannot subscribe to "/topic/greetings": Redis refuses its channel',
  ),
  503: errorResponse(
    'The node is full, stopping or busy: try again after the seconds in Retry-After',
    'too-many-sessions',
    'This node is full: try again later',
  ),
}

export class Entrance {
  readonly #deps: EntranceDeps
  /** Those of whom it is not known yet who they are, or whose connection has not opened yet. They are no clients so far. */
  #coming = 0

  constructor(deps: EntranceDeps) {
    this.#deps = deps
  }

  /** May anybody come in, whoever it is, as long as there is room? */
  get isOpenToAll(): boolean {
    return this.#deps.access.isOpen
  }

  /**
   * Once for each who wants to come in, and before all that costs more.
   * Errors: HttpError `too-many-sessions`, `too-many-sessions-of-address`, `too-many-connects`, `node-busy`, `shutting-down`.
   */
  admit(from: Comer): void {
    requireNone(this.#deps.admission(this.#coming, from))
  }

  /**
   * Lets in who comes with this request, for protocols that have no CONNECT: who is it, may it have these destinations?
   * Resolves when the bus feeds them, so that nothing is missed that is sent once the connection is open; while the bus is
   * away that is not waited for.
   *
   * `wish`: what it wants, which may depend on who it is.
   * `secret`: what stands where the endpoint says that the credential is, before all other places.
   * Errors: HttpError `not-authenticated`, `too-many-sessions-of-user`; what the authenticator throws; ProtocolError
   * `connect-timeout`, `too-many-subscriptions`, `not-authorized`, `bad-destination`, `no-history`, `bad-header`, `bus-refused`.
   */
  async enter<Wish extends Wanted>(
    request: Request,
    handshake: Handshake,
    secret: string | undefined,
    wish: (identity: Identity, session: string) => Wish,
  ) {
    const arrive = this.#come()
    try {
      const token = secret ?? this.tokenOf(handshake)
      const identity = await this.#ask(request, handshake, token, (credentials) =>
        this.#deps.access.authenticate(credentials),
      )
      if (!identity) throw notAuthenticated(token === undefined ? NO_TOKEN : 'Login was refused')
      requireNone(this.#deps.userAdmission(identity.user))
      const session = this.#deps.nextSessionId()
      const wanted = wish(identity, session)
      for (const { destination } of wanted.publishTo ?? []) requireSendable(this.#deps.access, identity, destination)
      return { identity, session, wanted, claims: await this.#claim(identity, session, wanted, arrive) }
    } catch (error) {
      arrive()
      throw error
    }
  }

  /**
   * Who is it, as far as the handshake says? Undefined if it says nothing: CONNECT may. At once where that needs no question.
   * Errors: HttpError `not-authenticated`, `too-many-sessions-of-user`; what the authenticators throw; ProtocolError
   * `connect-timeout`.
   */
  identify(request: Request, handshake: Handshake): Identity | undefined | Promise<Identity | undefined> {
    const token = this.tokenOf(handshake)
    const arrive = this.#come()
    try {
      const verdict = this.#ask(request, handshake, token, (credentials) =>
        this.#deps.access.authenticateHandshake(credentials),
      )
      if (isPromise(verdict)) return verdict.then((said) => this.#admitted(said)).finally(arrive)
      arrive()
      return this.#admitted(verdict)
    } catch (error) {
      arrive()
      throw error
    }
  }

  /** Returns the token that a request brings, maybe empty; undefined if it brings none. */
  tokenOf(handshake: Handshake): string | undefined {
    return handshakeToken(handshake, this.#deps.credentials)
  }

  /** Somebody is on the way in, and takes a place until the function that is returned is called. */
  #come(): () => void {
    this.#coming++
    let isComing = true
    return () => {
      if (isComing) this.#coming--
      isComing = false
    }
  }

  /** Errors: HttpError `not-authenticated`, `too-many-sessions-of-user`. */
  #admitted(verdict: HandshakeVerdict): Identity | undefined {
    const identity = identityOf(verdict)
    if (identity) requireNone(this.#deps.userAdmission(identity.user))
    return identity
  }

  #ask<Answer>(
    request: Request,
    handshake: Handshake,
    token: string | undefined,
    question: (credentials: Credentials) => Answer | Promise<Answer>,
  ): Answer | Promise<Answer> {
    const timeout = new AbortController()
    let signal: AbortSignal | undefined
    const answer = question({
      token,
      login: undefined,
      passcode: undefined,
      header: () => undefined,
      remoteAddress: handshake.remoteAddress,
      handshake,
      // Most never ask, and it costs more than the rest.
      get signal() {
        return (signal ??= AbortSignal.any([request.signal, timeout.signal]))
      },
    })
    return isPromise(answer) ? within(this.#deps.connectTimeoutMs, answer, () => timeout.abort()) : answer
  }

  /** Errors: ProtocolError `no-history`; `bad-header` for a pattern. */
  #requireHistory(internal: string, destination: string): void {
    const { history } = this.#deps
    if (!history) throw noHistory(destination)
    history.requireAskable(internal, destination)
  }

  async #claim(
    identity: Identity,
    session: string,
    { destinations, ask }: Wanted,
    arrive: () => void,
  ): Promise<Claims> {
    const { access, broker, connectTimeoutMs, limits, queueRules } = this.#deps
    requireWithin(limits, destinations.length, destinations.filter(isPattern).length)
    const addresses = destinations.map((each) => requireSubscribable(access, identity, session, each))
    const fed = addresses.filter(({ internal }) => !queueRules.ofSubscription(internal))
    if (ask !== undefined) {
      if (fed.length < addresses.length) throw new ProtocolError('bad-header', 'A work queue has no history to ask for')
      for (const [i, { internal }] of addresses.entries()) this.#requireHistory(internal, destinations[i]!)
      requireAsk(ask)
    }
    const releases: (() => void)[] = []
    const release = (): void => {
      clearTimeout(timer)
      arrive()
      for (const each of releases.splice(0)) each()
    }
    // A connection that never opens gives nothing back.
    const timer = setTimeout(release, connectTimeoutMs)
    try {
      // All of them at once: each is a way to Redis and back.
      const waits = fed.map(async ({ internal }) => {
        const claim = broker.claim(internal)
        releases.push(() => claim.release())
        if (claim.liveness) await Promise.race([claim.liveness.live, claim.liveness.liveOrLost])
      })
      await Promise.all(waits)
    } catch (error) {
      release()
      throw error
    }
    return { release }
  }
}

/** Errors: HttpError with the code of the refusal. */
function requireNone(refusal: Refusal | undefined): void {
  if (refusal === undefined) return
  const { code, message, headers } = refusalError(refusal)
  throw new HttpError(code, message, { headers: { 'Retry-After': headers['retry-after']! } })
}

/** Errors: HttpError `not-authenticated`. */
function identityOf(verdict: HandshakeVerdict): Identity | undefined {
  if (verdict === 'refused') throw notAuthenticated('Login was refused')
  return verdict === 'nothing' ? undefined : verdict
}

/** Errors: ProtocolError `connect-timeout`. */
async function within<T>(timeoutMs: number, work: T | Promise<T>, onTimeout: () => void): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      onTimeout()
      reject(new ProtocolError('connect-timeout', 'The login was not checked in time; try again'))
    }, timeoutMs)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
