/** What there is to count and to measure, by name: help texts, labels and bounds. */
import { HISTOGRAM_LABELS } from './histograms.ts'

/** Counted since start. */
export const COUNTERS = {
  sessionsOpened: 'Sessions opened: STOMP clients after CONNECT, and clients of the other doors',
  framesReceived: 'STOMP frames and plain WebSocket messages received from clients, without heart-beats',
  errorsSent: 'ERROR frames, and events "error" of Server-Sent Events, sent to clients',
  receiptsSent: 'RECEIPT frames sent',
  messagesPublished: 'Messages that the bus accepted from clients and HTTP',
  messagesReceived: 'Payloads received from the bus for a destination',
  broadcastPublished: 'Messages published for topics, users, groups and sessions, for the subscribers of all nodes',
  broadcastReceived: 'The same, received: from other nodes and from this one, with or without subscribers here',
  messagesDropped: 'Messages dropped by a slow-client policy',
  messagesDelivered: 'Messages handed to subscribers, whatever their door',
  payloadsMalformed: "Payloads from the bus that their route's codec could not read",
  busFailures: 'Messages that the bus did not accept',
  busOutages:
    'Times that Redis, or what is subscribed there, was lost: without history, messages may have been lost with it',
  acknowledged: 'Deliveries acknowledged by ACK',
  rejected: 'Deliveries rejected by NACK: discarded, or given back to their work queue',
  messagesIgnored: 'Messages from plain WebSocket clients that were ignored because their path has no place to send to',
  unsubscribeUnknown: 'UNSUBSCRIBE frames with an unknown subscription',
  slowConsumersClosed: 'Sessions closed because they did not read',
  heartBeatTimeouts: 'Sessions closed because the client was silent too long',
  floodsPaused: 'Times that reading from a client was paused because it sent too fast',
  throttled:
    'Times that a session had to wait because it was over limits.maxFramesPerSecond or limits.maxBytesPerSecond',
  loginsThrottled: 'Logins refused without a look because too many from their address had failed',
  ticketsIssued: 'Tickets issued',
  ticketsRedeemed: 'Tickets redeemed',
  ticketsRefused: 'Tickets refused: wrong, used or expired',
  revocations: 'Revocations of a token or a user',
  historyReads: 'Reads of the history of a destination',
  gapsFilled: 'Times that messages which did not come over the bus were read from the history and delivered in order',
  gapsNotFilled: 'Times that they were no longer held, or that a history began anew: subscribers that asked were told',
  historiesAnew: 'Of these: times that a history began anew, because Redis was emptied or has lost its last seconds',
  unrecorded: 'Messages that a backend published on a channel, and that could not be recorded in the history',
  queueSettled: 'Messages of work queues that are done, and deleted',
  queueReturned:
    'Messages of work queues that were given back: by NACK or time-out, or because their subscriber has gone',
  queueRedelivered: 'Deliveries of messages of work queues that had been delivered before',
  queueDead: 'Messages of work queues that went to the dead ones: somebody has failed with them too often',
  streamEntriesRead: 'Entries of the streams of routes.inbound that this node has read to deliver them',
  streamEntriesSkipped:
    'Those of them that were not delivered: a field or a destination that can be delivered to is missing',
  streamFailures: 'Times that Redis began to refuse a stream of routes.inbound, also because it is none',
  snapshotReads: 'Reads of the source of a snapshot; subscribers that come together share one',
  snapshotFailures: 'Those of them that failed: the source is away, late, too large, or of another type',
  redisCommands: 'Commands to Redis that clients have sent',
  redisCommandsFailed: 'Those of them that were refused, failed, or were not answered in time',
  spansDropped: 'Spans that were lost: the collector did not take them, or too many waited for it',
} as const

/** Counted since start, in parts. No label holds what a client chose. */
export const LABELLED_COUNTERS = {
  logins: {
    help: 'Logins judged, by which authenticator, accepted, refused or failed, and why',
    labels: ['authenticator', 'result', 'reason'],
  },
  denials: {
    help: 'What the rules refused to clients, by the number of the rule in access.rules, from 1, that decided so',
    labels: ['action', 'rule'],
  },
  connectsRefused: {
    help:
      'Connections that were refused, and why: draining, full, rate, address-rate, address-sessions or user-sessions; ' +
      'see docs/operations.md',
    labels: ['reason'],
  },
  recoveries: {
    help: 'Subscriptions that went on from a position: recovered, or incomplete because something was no longer held',
    labels: ['result'],
  },
  errors: {
    help: 'What clients were refused, by error code: in ERROR frames, in events, by closing a connection, and in soft errors',
    labels: ['code'],
  },
  sessionsClosed: {
    help: 'Sessions that were opened, and have ended: why (an error code, or client, lost, too-large), and the WebSocket close code',
    labels: ['protocol', 'transport', 'reason', 'close_code'],
  },
  httpRequests: {
    help: 'HTTP requests answered, handshakes too, by the path that is served there; other is none of them',
    labels: ['route', 'status'],
  },
  routeMessages: {
    help: 'Messages that have taken each route: outbound by its destination, inbound by its channel or stream',
    labels: ['direction', 'route'],
  },
  redisReconnects: {
    help: 'Times that a connection to Redis was lost and made again',
    labels: ['connection'],
  },
} as const

