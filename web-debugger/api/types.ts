/** What the debug API of a bridge answers, as it is on the wire. */

/** `about.json`: the one answer that is always there, and needs no token. */
export interface About {
  readonly version: string
  /** Of the page, as the bridge knows it; a proxy may put something before it. */
  readonly path: string
  readonly stompPath: string
  /** Is the debug API switched on? */
  readonly api: boolean
  readonly tokenNeeded: boolean
}

export type Codec = 'json-string' | 'raw' | 'json' | 'envelope'

export interface Route {
  /** Outbound: from a browser's SEND to a channel. Inbound: from a channel to subscribers. */
  readonly direction: 'outbound' | 'inbound'
  readonly destination: string
  readonly channel: string
  readonly codec: Codec
  /** The route for everything that no other names. */
  readonly isConvention: boolean
  /** Since the bridge started. */
  readonly messages: number
}

/** Counts since the bridge started, except the first three, which are of now. */
export interface Totals {
  readonly sessions: number
  readonly subscriptions: number
  readonly unsentBytes: number
  readonly framesReceived: number
  readonly messagesReceived: number
  readonly messagesPublished: number
  readonly messagesDelivered: number
  readonly sessionsOpened: number
  readonly errors: number
}

export interface Node {
  readonly id: string
  readonly isThis: boolean
  readonly address: string | null
  readonly ageSeconds: number
}

export interface Bridge {
  readonly version: string
  readonly runtime: string
  readonly node: string
  /** Milliseconds since 1970, as `now`. */
  readonly startedAt: number
  readonly now: number
  /** May anyone who can connect subscribe and send? */
  readonly isOpen: boolean
  readonly ready: { readonly isReady: boolean; readonly reasons: readonly string[] }
  readonly bus: {
    readonly kind: 'redis' | 'embedded' | 'custom'
    readonly description: string
    readonly unavailableReason: string | null
  }
  /** Null where the bus cannot tell. */
  readonly nodes: readonly Node[] | null
  readonly workers: number
  readonly endpoints: {
    readonly stomp: string
    readonly tcp: { readonly host: string; readonly port: number } | null
  }
  readonly prefixes: {
    readonly broker: readonly string[]
    readonly application: readonly string[]
    readonly broadcastChannel: string
  }
  readonly routes: readonly Route[]
  readonly totals: Totals
  readonly destinations: readonly { readonly destination: string; readonly subscriptions: number }[]
  readonly limits: Readonly<Record<string, number | null>>
}

export interface Session {
  readonly id: string
  readonly user: string | null
  readonly remoteAddress: string
  readonly transport: string
  /** Null before CONNECTED. */
  readonly version: string | null
  readonly openedAt: number
  readonly unsentBytes: number
  readonly framesReceived: number
  /** The first few; `subscriptionCount` is how many there are. */
  readonly subscriptions: readonly SessionSubscription[]
  readonly subscriptionCount: number
}

export interface SessionSubscription {
  /** Null for a client of STOMP 1.0 that gave none. */
  readonly id: string | null
  readonly destination: string
  readonly ack: string
}

export interface SessionList {
  /** How many match, whatever the limit was. */
  readonly total: number
  readonly sessions: readonly Session[]
}

/** One message seen on a channel. */
export interface ChannelMessage {
  readonly at: number
  readonly channel: string
  readonly payload: string
  readonly encoding: 'text' | 'base64'
  /** The payload was longer than what the API sends. */
  readonly isCut?: boolean
}
