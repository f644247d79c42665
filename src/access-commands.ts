/**
 * Owns the commands around `access`: hashes, keys and tokens to put into it or to try it with, and the question which
 * rule decides. Each returns what to print and the exit code. What it needs of the authenticators and rules of a bridge
 * is handed in.
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import { stringify } from 'yaml'
import type { Someone } from './command-line.ts'
import type { AccessConfig, AuthenticatorConfig, Config } from './config.ts'

/** What a command comes to. */
export interface CommandResult {
  readonly output: string
  /** 0 is yes or done, 1 is no, and 2 that it cannot be told. */
  readonly exitCode: 0 | 1 | 2
}

/** Who a client is, as an authenticator says. */
export interface CheckedIdentity {
  readonly user: string | undefined
  readonly groups?: readonly string[] | undefined
  /** Seconds since 1970. */
  readonly expiresAt?: number | undefined
}

/**
 * What the authenticators say of a token. Which one has decided is its place in the list; undefined: none knows it.
 * `reason` is for people, and continues a sentence.
 */
export type TokenVerdict =
  | { readonly authenticator: number; readonly identity: CheckedIdentity }
  | { readonly authenticator: number | undefined; readonly identity: undefined; readonly reason?: string | undefined }
  | { readonly cannotTell: string }

/** What the rules say of a wish, and why. */
export interface RuleDecision {
  readonly allowed: boolean
  /** The place of the deciding rule in the list; undefined if none of them has decided. */
  readonly rule: number | undefined
  /** For people: the rule, or what decides without one. */
  readonly reason: string
}

export type HashPassword = (password: string) => Promise<string>
export type CheckToken = (access: AccessConfig, token: string) => Promise<TokenVerdict>
export type ExplainRules = (
  access: AccessConfig,
  identity: Someone,
  action: 'subscribe' | 'send',
  destination: string,
) => RuleDecision

const KEY_BYTES = 32
const DEFAULT_TTL_SECONDS = 3600

/** `hash-password`. */
export async function hashPasswordCommand(password: string, hashPassword: HashPassword): Promise<CommandResult> {
  if (password === '') return usage('The password must not be empty.')
  return done(`${await hashPassword(password)}\n`)
}

/** `gen-api-key`: a new key, its digest, and the line of the configuration that has only the digest. */
export function genApiKeyCommand(name = 'backend'): CommandResult {
  const key = randomBytes(KEY_BYTES).toString('base64url')
  const keyHash = createHash('sha256').update(key).digest('hex')
  const entry = stringify([{ name, keyHash, scopes: ['publish', 'read'] }], { collectionStyle: 'flow', lineWidth: 0 })
  return done(
    [
      `key:     ${key}`,
      `keyHash: ${keyHash}`,
      '',
      'Give the key to the backend, and the bridge only its digest, in access.apiKeys, with the scopes',
      'that the backend needs (publish, read, tickets, admin):',
      `  - ${entry.trim().replace(/^\[\s*|\s*\]$/g, '')}`,
      '',
    ].join('\n'),
  )
}

/** `gen-token`: a JWT that the first authenticator with a secret takes. `now`: seconds since 1970. */
export async function genTokenCommand(
  { access }: Config,
  { user, groups, claims }: Someone,
  ttlSeconds = DEFAULT_TTL_SECONDS,
  now = Math.floor(Date.now() / 1000),
): Promise<CommandResult> {
  const jwt = access?.authenticators.find(isSharedSecret)
  if (!jwt) {
    return usage(
      'There is no secret to sign with: access.authenticators needs one with type: jwt, an HS algorithm and a secret.',
    )
  }
  const own = { [jwt.userClaim]: user, ...(groups === undefined ? {} : { [jwt.groupsClaim]: groups }) }
  const token = new SignJWT({ jti: randomUUID(), ...claims, ...own })
    .setProtectedHeader({ alg: jwt.algorithms[0]!, typ: 'JWT' })
    .setIssuedAt(now)
    .setExpirationTime(now + ttlSeconds)
  if (jwt.issuer !== undefined) token.setIssuer(jwt.issuer)
  if (jwt.audience !== undefined) token.setAudience(jwt.audience)
  return done(`${await token.sign(new TextEncoder().encode(jwt.secret))}\n`)
}

type Jwt = Extract<AuthenticatorConfig, { type: 'jwt' }>

function isSharedSecret(authenticator: AuthenticatorConfig): authenticator is Jwt & { secret: string } {
  return authenticator.type === 'jwt' && authenticator.secret !== undefined
}

/** `check-token`. `now`: seconds since 1970. */
export async function checkTokenCommand(
  { access }: Config,
  token: string,
  checkToken: CheckToken,
  now = Math.floor(Date.now() / 1000),
): Promise<CommandResult> {
  if (!access) return usage('There is no access in the configuration: no token is looked at, and anyone may come in.')
  if (token === '') return usage('The token must not be empty.')
  const verdict = await checkToken(access, token)
  if ('cannotTell' in verdict) return usage(`It cannot be told: ${verdict.cannotTell}.`)
  const { authenticator, identity } = verdict
  const place = `access.authenticators[${authenticator}] (${access.authenticators[authenticator ?? -1]?.type})`
  if (!identity) {
    const who = authenticator === undefined ? 'Refused: no authenticator knows such a token' : `Refused by ${place}`
    return no(`${who}${verdict.reason === undefined ? '' : `: ${verdict.reason}`}\n`)
  }
  const { user, groups = [], expiresAt } = identity
  return done(
    [
      `Accepted by ${place}`,
      `  user     ${user ?? 'nobody: anonymous'}`,
      `  groups   ${groups.length === 0 ? 'none' : groups.join(', ')}`,
      `  expires  ${expiresAt === undefined ? 'never' : expiryText(expiresAt, now)}`,
      '',
    ].join('\n'),
  )
}

function expiryText(expiresAt: number, now: number): string {
  const date = new Date(expiresAt * 1000)
  const when = Number.isNaN(date.getTime()) ? 'at some time' : date.toISOString().replace('.000', '')
  return `${when}, ${expiresAt > now ? 'in' : 'over since'} ${Math.abs(Math.round(expiresAt - now))} s`
}

/** `explain`: which rule decides. */
export function explainCommand(
  { access }: Config,
  someone: Someone,
  [action = '', destination = '']: readonly string[],
  explainRules: ExplainRules,
): CommandResult {
  if (action !== 'subscribe' && action !== 'send') {
    return usage(`The action must be subscribe or send, not "${action}".`)
  }
  if (!destination.startsWith('/')) return usage(`The destination must start with "/", and is "${destination}".`)
  if (!access) return done('Allowed: there is no access in the configuration, so anyone may do anything\n')
  const { allowed, rule, reason } = explainRules(access, someone, action, destination)
  const place = rule === undefined ? '' : `access.rules[${rule}] `
  return (allowed ? done : no)(`${allowed ? 'Allowed' : 'Denied'}: ${place}${reason}\n`)
}

function done(output: string): CommandResult {
  return { output, exitCode: 0 }
}

function no(output: string): CommandResult {
  return { output, exitCode: 1 }
}

/** Errors are for standard error, and are no answer. */
function usage(problem: string): CommandResult {
  return { output: `${problem}\n`, exitCode: 2 }
}
