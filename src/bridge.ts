/**
 * The composition root: builds bus, broker, sessions and HTTP from one configuration, wires them, starts and stops
 * them in order. Everything below is handed the two or three things that it uses; nobody else sees the whole.
 */
import { ADDRESSES } from './access/delivered-addresses.ts'
import { createBridgeAccess, isAccessConfigured, type OwnAccess } from './bridge-access.ts'
import { commandsOf } from './bridge-commands.ts'
import { bridgeEndpoints } from './bridge-endpoints.ts'
import { factsOf } from './bridge-facts.ts'
import { BridgeHistory, keepingOf, keepsSomething, streamsOf } from './bridge-history.ts'
import { BridgeNodes } from './bridge-nodes.ts'
import { FRAMES_PER_MESSAGE, maxHeldBackBytes, rawOptions, sessionOptions } from './bridge-options.ts'
import { snapshotsOf } from './bridge-snapshots.ts'
import { BridgeQueues } from './bridge-queues.ts'
import { Broker } from './broker/broker.ts'
import { ChannelInterests } from './broker/channel-interests.ts'
import { ChannelWatches } from './broker/channel-watches.ts'
import { DestinationRules } from './broker/destination-rules.ts'
import { Inbound } from './broker/inbound.ts'
import { Outbound } from './broker/outbound.ts'
import type { Bus } from './bus/bus.ts'
import { MemoryBus } from './bus/memory.ts'
import { SharedBus } from './bus/shared-bus.ts'
import { ClientSessions } from './client/client-sessions.ts'
import { Clients } from './client/clients.ts'
import { Rates } from './client/rates.ts'
import { Replies } from './client/replies.ts'
import { SubscriptionPresence } from './client/subscription-presence.ts'
import { Deadlines, systemClock } from './clock.ts'
import type { Config } from './config.ts'
import { inspectTogether, type AskAll, type InspectionRequest } from './debug/inspection.ts'
import { createInspect } from './debug/inspector.ts'
import { DebuggerPage, type PageFiles } from './debug/page.ts'
import { Delivery } from './delivery/delivery.ts'
import { Groups } from './delivery/groups.ts'
import { OutputWatch } from './delivery/output-watch.ts'
import { createApp } from './http/app.ts'
import { Entrance } from './http/entrance.ts'
import { createKeyGuard, openGuard } from './http/key-guard.ts'
import { silentLog, type Log } from './log.ts'
import { Metrics, type MetricsSnapshot } from './metrics.ts'
import { RedisBus } from './redis/redis-bus.ts'
import { RouteTable, type NamedStream } from './routes/table.ts'
import { RawDoor } from './raw/door.ts'
import { SockJsDoor } from './sockjs/door.ts'
import type { Listener, Runtime } from './socket.ts'
import { StreamDoor } from './sse/door.ts'
import { StompDoor } from './stomp/door.ts'
import { pickSubProtocol } from './stomp/sub-protocol.ts'

export interface BridgeOptions {
  readonly config: Config
  /** How to listen: `createRuntime()` of `runtime/bun.ts`, `deno.ts` or `node.ts`. */
  readonly runtime: Runtime
  /** Shown in CONNECTED, `/health` and the banner. */
  readonly version: string
  readonly log?: Log
  /** Beside what the configuration says, or instead. Without either anyone may do anything. */
  readonly access?: OwnAccess
  /** By default Redis if `redis.url` is set, else the embedded bus. */
  readonly bus?: Bus
  /**
   * The files of the web debugger's page, as `web-debugger/built/assets.js` has them; served if `debugger.enabled`, and
   * by default not. With none in it the page says how to build them.
   */
  readonly debuggerFiles?: PageFiles
  /** What `/ready` and `/metrics` say for several processes on one port; by default this one speaks for itself. */
  readonly together?: Together
}

