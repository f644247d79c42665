/** An app with the real entrance and the real doors, on a bus and a network that the test plays. Called without a port. */
import { NO_QUEUES } from '../support/no-queues.ts'
import { openAccess, type Access } from '../../src/access/access.ts'
import type { Handshake } from '../../src/access/handshake.ts'
import type { Refusal } from '../../src/client/refusals.ts'
import { createApp, type AppOptions, type Page } from '../../src/http/app.ts'
import { Entrance } from '../../src/http/entrance.ts'
import { openGuard } from '../../src/http/key-guard.ts'
import type { RawEndpoint } from '../../src/http/raw.ts'
import type { RequestEnv } from '../../src/socket.ts'
import { SockJsDoor } from '../../src/sockjs/door.ts'
import { pickSubProtocol } from '../../src/stomp/sub-protocol.ts'
import { DoorStage, type DoorStageOptions } from '../support/door-stage.ts'
import { Speaker } from '../sockjs/stage.ts'
import type { FakeClient } from '../support/fake-socket.ts'

export const CONNECT_TIMEOUT_MS = 50

export interface DoorsAppOptions extends DoorStageOptions {
  readonly options?: Partial<AppOptions>
  readonly page?: Page
  /** Is the door of SockJS open? */
  readonly hasSockJs?: boolean
  /** Only the path has to be said. */
  readonly endpoints?: readonly (Partial<RawEndpoint> & Pick<RawEndpoint, 'path'>)[]
  readonly access?: Partial<Access>
  /** The client is gone when the runtime is told to open the connection. */
  readonly isGone?: boolean | 'unnoticed'
  /** Clients are refused when there is no room for them, not when `refuse` was called. */
  readonly usesRoom?: boolean
  /** {@link CONNECT_TIMEOUT_MS} unless told. */
  readonly connectTimeoutMs?: number
}

/** What the app asked the runtime for. */
interface Opened {
  readonly client: FakeClient
  readonly headers: Readonly<Record<string, string>>
  readonly protocol: string | undefined
}

export function doorsApp({
  options = {},
  page,
  endpoints = [],
  isGone = false,
  usesRoom = false,
  hasSockJs = false,
  connectTimeoutMs = CONNECT_TIMEOUT_MS,
  ...rest
}: DoorsAppOptions = {}) {
  const stage = new DoorStage(rest)
  const { broker, outbound, metrics, log } = stage.core
  const opened: Opened[] = []
  const stompPaths: string[] = []
  let refusal: Refusal | undefined
  const access = { ...openAccess, ...rest.access }
  const limits = { maxSubscriptions: 5, maxPatterns: 2 }
  const entrance = new Entrance({
    history: undefined,
    queueRules: NO_QUEUES,
    admission: (coming, from) => (usesRoom ? stage.clients.admit(from, coming) : refusal),
    userAdmission: (user) => (usesRoom ? stage.clients.admitUser(user) : undefined),
    access,
    credentials: { query: ['access_token'], cookies: ['session'] },
    nextSessionId: stage.clients.nextId,
    broker,
    limits,
    connectTimeoutMs,
  })
  const spoken: Speaker[] = []
  const identities: Handshake['identity'][] = []
  const sockJs = new SockJsDoor(
    (socket, handshake) => {
      stompPaths.push(handshake.path)
      identities.push(handshake.identity)
      const speaker = new Speaker(socket)
      spoken.push(speaker)
      return speaker
    },
    stage.deadlines,
    1000,
  )
  const app = createApp(
    {
      path: '/stomp',
      allowedOrigins: ['https://app.example'],
      allowedHosts: [],
      trustedProxies: [],
      forwardedHeader: 'X-Forwarded-For',
      maxBodyBytes: 1000,
      doors: { raw: true, sse: true },
      endpoints: endpoints.map((endpoint) => ({ subscribe: [], frame: 'body', echo: false, ...endpoint })),
      docs: true,
      metrics: true,
      accessLog: false,
      version: '1.2.3',
      runtime: 'node 20',
      ...options,
    },
    {
      outbound,
      metrics,
      counted: metrics,
      log,
      notReadyReasons: () => [],
      keyGuard: openGuard,
      entrance,
      openStomp(_socket, handshake) {
        stompPaths.push(handshake.path)
        return { receive() {}, ended() {}, closed() {} }
      },
      pickSubProtocol,
      openRaw: (socket, plan) => stage.rawDoor.open(socket, plan),
      openStream: (socket, plan) => stage.streamDoor.open(socket, plan),
      sockJs: hasSockJs ? sockJs : undefined,
      page,
    },
  )
  const env: RequestEnv = {
    remoteAddress: '192.0.2.1',
    upgrade(_request, { protocol, open, abandoned }) {
      if (isGone === true) abandoned?.()
      if (isGone) return new Response(null, { status: 426 })
      opened.push({ client: stage.network.connect(open), headers: {}, protocol })
      // Has no status of its own, as on real runtimes; tests tell it from refusals by its header.
      return new Response(null, { headers: { 'x-upgraded': 'yes' } })
    },
    stream(_request, { headers, open, abandoned }) {
      if (isGone === true) abandoned?.()
      if (isGone) return new Response(null, { headers })
      opened.push({ client: stage.network.connect(open, { transport: 'http' }), headers, protocol: undefined })
      return new Response(null, { headers })
    },
  }
  const request = async (path: string, init: RequestInit = {}): Promise<Response> =>
    app(new Request(`http://bridge.example:8080${path}`, init), env)
  return {
    stage,
    opened,
    stompPaths,
    /** Who speaks over sessions of SockJS, and who they are by their handshake. */
    spoken,
    identities,
    request,
    refuse: (reason: Refusal) => void (refusal = reason),
    /** A WebSocket handshake. */
    handshake: (path: string, headers: Record<string, string> = {}, init: RequestInit = {}): Promise<Response> =>
      request(path, { ...init, headers: { Connection: 'Upgrade', Upgrade: 'websocket', ...headers } }),
  }
}

export type DoorsApp = ReturnType<typeof doorsApp>

/** Status and code of a refusal; `101` for what was upgraded. */
export async function outcomeOf(response: Response): Promise<string> {
  if (response.headers.get('x-upgraded')) return '101'
  if (response.headers.get('content-type') !== 'application/json') return `${response.status}`
  const { error } = (await response.json()) as { error: { code: string } }
  return `${response.status} ${error.code}`
}

/** The destinations that clients are subscribed to. */
export function subscribed({ stage }: DoorsApp): string[] {
  return [...stage.clients].flatMap(({ subscriptions }) => [...subscriptions].map(({ destination }) => destination))
}