/** How long something took, in seconds. */
export const DURATIONS = {
  callback: { help: 'Seconds until the auth service answered a login, or failed to', labels: ['result'] },
  jwksFetch: { help: 'Seconds until the keys for tokens were fetched, or could not be', labels: ['result'] },
} as const

export const HISTORY_CALLS = {
  help: 'Seconds until Redis has done what was asked of the history: to publish and keep, to record, to read, to clear',
  labels: ['call'],
}
export const HISTORY_CALL_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5]
export const RECOVERED_HELP = 'Messages that came to one subscription from the history'
export const RECOVERED_BUCKETS = [0, 1, 10, 100, 1000, 10_000, 100_000]

export const DURATION_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

/** Read when asked for. */
export const GAUGES = {
  sessions: 'Open sessions: opened less closed, and STOMP clients that CONNECTED has not answered yet',
  subscriptions: 'Live subscriptions',
  unsentBytes: 'Bytes of output that wait for clients to read them',
  busAvailable: '1 while Redis (or the embedded bus) can be used, else 0',
  streamLagSeconds:
    'Age of the newest entry of a stream when this node delivered it, by its id; the highest of all streams',
  workers: 'Processes that these numbers include',
  configLastReloadSuccessful: '1 if the configuration was taken over when it was last read, also at the start, else 0',
  configLastReloadSuccessTimestampSeconds: 'When that was last so, in seconds since 1970',
} as const

/** Of the histories of each rule; looked up when asked for. */
export const HISTORY_GAUGES = {
  historyLogMessages: 'Messages in the longest history of a rule, of those that are in use on this node',
  historyLogAgeSeconds: 'Age of the oldest message of that history',
} as const
export const HISTORY_LABELS = ['rule']

export const BUILD_INFO = {
  help: 'What runs here, in its labels; always 1',
  labels: ['version', 'runtime', 'runtime_version', 'commit'],
}
export const SESSIONS_BY_TRANSPORT = {
  help: 'Open sessions, by what they speak and over what',
  labels: ['protocol', 'transport'],
}

/** How a gauge of several processes becomes one; the others are added up. */
export const MERGED_BY: Partial<Record<GaugeName, 'min' | 'max'>> = {
  busAvailable: 'min',
  streamLagSeconds: 'max',
  configLastReloadSuccessful: 'min',
  configLastReloadSuccessTimestampSeconds: 'min',
}

/** Of the names of all that the bridge itself counts; others are of the runtime. */
export const METRIC_PREFIX = 'stomp_bridge_'

export type CounterName = keyof typeof COUNTERS
export type GaugeName = keyof typeof GAUGES
export type DurationName = keyof typeof DURATIONS
export type DeniedAction = 'subscribe' | 'send'

/** Returns the public name. */
export function metricName(name: string): string {
  return `${METRIC_PREFIX}${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`
}

/** The labels of those metrics that have some, by public name. */
export const METRIC_LABELS: ReadonlyMap<string, readonly string[]> = new Map<string, readonly string[]>([
  ...Object.entries(LABELLED_COUNTERS).map(([name, { labels }]) => [`${metricName(name)}_total`, labels] as const),
  ...Object.entries(DURATIONS).map(([name, { labels }]) => [`${metricName(name)}_seconds`, labels] as const),
  [`${metricName('historyCall')}_seconds`, HISTORY_CALLS.labels],
  ...Object.keys(HISTORY_GAUGES).map((name) => [metricName(name), HISTORY_LABELS] as const),
  ...[...HISTOGRAM_LABELS].map(([name, labels]) => [METRIC_PREFIX + name, labels] as const),
  [metricName('buildInfo'), BUILD_INFO.labels],
  [metricName('sessionsByTransport'), SESSIONS_BY_TRANSPORT.labels],
])
