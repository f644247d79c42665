/**
 * The composition root: builds bus, broker, sessions and HTTP from one configuration, wires them, starts and stops
 * them in order. Everything below is handed the two or three things that it uses; nobody else sees the whole.
 */
import { ADDRESSES } from './access/delivered-addresses.ts'
import { createBridgeAccess, isAccessConfigured } from './bridge-access.ts'
import type { Bridge, BridgeAddress, BridgeOptions } from './bridge-api.ts'
import { commandsOf } from './bridge-commands.ts'
import { bridgeEndpoints } from './bridge-endpoints.ts'
import { factsOf } from './bridge-facts.ts'
import { BridgeHistory, keepingOf, keepsSomething, streamsOf } from './bridge-history.ts'
import { BridgeListeners, CLOSED_EARLY } from './bridge-listeners.ts'
import { BridgeNodes } from './bridge-nodes.ts'
import { BridgeReload, livePart, type LivePart, type ReloadResult } from './bridge-reload.ts'
import { routesPart } from './bridge-routes.ts'
import { FRAMES_PER_MESSAGE, maxHeldBackBytes, rawOptions, sessionOptions, shutdownTimes } from './bridge-options.ts'
import { snapshotsOf } from './bridge-snapshots.ts'
import { BridgeQueues } from './bridge-queues.ts'
import { Broker } from './broker/broker.ts'
import { ChannelInterests } from './broker/channel-interests.ts'
import { ChannelWatches } from './broker/channel-watches.ts'
import { DestinationRules } from './broker/destination-rules.ts'
import { Distribution } from './broker/distribution.ts'
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
import { unusableBecause } from './client/unusable.ts'
import { Deadlines, systemClock } from './clock.ts'
import { hasRedis, type Config } from './config.ts'
import { inspectTogether, type InspectionRequest } from './debug/inspection.ts'
import { createInspector } from './debug/inspector.ts'
import { DebuggerPage } from './debug/page.ts'
import { Delivery } from './delivery/delivery.ts'
import { Groups } from './delivery/groups.ts'
import { OutputWatch } from './delivery/output-watch.ts'
import { TurnEnd } from './delivery/turn-end.ts'
import { createApp } from './http/app.ts'
import { Entrance } from './http/entrance.ts'
import { createKeyGuard, openGuard } from './http/key-guard.ts'
import { silentLog, type Log } from './log.ts'
import { Metrics } from './metrics.ts'
import { EventLoopDelay } from './metrics/event-loop-delay.ts'
import { RedisBus } from './redis/redis-bus.ts'
import { RouteTable, type NamedStream } from './routes/table.ts'
import { RawDoor } from './raw/door.ts'
import { SockJsDoor } from './sockjs/door.ts'
import type { Socket } from './socket.ts'
import { tracedFetch } from './tracing/traced-fetch.ts'
import { tracingOf } from './tracing/tracing.ts'
import { StreamDoor } from './sse/door.ts'
import { StompDoor } from './stomp/door.ts'
import { pickSubProtocol } from './stomp/sub-protocol.ts'

/** Behind the session's own limit on unsent output, which is looked at a few times a second. */
const HARD_UNSENT_FACTOR = 4
/** How often a stream of events is told that it is alive, in milliseconds: proxies drop what is silent for a minute. */
const COMMENT_EVERY_MS = 15_000
/** And room for one message that is larger than all of that: it alone is no reason to drop who reads it. */
const HARD_UNSENT_MESSAGE_BYTES = 64 * 1_048_576
/** The longest time that a request may take to arrive, in milliseconds. */
const REQUEST_TIMEOUT_MS = 30_000
/** Of the time to shut down, the part that work queues get. */
const QUEUE_SHARE = 0.1

/** How long a start waits to say whether the bus is there; it serves meanwhile. */
const FIRST_OUTCOME_MS = 1000
/** Without any access configured nobody has a credential that could expire. */
const EXPIRY_GRACE_S = 25
const NO_CREDENTIALS = { query: [], cookies: [] }
/** Settings of which the HTTP application is made. */
const HTTP_SETTINGS = ['server.allowedOrigins', 'server.allowedHosts', 'server.trustedProxies', 'debugger.token']