/** Several processes on one port, as one. */
export interface Together {
  /** Why there should be no new clients; empty when ready. */
  notReadyReasons(): Promise<readonly string[]>
  /** Prometheus text format. */
  renderMetrics(): Promise<string>
  /** For the web debugger: what each process says. */
  readonly inspectAll: AskAll
}

/** Where a started bridge is found, and how it is set up, in words for people. */
export interface BridgeAddress {
  readonly http: { readonly host: string; readonly port: number }
  readonly tcp?: { readonly host: string; readonly port: number }
  readonly bus: string
  /** Why the bus cannot be used at the start; undefined when it can. */
  readonly busUnavailable?: string
  /** One line per route. */
  readonly routes: readonly string[]
  readonly open: boolean
}

export interface Bridge {
  /** Rejects when a port cannot be bound, with the runtime's error (`code` EADDRINUSE). Redis may be away. */
  start(): Promise<BridgeAddress>
  /** Not ready, no new sessions, finish, close 1001. Idempotent; over within `shutdown.deadlineMs`. */
  close(): Promise<void>
  /** Why this process should get no new clients; empty when ready. */
  notReadyReasons(): readonly string[]
  /** What this process has counted. */
  metricsSnapshot(): Promise<MetricsSnapshot>
  /** What the web debugger asks of this process; plain data both ways. */
  inspect(request: unknown): Promise<unknown>
}

/** Behind the session's own limit on unsent output, which is looked at a few times a second. */
const HARD_UNSENT_FACTOR = 4
/** How often a stream of events is told that it is alive, in milliseconds: proxies drop what is silent for a minute. */
const COMMENT_EVERY_MS = 15_000
/** And room for one message that is larger than all of that: it alone is no reason to drop who reads it. */
const HARD_UNSENT_MESSAGE_BYTES = 64 * 1_048_576
/** The longest time that a request may take to arrive, in milliseconds. */
const REQUEST_TIMEOUT_MS = 30_000
/** Of the time to shut down, the parts that sessions and work queues get; the rest is for bus and listener. */
const DRAIN_SHARE = 0.8
const QUEUE_SHARE = 0.1

/** How long a start waits to say whether the bus is there; it serves meanwhile. */
const FIRST_OUTCOME_MS = 1000
/** Without any access configured nobody has a credential that could expire. */
const EXPIRY_GRACE_S = 25
const NO_CREDENTIALS = { query: [], cookies: [] }
const CLOSED_EARLY = 'The bridge was closed while it was starting'

