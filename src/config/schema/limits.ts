/** The sections `fanout`, `slowClients`, `heartBeat` and `limits`: how messages leave, and what one client may use. */
import * as z from 'zod'
import { count, destinationPattern, flag, DAY_SECONDS, HOUR_MS, MEBIBYTE, milliseconds, MINUTE_MS } from './values.ts'

export const fanout = z
  .array(
    z.strictObject({
      destination: destinationPattern.describe(
        'Destination or pattern with *, ** or ?, as the bridge knows it: a queue of one user is /user/{user}/queue/…',
      ),
      gatherMs: z
        .int()
        .min(0)
        .max(1000)
        .describe(
          'What comes within this time leaves in one write per subscriber, in milliseconds; a message waits so long at most. 0 is at once',
        ),
    }),
  )
  .default([])
  .describe('Destinations whose messages may wait a moment for more, which saves CPU; the first match counts')

export const slowClients = z
  .array(
    z.strictObject({
      destination: z.string().min(1).describe('Destination or pattern with *, ** or ?'),
      policy: z.enum(['disconnect', 'drop-oldest', 'latest']),
      key: z.string().min(1).optional().describe('With latest: the header whose values each keep their newest message'),
      maxBytes: count(262_144, 1024 * MEBIBYTE, 'Most bytes held per subscription'),
      maxAgeMs: milliseconds(10_000, 1, HOUR_MS, 'What has been held longer is dropped, in milliseconds'),
    }),
  )
  .default([])
  .describe(
    'What to do when a client does not read fast enough, by destination; the first match counts, and without one the client is closed',
  )

export const heartBeat = z
  .strictObject({
    outgoingMs: milliseconds(
      10_000,
      0,
      HOUR_MS,
      'How often the bridge offers to send a heart-beat, in milliseconds; 0 is never',
    ),
    incomingMs: milliseconds(
      10_000,
      0,
      HOUR_MS,
      'How often the bridge asks clients for a heart-beat, in milliseconds; 0 is never',
    ),
    toleranceFactor: z
      .number()
      .min(1)
      .max(100)
      .default(2)
      .describe('A client is closed when it is silent for this many times the agreed interval'),
    pongCounts: flag(
      false,
      'Ping a WebSocket client whose heart-beat is overdue, and count its pong as one. For web pages: while their tab is ' +
        'hidden, they can send only once a minute',
    ),
  })
  .prefault({})
  .describe('STOMP heart-beats')

/** A limit that may be none. */
function optional(max: number, text: string) {
  return z.int().min(0).max(max).default(0).describe(text)
}

const rate = z.strictObject({
  action: z.enum(['send', 'subscribe']).describe('What is counted'),
  destination: destinationPattern.describe('Destination or pattern with *, ** or ?'),
  count: z.int().min(1).max(1_000_000).describe('Most times in perSeconds, of all destinations that match together'),
  perSeconds: z.int().min(1).max(DAY_SECONDS).describe('Length of the time, in seconds'),
})

export const limits = z
  .strictObject({
    maxFrameBytes: count(65_536, 64 * MEBIBYTE, 'Largest frame from a client, in bytes'),
    maxConnectFrameBytes: count(16_384, 64 * MEBIBYTE, 'Largest frame before CONNECTED, in bytes'),
    maxHeaders: count(64, 10_000, 'Most headers in a frame'),
    maxHeaderBytes: count(8192, MEBIBYTE, 'Largest header line, in bytes'),
    connectTimeoutMs: milliseconds(
      10_000,
      1,
      10 * MINUTE_MS,
      'Longest time until CONNECT, or until a login is checked, in milliseconds',
    ),
    maxSubscriptions: count(128, 100_000, 'Most subscriptions of a session'),
    maxPatterns: count(16, 100_000, 'Most subscriptions of a session with * or ? in their destination'),
    maxTransactions: count(16, 10_000, 'Most open transactions of a session'),
    maxTransactionFrames: count(100, 100_000, 'Most frames in a transaction'),
    maxTransactionBytes: count(MEBIBYTE, 1024 * MEBIBYTE, 'Most bytes in the open transactions of a session'),
    maxUnackedMessages: count(10_000, 10_000_000, 'Most messages of a session that wait for ACK or NACK'),
    maxUnsentBytes: count(
      MEBIBYTE,
      1024 * MEBIBYTE,
      'Most bytes that may wait for a client to read them; one message of more than half of that does not count',
    ),
    maxUnsentMs: milliseconds(
      10_000,
      1,
      HOUR_MS,
      'How long a client may read nothing although output waits for it, in milliseconds. All that waits must be read within ' +
        'six times as long; one large message has more time, in proportion',
    ),
    maxBodyBytes: count(MEBIBYTE, 256 * MEBIBYTE, 'Largest HTTP request body, in bytes'),
    maxInFlight: count(
      256,
      100_000,
      'Most frames of a session that wait for Redis; beyond that nothing more is read from it',
    ),
    maxSessions: count(100_000, 10_000_000, 'Most sessions at a time'),
    maxSessionsPerAddress: optional(
      10_000_000,
      'Most sessions from one address at a time, of IPv6 from one /64; who comes beside them is refused. 0 is no limit. ' +
        'Behind a proxy set server.trustedProxies first',
    ),
    maxSessionsPerUser: optional(
      10_000_000,
      'Most sessions of one user at a time; who comes beside them is refused. 0 is no limit',
    ),
    connectsPerSecond: optional(1_000_000, 'Most clients that may come in a second; 0 is no limit'),
    connectBurst: optional(
      1_000_000,
      'How many of them may come at once, after a time in which none came; 0 is those of one second',
    ),
    connectsPerSecondPerAddress: optional(
      1_000_000,
      'The same from one address, of IPv6 from one /64; 0 is no limit. Behind a proxy set server.trustedProxies first',
    ),
    connectBurstPerAddress: optional(
      1_000_000,
      'How many of them may come from one address at once; 0 is those of one second',
    ),
    maxFramesPerSecond: optional(
      1_000_000,
      'Most frames of a session in a second, without heart-beats. More are not refused: they wait, and the client is read no ' +
        'further. 0 is no limit',
    ),
    maxBytesPerSecond: optional(1024 * MEBIBYTE, 'The same in bytes; 0 is no limit'),
    rates: z
      .array(rate)
      .default([])
      .describe('How often a session may do something; a client that is over it gets a soft error and goes on'),
  })
  .prefault({})
  .describe('What one client may use; a client that exceeds a limit is refused or closed')