export function createBridge(options: BridgeOptions): Bridge {
  const { config, runtime, version, log = silentLog, together } = options
  const nodeId = newNodeId()
  const metrics = new Metrics()
  if (options.spansDropped) metrics.observeCount('spansDropped', options.spansDropped)
  const tracing = tracingOf(options.tracerProvider, { version, busSystem: busSystemOf(config, options.bus) })
  const fetch = tracedFetch(tracing)
  const table = new RouteTable(config.routes, config.broker.applicationPrefixes, config.broker.prefixes)
  const ownBus = options.bus ?? busFor(config, nodeId, log, table.streams())
  // Where nobody has a name, nodes have nothing to tell each other but messages.
  const hasAccess = isAccessConfigured(config, options.access)
  const hasNodes = hasAccess || config.presence.destinations.length > 0
  const streams = streamsOf(table, ownBus)
  const isKeeping = keepsSomething(config, table)
  const bridgeQueues = new BridgeQueues(config, ownBus)
  const hasQueues = !bridgeQueues.rules.isEmpty
  const distribution = new Distribution(config.broker)
  const hasOwnChannels = hasNodes || isKeeping || hasQueues || distribution.hearsByInterest
  const sharedBus = hasOwnChannels ? new SharedBus(ownBus) : undefined
  const bus = sharedBus ?? ownBus
  const commands = ownBus instanceof RedisBus ? ownBus.commands : undefined
  const nodes =
    sharedBus && hasNodes
      ? new BridgeNodes({ config, nodeId, bus: sharedBus, commands, log, metrics, hasAccess })
      : undefined
  const {
    access,
    explain,
    backends,
    parts: accessParts,
  } = createBridgeAccess(config, options.access, {
    nodes,
    metrics,
    fetch,
    log,
    rulesChanged: () => clients.reviewSubscriptions(),
  })
  const deadlines = new Deadlines(systemClock)
  const outputs = new OutputWatch(config.limits, systemClock)
  const { joinFrames } = config.server
  const groups = new Groups({ joinFrames, gather: config.fanout }, systemClock, outputs, log, metrics)
  const delivery = new Delivery(groups, systemClock, metrics)
  const redisCommands = commandsOf(config, { nodeId, metrics, log })
  const snapshots = snapshotsOf(config, { commands, delivery, fetch, metrics, log })
  const isQueue = (destination: string): boolean => bridgeQueues.rules.of(destination) !== undefined
  const prefixes = { ...config.broker, watched: config.presence.destinations, snapshots }
  const destinations = new DestinationRules(prefixes, ADDRESSES, hasQueues ? isQueue : undefined)
  const interests = new ChannelInterests(bus, config.broker.releaseDelayMs)
  const watches = new ChannelWatches(interests)
  const broker = new Broker(destinations, config.slowClients, table, interests, delivery, distribution, tracing)
  const inbound = new Inbound(nodeId, distribution.broadcastChannel, table, broker, interests, watches, log, metrics)
  const keeping = keepingOf(config, ownBus, bridgeQueues, metrics)
  const outbound = new Outbound(distribution, destinations, table, bus, log, metrics, keeping, tracing)
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
          collectGarbage: runtime.collectGarbage,
        })
      : undefined
  inbound.kept = history?.history
  const queues = bridgeQueues.begin(sharedBus, { metrics, tracing, log })
  metrics.observe('subscriptions', () => broker.size)
  metrics.observe('busAvailable', () => (busUnavailableReason() === undefined ? 1 : 0))
  metrics.observe('unsentBytes', () => outputs.unsentBytes)
  metrics.observe('streamLagSeconds', () => (history?.history?.streamLagMs ?? 0) / 1000)
  metrics.observe('workers', () => 1)
  const rates = new Rates(config.limits.rates)
  metrics.observeRoutes(() => table.counts())
  metrics.describe({ version, runtime: runtime.name, runtimeVersion: runtime.version, commit: options.commit })
  metrics.observeReconnects(() => (ownBus instanceof RedisBus ? ownBus.reconnects : []))
  if (ownBus instanceof RedisBus) ownBus.roundTrip = (s) => metrics.histograms.bus_round_trip_seconds.all.add(s)
  const loopDelay = new EventLoopDelay(systemClock, metrics.histograms.event_loop_delay_seconds.all)
  const clientServices = {
    limits: config.limits,
    access,
    broker,
    delivery,
    outbound,
    outputs,
    deadlines,
    expiryGraceMs: (config.access?.expiryGraceSeconds ?? EXPIRY_GRACE_S) * 1000,
    rates,
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
  const clients = new Clients(clientServices, nodeId, config.limits.maxSessions, systemClock, config.limits)
  const shared = { access, deadlines, metrics, log }
  const stomp = new StompDoor(clients, {
    ...shared,
    tracing,
    turnEnd: new TurnEnd(log),
    options: sessionOptions(config, version),
  })
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
    admission: (coming, from) => clients.admit(from, coming),
    userAdmission: (user) => clients.admitUser(user),
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
  const { inspect, samples } = createInspector({
    ...{ table, clients, broker, outputs, metrics, loopDelay },
    streamLagMs: () => (streams ? history?.history?.streamLagMs : undefined),
    clock: systemClock,
  })
  const runtimeName = `${runtime.name} ${runtime.version}`
  const hasDebugApi = config.debugger.api === 'on'
  const facts = factsOf({
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
    busAwaySince: () => busAwaySince,
  })
  /** It holds nothing, so that another can take its place. */
  const appOf = (current: Config) =>
    createApp(
      {
        path: current.server.path,
        allowedOrigins: current.server.allowedOrigins,
        allowedHosts: current.server.allowedHosts,
        trustedProxies: current.server.trustedProxies,
        forwardedHeader: current.server.forwardedHeader,
        maxBodyBytes: current.limits.maxBodyBytes,
        doors: current.doors,
        endpoints: current.endpoints,
        docs: current.server.docs,
        metrics: current.server.metrics,
        accessLog: current.log.access,
        version,
        runtime: runtimeName,
      },
      {
        outbound,
        metrics: together ? { contentType: metrics.contentType, render: () => together.renderMetrics() } : metrics,
        counted: metrics,
        log,
        tracing,
        notReadyReasons: allNotReadyReasons,
        keyGuard,
        entrance,
        openStomp: (socket, handshake) => stomp.open(socket, handshake),
        pickSubProtocol,
        openRaw: (socket, plan) => raw.open(socket, plan),
        openStream: (socket, plan) => events.open(socket, plan),
        sockJs,
        moreEndpoints: bridgeEndpoints({
          config: current,
          entrance,
          backends,
          keyGuard,
          nodes,
          sessions,
          history: history?.archive,
          queues: bridgeQueues.admin,
          inspect: together ? inspectTogether(together.inspectAll, inspect) : inspect,
          facts,
          explain: ({ action, destination, user, ...more }) => {
            const identity = { user, ...more }
            const problem = unusableBecause(clientServices, identity, action, destination)
            return { ...explain(identity, action, destination), problem }
          },
          outbound,
          watches,
          notReadyReasons: allNotReadyReasons,
        }),
        page:
          current.debugger.enabled && options.debuggerFiles
            ? new DebuggerPage(options.debuggerFiles, {
                version,
                path: current.debugger.path,
                stompPath: current.server.path,
                api: hasDebugApi,
                tokenNeeded: hasDebugApi && current.debugger.token !== undefined,
              })
            : undefined,
      },
    )
  let app = appOf(config)
  const hardUnsentBytes = config.limits.maxUnsentBytes * HARD_UNSENT_FACTOR + HARD_UNSENT_MESSAGE_BYTES
  const listeners = new BridgeListeners(log)
  let tcpPlace: { readonly host: string; readonly port: number } | undefined
  let closing: Promise<void> | undefined
  let isBusThere = false
  let busAwaySince: number | undefined

  const parts: readonly LivePart[] = [
    ...accessParts,
    routesPart({ table, broker, outbound, clients, log, onRefused: endRefused }),
    livePart(['limits.rates'], ({ limits }) => rates.replace(limits.rates)),
    livePart(['slowClients'], ({ slowClients }) => broker.replaceSlowClients(slowClients)),
    livePart(HTTP_SETTINGS, (current) => void (app = appOf(current))),
    livePart(['log.level'], ({ log: { level } }) => options.onLogLevel?.(level)),
  ]
  const fixed = [options.access?.rules && 'access.rules', options.onLogLevel ? undefined : 'log.level']
  const reloads = new BridgeReload(config, { parts, fixed: fixed.filter((path) => path !== undefined) }, metrics)
  let isStarted = false

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
      closing ? 'shutting down' : undefined,
      busUnavailableReason() ?? (isUnsure ? 'it is not known yet which logins are revoked' : undefined),
    ]
    return reasons.filter((reason) => reason !== undefined)
  }

  function startBus(): void {
    bus.start({
      onMessage: (channel, payload, pattern) => inbound.receive(channel, payload, pattern),
      onAvailability(reason) {
        if (isBusThere && reason !== undefined) metrics.count.busOutages++
        isBusThere = reason === undefined
        busAwaySince = isBusThere ? undefined : (busAwaySince ?? Date.now())
        interests.setBusAvailable(reason === undefined)
        watches.setUnavailableReason(reason)
        nodes?.setUnavailableReason(reason)
        history?.history?.setUnavailableReason(reason)
      },
      onRefusal: (kind, name, refusal) => interests.setRefusal(kind, name, refusal),
    })
    interests.onRefusal = endRefused
    interests.keep(distribution.broadcastChannel)
    interests.keepRoutes(table.permanentInterests())
    broker.begin()
    nodes?.start()
    redisCommands?.connection.start()
    history?.start()
    queues?.start()
  }

  /** Errors: rejects if the bridge has been closed meanwhile. */
  async function connectBus(): Promise<void> {
    startBus()
    loopDelay.start()
    if (hasDebugApi) samples.start()
    await firstOutcome(bus)
    if (closing) throw new Error(CLOSED_EARLY)
  }

  async function start(): Promise<BridgeAddress> {
    try {
      // Where others listen on the port, nobody need come before messages can go and come.
      if (together) await connectBus()
      const { server: httpConfig, tcp: tcpConfig } = config
      const http = await listeners.listen('server.tls', httpConfig.tls, (certificate) =>
        runtime.listen({
          host: httpConfig.host,
          port: httpConfig.port,
          certificate,
          fetch: (request, env) => app(request, env),
          maxMessageBytes: config.limits.maxFrameBytes * FRAMES_PER_MESSAGE,
          maxBodyBytes: Math.max(config.limits.maxBodyBytes, sockJs?.maxPayloadBytes ?? 0) * 2,
          hardUnsentBytes,
          compressionMinBytes: httpConfig.compression ? httpConfig.compressionMinBytes : undefined,
          pingIntervalMs: httpConfig.pingIntervalMs,
          keepAliveMs: httpConfig.keepAliveMs,
          requestTimeoutMs: REQUEST_TIMEOUT_MS,
        }),
      )
      if (tcpConfig.enabled) {
        const { host, port, tls } = tcpConfig
        const open = (socket: Socket) => stomp.openUnasked(socket)
        const tcp = await listeners.listen('tcp.tls', tls, (certificate) =>
          runtime.listenTcp({ host, port, certificate, open, hardUnsentBytes }),
        )
        tcpPlace = { host: tcp.host, port: tcp.port }
      }
      if (!together) await connectBus()
      isStarted = true
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

  async function shutDown(handOverMs: number | undefined): Promise<void> {
    const { deadlineMs } = config.shutdown
    listeners.beginClosing()
    if (handOverMs !== undefined) {
      listeners.stopAccepting()
      await later(handOverMs)
    } else if (isStarted) {
      // Whoever balances between nodes sees it at /ready before a client is refused here.
      await later(shutdownTimes(config.shutdown, 0).delayMs)
    }
    const { sessionsMs, spreadMs } = shutdownTimes(config.shutdown, clients.size)
    await clients.drain(sessionsMs, spreadMs)
    groups.close()
    listeners.stopAccepting()
    await queues?.close(deadlineMs * QUEUE_SHARE)
    watches.close()
    history?.close()
    interests.close()
    redisCommands?.connection.close()
    await nodes?.close()
    await bus.close()
    await listeners.close()
    deadlines.close()
    loopDelay.close()
    samples.close()
    metrics.close()
  }

  function answer(request: unknown): Promise<unknown> {
    const { name, question } = request as InspectionRequest
    return inspect(name, question)
  }

  function close({ handOverMs }: { readonly handOverMs?: number | undefined } = {}): Promise<void> {
    closing ??= shutDown(handOverMs)
    return closing
  }

  function reload(next: Config | (() => Config)): Promise<ReloadResult> {
    return reloads.run(() => {
      if (!isStarted || closing) throw new Error('Only a bridge that runs can take on another configuration')
      return typeof next === 'function' ? next() : next
    })
  }

  return { start, close, reload, notReadyReasons, metricsSnapshot: () => metrics.snapshot(), inspect: answer }
}

function later(ms: number): Promise<void> | undefined {
  return ms > 0 ? new Promise((resolve) => setTimeout(resolve, ms)) : undefined
}

async function firstOutcome({ firstOutcome }: Bus): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, FIRST_OUTCOME_MS)))
  await Promise.race([firstOutcome, late])
  clearTimeout(timer)
}

function busFor(config: Config, nodeId: string, log: Log, streams: readonly NamedStream[] | undefined): Bus {
  return hasRedis(config.redis) ? new RedisBus(config.redis, nodeId, log, streams) : new MemoryBus()
}

/** Returns what OpenTelemetry calls the system that messages go over. */
function busSystemOf({ redis }: Config, own: Bus | undefined): string {
  return hasRedis(redis) && !own ? 'redis' : 'in-process'
}

/** Distinguishes the nodes of a cluster in message ids, session ids and Redis connection names. */
function newNodeId(): string {
  return [...crypto.getRandomValues(new Uint8Array(6))].map((byte) => (byte % 36).toString(36)).join('')
}