export function createBridge(options: BridgeOptions): Bridge {
  const { config, runtime, version, log = silentLog, together } = options
  const nodeId = newNodeId()
  const metrics = new Metrics()
  const table = new RouteTable(config.routes, config.broker.applicationPrefixes, config.broker.prefixes)
  const ownBus = options.bus ?? busFor(config, nodeId, log, table.streams())
  // Where nobody has a name, nodes have nothing to tell each other but messages.
  const hasAccess = isAccessConfigured(config, options.access)
  const hasNodes = hasAccess || config.presence.destinations.length > 0
  const streams = streamsOf(table, ownBus)
  const isKeeping = keepsSomething(config, table)
  const bridgeQueues = new BridgeQueues(config, ownBus)
  const hasQueues = !bridgeQueues.rules.isEmpty
  const sharedBus = hasNodes || isKeeping || hasQueues ? new SharedBus(ownBus) : undefined
  const bus = sharedBus ?? ownBus
  const commands = ownBus instanceof RedisBus ? ownBus.commands : undefined
  const nodes =
    sharedBus && hasNodes
      ? new BridgeNodes({ config, nodeId, bus: sharedBus, commands, log, metrics, hasAccess })
      : undefined
  const { access, backends } = createBridgeAccess(config, options.access, { nodes, metrics, log })
  const deadlines = new Deadlines(systemClock)
  const outputs = new OutputWatch(config.limits, systemClock)
  const delivery = new Delivery(new Groups(config.server, outputs, log, metrics), systemClock, metrics)
  const { broadcastChannel } = config.broker
  const redisCommands = commandsOf(config, { nodeId, metrics, log })
  const snapshots = snapshotsOf(config, { commands, delivery, metrics, log })
  const isQueue = (destination: string): boolean => bridgeQueues.rules.of(destination) !== undefined
  const prefixes = { ...config.broker, watched: config.presence.destinations, snapshots }
  const destinations = new DestinationRules(prefixes, ADDRESSES, hasQueues ? isQueue : undefined)
  const interests = new ChannelInterests(bus, config.broker.releaseDelayMs)
  const watches = new ChannelWatches(interests)
  const broker = new Broker(destinations, config.slowClients, table, interests, delivery)
  const inbound = new Inbound(nodeId, broadcastChannel, table, broker, interests, watches, log, metrics)
  const keeping = keepingOf(config, ownBus, bridgeQueues, metrics)
  const outbound = new Outbound(broadcastChannel, destinations, table, bus, log, metrics, keeping)
  const history =
    sharedBus && isKeeping
      ? new BridgeHistory({
          keeping,
          streams,
          nodeId,
          channels: sharedBus.history,
          table,
          broker,
          delivery,
          log,
          metrics,
        })
      : undefined
  inbound.kept = history?.history
  const queues = bridgeQueues.begin(sharedBus, { metrics, log })
  metrics.observe('subscriptions', () => broker.size)
  metrics.observe('busAvailable', () => (busUnavailableReason() === undefined ? 1 : 0))
  metrics.observe('unsentBytes', () => outputs.unsentBytes)
  metrics.observe('streamLagSeconds', () => (history?.history?.streamLagMs ?? 0) / 1000)
  metrics.observe('workers', () => 1)
  const clientServices = {
    limits: config.limits,
    access,
    broker,
    delivery,
    outbound,
    outputs,
    deadlines,
    expiryGraceMs: (config.access?.expiryGraceSeconds ?? EXPIRY_GRACE_S) * 1000,
    rates: new Rates(config.limits.rates),
    presence: nodes?.presence && new SubscriptionPresence(nodes.presence, delivery),
    history: history?.history,
    keptValues: history?.keptValues,
    snapshots,
    queueRules: bridgeQueues.rules,
    queues,
    commands: redisCommands?.commands,
    replies: new Replies({ watches, maxQueues: config.limits.maxSubscriptions, metrics, log }),
    metrics,
    log,
  }
  const clients = new Clients(clientServices, nodeId, config.limits.maxSessions)
  const shared = { access, deadlines, metrics, log }
  const stomp = new StompDoor(clients, { ...shared, options: sessionOptions(config, version) })
  const maxPayloadBytes = maxHeldBackBytes(config)
  const sockJs = config.doors.sockjs
    ? new SockJsDoor((socket, handshake) => stomp.open(socket, handshake), deadlines, maxPayloadBytes)
    : undefined
  const raw = new RawDoor(clients, { ...shared, ...rawOptions(config) })
  const events = new StreamDoor(clients, {
    ...shared,
    commentEveryMs: COMMENT_EVERY_MS,
    lingerMs: config.shutdown.lingerMs,
  })
  const entrance = new Entrance({
    admission: (coming) => clients.refusalBeside(coming),
    access,
    credentials: config.access?.credentials ?? NO_CREDENTIALS,
    nextSessionId: clients.nextId,
    broker,
    history: history?.history,
    queueRules: bridgeQueues.rules,
    limits: config.limits,
    connectTimeoutMs: config.limits.connectTimeoutMs,
  })
  const keyGuard = backends ? createKeyGuard(backends.keys, backends.attempts) : openGuard
  const sessions = nodes?.serve(new ClientSessions(clients))
  const inspect = createInspect({ table, clients, broker, outputs, metrics })
  const runtimeName = `${runtime.name} ${runtime.version}`
  const hasDebugApi = config.debugger.api === 'on'
  const { token, path: pagePath } = config.debugger
  const app = createApp(
    {
      path: config.server.path,
      allowedOrigins: config.server.allowedOrigins,
      allowedHosts: config.server.allowedHosts,
      trustedProxies: config.server.trustedProxies,
      maxBodyBytes: config.limits.maxBodyBytes,
      doors: config.doors,
      endpoints: config.endpoints,
      docs: config.server.docs,
      metrics: config.server.metrics,
      version,
      runtime: runtimeName,
    },
    {
      outbound,
      metrics: together ? { contentType: metrics.contentType, render: () => together.renderMetrics() } : metrics,
      log,
      notReadyReasons: allNotReadyReasons,
      keyGuard,
      entrance,
      openStomp: (socket, handshake) => stomp.open(socket, handshake),
      pickSubProtocol,
      openRaw: (socket, plan) => raw.open(socket, plan),
      openStream: (socket, plan) => events.open(socket, plan),
      sockJs,
      moreEndpoints: bridgeEndpoints({
        config,
        entrance,
        backends,
        keyGuard,
        nodes,
        sessions,
        history: history?.archive,
        queues: bridgeQueues.admin,
        inspect: together ? inspectTogether(together.inspectAll, inspect) : inspect,
        facts: factsOf({
          config,
          version,
          runtime: runtimeName,
          nodeId,
          isOpen: access.isOpen,
          bus,
          isOwnBus: options.bus !== undefined,
          table,
          tcp: () => tcpPlace ?? null,
          busUnavailableReason,
        }),
        outbound,
        watches,
        notReadyReasons: allNotReadyReasons,
      }),
      page:
        config.debugger.enabled && options.debuggerFiles
          ? new DebuggerPage(options.debuggerFiles, {
              version,
              path: pagePath,
              stompPath: config.server.path,
              api: hasDebugApi,
              tokenNeeded: hasDebugApi && token !== undefined,
            })
          : undefined,
    },
  )
  const hardUnsentBytes = config.limits.maxUnsentBytes * HARD_UNSENT_FACTOR + HARD_UNSENT_MESSAGE_BYTES
  const listeners: Listener[] = []
  let tcpPlace: { readonly host: string; readonly port: number } | undefined
  let closing: Promise<void> | undefined
  let isBusThere = false

  function allNotReadyReasons(): readonly string[] | Promise<readonly string[]> {
    return together?.notReadyReasons() ?? notReadyReasons()
  }

  /** Why messages cannot be handed over, or do not come, now; undefined when they do. */
  function busUnavailableReason(): string | undefined {
    return bus.unavailableReason ?? interests.unavailableReason
  }

  /** The bus refuses what was live: those who had subscribed it are told, and look elsewhere. */
  function endRefused(): void {
    watches.refused()
    for (const client of clients) {
      for (const subscription of client.subscriptions) {
        const refusal = broker.refusalOf(subscription)
        if (!refusal) continue
        client.door.fail(refusal)
        break
      }
    }
  }

  function notReadyReasons(): string[] {
    const isUnsure = hasAccess && nodes?.revocations.isLoaded === false
    const reasons = [
      clients.refusal === 'draining' ? 'shutting down' : undefined,
      busUnavailableReason() ?? (isUnsure ? 'it is not known yet which logins are revoked' : undefined),
    ]
    return reasons.filter((reason) => reason !== undefined)
  }

  /** A listener that is there when the bridge has been closed meanwhile goes again. */
  async function adopt(listener: Listener): Promise<void> {
    if (closing) {
      await listener.close()
      throw new Error(CLOSED_EARLY)
    }
    listeners.push(listener)
  }

  function startBus(): void {
    bus.start({
      onMessage: (channel, payload, pattern) => inbound.receive(channel, payload, pattern),
      onAvailability(reason) {
        if (isBusThere && reason !== undefined) metrics.count.busOutages++
        isBusThere = reason === undefined
        interests.setBusAvailable(reason === undefined)
        watches.setUnavailableReason(reason)
        nodes?.setUnavailableReason(reason)
        history?.history?.setUnavailableReason(reason)
      },
      onRefusal: (kind, name, refusal) => interests.setRefusal(kind, name, refusal),
    })
    interests.onRefusal = endRefused
    interests.keep(broadcastChannel)
    interests.keepRoutes(table.permanentInterests())
    nodes?.start()
    redisCommands?.connection.start()
    history?.start()
    queues?.start()
  }

  async function start(): Promise<BridgeAddress> {
    try {
      const http = await runtime.listen({
        host: config.server.host,
        port: config.server.port,
        fetch: app,
        maxMessageBytes: config.limits.maxFrameBytes * FRAMES_PER_MESSAGE,
        maxBodyBytes: Math.max(config.limits.maxBodyBytes, sockJs?.maxPayloadBytes ?? 0) * 2,
        hardUnsentBytes,
        compressionMinBytes: config.server.compression ? config.server.compressionMinBytes : undefined,
        pingIntervalMs: config.server.pingIntervalMs,
        keepAliveMs: config.server.keepAliveMs,
        requestTimeoutMs: REQUEST_TIMEOUT_MS,
      })
      await adopt(http)
      const { tcp: tcpConfig } = config
      const tcp = tcpConfig.enabled
        ? await runtime.listenTcp({
            host: tcpConfig.host,
            port: tcpConfig.port,
            open: (socket) => stomp.open(socket),
            hardUnsentBytes,
          })
        : undefined
      if (tcp) {
        await adopt(tcp)
        tcpPlace = { host: tcp.host, port: tcp.port }
      }
      startBus()
      await firstOutcome(bus)
      if (closing) throw new Error(CLOSED_EARLY)
      const busUnavailable = busUnavailableReason()
      return {
        http: { host: http.host, port: http.port },
        ...(tcpPlace ? { tcp: tcpPlace } : {}),
        bus: bus.description,
        ...(busUnavailable === undefined ? {} : { busUnavailable }),
        routes: table.describe(),
        open: access.isOpen,
      }
    } catch (error) {
      await close()
      throw error
    }
  }

  async function shutDown(): Promise<void> {
    const { deadlineMs } = config.shutdown
    await clients.drain(deadlineMs * DRAIN_SHARE)
    for (const listener of listeners) listener.stopAccepting()
    await queues?.close(deadlineMs * QUEUE_SHARE)
    watches.close()
    history?.close()
    interests.close()
    redisCommands?.connection.close()
    await nodes?.close()
    await bus.close()
    await Promise.all(listeners.map((listener) => listener.close()))
    deadlines.close()
    metrics.close()
  }

  function answer(request: unknown): Promise<unknown> {
    const { name, question } = request as InspectionRequest
    return inspect(name, question)
  }

  function close(): Promise<void> {
    closing ??= shutDown()
    return closing
  }

  return { start, close, notReadyReasons, metricsSnapshot: () => metrics.snapshot(), inspect: answer }
}

async function firstOutcome({ firstOutcome }: Bus): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, FIRST_OUTCOME_MS)))
  await Promise.race([firstOutcome, late])
  clearTimeout(timer)
}

function busFor(config: Config, nodeId: string, log: Log, streams: readonly NamedStream[] | undefined): Bus {
  const { url, ...redis } = config.redis
  return url === undefined ? new MemoryBus() : new RedisBus({ url, ...redis }, nodeId, log, streams)
}

/** Distinguishes the nodes of a cluster in message ids, session ids and Redis connection names. */
function newNodeId(): string {
  return [...crypto.getRandomValues(new Uint8Array(6))].map((byte) => (byte % 36).toString(36)).join('')
}
