/**
 * Every error code as tables, for docs/protocol.md: the close code and HTTP status from the sources, the meaning from
 * here. A code without a meaning, or a meaning without a code, is an error.
 */
import { FrameErrorCode } from '../../frames/index.ts'
import { ERRORS } from '../../src/errors.ts'
import { HTTP_ERRORS } from '../../src/http/json-error.ts'
import { code, table } from './markdown.ts'

/** The close after an error that the codec finds; see src/stomp/responses.ts. */
const FRAME_ERROR_CLOSE = 1002

const MEANINGS: Readonly<Record<string, string>> = {
  // connecting
  'connect-required': 'The first frame was not CONNECT or STOMP',
  'already-connected': 'A second CONNECT on one connection',
  'connect-timeout': 'No CONNECT in time, or the login was not checked in time',
  'unsupported-version': 'The client accepts neither STOMP 1.0, 1.1 nor 1.2; the header `version` lists them',
  'heart-beat-timeout': 'Nothing came from the client for longer than agreed',
  'not-authenticated': 'The login is missing or wrong. HTTP: the API key is',
  'not-authorized':
    'No rule lets this user subscribe to, or send to, this destination. HTTP: the API key does not have the scope',
  'auth-unavailable':
    'It cannot be found out now who the client is: the auth service or the key server does not answer',
  'too-many-attempts':
    'Too many failed logins from this address; `retry-after` (HTTP: `Retry-After`) says when to try again',
  'token-expired': 'The credential has expired and was not renewed in time',
  revoked: 'The credential, or everything of this user, was revoked',
  // frames
  'unknown-command': 'There is no such command, or not in the agreed version',
  'missing-header': 'A required header is missing',
  'bad-header': 'A header has a value that is not allowed here',
  'bad-destination':
    'The destination is outside the configured prefixes, names a user or group that is not percent-encoded, is too long, or has too many segments',
  'bad-body': 'The codec of the route cannot carry this body, for example because it is not JSON',
  'no-route': 'No route takes this destination',
  'no-queue': 'Over HTTP: the destination is no work queue',
  'no-history': 'The client asks for earlier messages, and this destination keeps none',
  'duplicate-subscription': 'The subscription id is already in use on this connection',
  'unknown-ack':
    'ACK or NACK for a message that cannot have been delivered here. One that comes late, or for a message of a work queue that somebody else has, is answered and changes nothing',
  'duplicate-transaction': 'BEGIN with the name of a transaction that is open',
  'unknown-transaction': 'The transaction is not open',
  // limits
  'too-many-subscriptions': '`limits.maxSubscriptions` or `limits.maxPatterns` is reached',
  'too-many-transactions': '`limits.maxTransactions` is reached',
  'transaction-too-large': '`limits.maxTransactionFrames` or `limits.maxTransactionBytes` is reached',
  'queue-full': 'The work queue holds as many messages as `maxLength` says. Nothing of what was sent with it was taken',
  'rate-limited': 'Over one of `limits.rates`; `retry-after` says when to try again. The session goes on',
  flooding: 'The client keeps sending although the bridge has stopped reading from it',
  'slow-consumer': 'The client does not read. Only the close is sent: an ERROR would wait behind the unread output',
  'too-many-sessions': '`limits.maxSessions` is reached; `retry-after` (HTTP: `Retry-After`) says when to try again',
  'too-many-sessions-of-address': '`limits.maxSessionsPerAddress` is reached; `retry-after` as above',
  'too-many-sessions-of-user': '`limits.maxSessionsPerUser` is reached; `retry-after` as above',
  'too-many-connects': 'Over `limits.connectsPerSecondPerAddress`; `retry-after` as above',
  'node-busy': 'Over `limits.connectsPerSecond`, whoever it is; `retry-after` as above',
  // ours
  'bus-unavailable':
    'Redis is away or [stores nothing now](operations.md#when-redis-stores-nothing), or too much is waiting for it; the message or the subscription was not accepted',
  'bus-refused': 'Redis refuses the channel, for example by its access rules',
  'source-unavailable':
    'What a [snapshot](requests.md#snapshots) is read from is away, late, too large, or not of its type',
  'closed-by-operator': 'Somebody closed the session, in the web debugger or over HTTP',
  'shutting-down': 'The bridge is stopping. A WebSocket gets only the close',
  internal: 'A fault of the bridge; its log has the details',
  // the codec
  'bad-command': 'The command line does not end with a line feed',
  'bad-escape': 'A header has an escape that this version does not define',
  'bad-utf8': 'Command or headers are not UTF-8',
  'bad-line-ending': 'A carriage return that no line feed follows (STOMP 1.2)',
  'bad-content-length': '`content-length` is not a whole number',
  'bad-heart-beat': 'The `heart-beat` header is not two numbers',
  'missing-nul': 'There is no NUL where `content-length` says that the body ends',
  'body-not-allowed': 'A body on a command that has none',
  'too-many-headers': '`limits.maxHeaders` is reached',
  'header-too-long': '`limits.maxHeaderBytes` is reached',
  'frame-too-large': '`limits.maxFrameBytes` is reached, or `limits.maxConnectFrameBytes` before CONNECTED',
  // HTTP
  'bad-json': 'The body is not JSON in UTF-8, or nested too deeply',
  'bad-field': 'A field or parameter is missing or wrong; `problems` lists each',
  'missing-host': 'A request to `/api` without a `Host` header',
  'forbidden-origin': 'The page comes from an origin that is not in `server.allowedOrigins`',
  'forbidden-host':
    'The bridge was called under a name that is not in `server.allowedHosts`, or the debug API under a foreign name or through a proxy; see [debugger.md](debugger.md)',
  'not-found': 'Nothing is served at this path',
  'method-not-allowed': 'The path exists, but not for this method; `Allow` lists those that work',
  'body-too-large': '`limits.maxBodyBytes` is reached',
  'unsupported-media-type': 'The body must be sent as `application/json`',
  'upgrade-required': 'This path is a WebSocket',
  'too-many-tails': 'Too many readers of channels in the debug API',
}

/** Returns the tables by the names of their parts. */
export function codeTables(): Readonly<Record<'codes' | 'http-codes', string>> {
  const shared = Object.entries(ERRORS).map(([name, { close, http }]) => [name, String(close), String(http)] as const)
  const known = new Set(shared.map(([name]) => name))
  const ofFrames = Object.values(FrameErrorCode).filter((name) => !known.has(name))
  const ofHttp = Object.entries(HTTP_ERRORS).map(([name, status]) => [name, String(status)] as const)
  requireMeanings([...known, ...ofFrames, ...ofHttp.map(([name]) => name)])
  const frameRows = ofFrames.map((name) => [name, String(FRAME_ERROR_CLOSE), ''] as const)
  return {
    codes: table(
      ['Code', 'Meaning', 'WebSocket close', 'HTTP'],
      [...shared, ...frameRows].map(([name, close, http]) => [code(name), MEANINGS[name]!, close, http]),
    ),
    'http-codes': table(
      ['Code', 'Meaning', 'HTTP'],
      ofHttp.map(([name, status]) => [code(name), MEANINGS[name]!, status]),
    ),
  }
}

/** Errors: throws where codes and meanings differ. */
function requireMeanings(codes: readonly string[]): void {
  const missing = codes.filter((name) => MEANINGS[name] === undefined)
  const stale = Object.keys(MEANINGS).filter((name) => !codes.includes(name))
  if (missing.length > 0)
    throw new Error(`Say in scripts/docs/code-tables.ts what these codes mean: ${missing.join(', ')}`)
  if (stale.length > 0)
    throw new Error(`scripts/docs/code-tables.ts explains codes that do not exist: ${stale.join(', ')}`)
}
