/**
 * The composition root: builds bus, broker, sessions and HTTP from one configuration, wires them, starts and stops
 * them in order. Everything below is handed the two or three things that it uses; nobody else sees the whole.
 */
import { openAuthenticator, type Authenticator } from './auth/authenticator.ts'
import { createDebugApi, createInspect, type DebuggedParts } from './bridge-debugging.ts'
import { Broker } from './broker/broker.ts'
import type { Bus } from './bus/bus.ts'
import { MemoryBus } from './bus/memory.ts'
import { RedisBus } from './bus/redis.ts'
import { Deadlines, systemClock } from './clock.ts'
import type { Config } from './config.ts'
import { createApp } from './http/app.ts'
import type { PageFiles } from './http/debugger-page.ts'
import type { Inspect, InspectAll } from './inspection.ts'
import { silentLog, type Log } from './log.ts'
import { Metrics, type MetricsSnapshot } from './metrics.ts'
import { RouteTable } from './routes/table.ts'
import { OutputWatch } from './session/output-watch.ts'
import type { SessionOptions } from './session/services.ts'
import { Sessions } from './session/sessions.ts'
import type { Listener, Runtime } from './socket.ts'

export interface BridgeOptions {
  readonly config: Config
  /** How to listen: `createRuntime()` of `runtime/bun.ts`, `deno.ts` or `node.ts`. */
  readonly runtime: Runtime
  /** Shown in CONNECTED, `/health` and the banner. */
  readonly version: string
  readonly log?: Log
  /** By default anyone may do anything. */
  readonly authenticator?: Authenticator
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
  /** For the web debugger. */
  readonly inspectAll: InspectAll
}

/** Where a started bridge is found, and how it is set up, in words for people. */
export interface BridgeAddress {
  readonly http: { readonly host: string; readonly port: number }
  readonly tcp?: { readonly host: string; readonly port: number }
  readonly bus: string
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
  /** What the web debugger asks of this process. */
  readonly inspect: Inspect
}

/** A WebSocket message may hold many frames; this many of the largest. */
const FRAMES_PER_MESSAGE = 16
/** Behind the session's own limit on unsent output, which is looked at a few times a second. */
const HARD_UNSENT_FACTOR = 4
/** And room for one message that is larger than all of that: it alone is no reason to drop who reads it. */
const HARD_UNSENT_MESSAGE_BYTES = 64 * 1_048_576
/** The longest time that a request may take to arrive, in milliseconds. */
const REQUEST_TIMEOUT_MS = 30_000
/** Of the time to shut down, the part that sessions get; the rest is for bus and listener. */
const DRAIN_SHARE = 0.8

export function createBridge(options: BridgeOptions): Bridge {
  const { config, runtime, version, log = silentLog, authenticator = openAuthenticator, together } = options
  const nodeId = newNodeId()
  const metrics = new Metrics()
  const bus = options.bus ?? busFor(config, nodeId, log)
  const table = new RouteTable(config.routes, config.broker.applicationPrefixes, config.broker.prefixes)
  const deadlines = new Deadlines(systemClock)
  const outputs = new OutputWatch(config.limits, systemClock)
  const brokerOptions = { ...config.broker, joinFrames: config.server.joinFrames, slowClients: config.slowClients }
  const broker = new Broker(brokerOptions, table, bus, nodeId, log, metrics, outputs)
  metrics.observe('unsentBytes', () => outputs.unsentBytes)
  metrics.observe('workers', () => 1)
  const sessions = new Sessions(
    { options: sessionOptions(config, version), broker, authenticator, deadlines, outputs, metrics, log },
    nodeId,
    config.limits.maxSessions,
  )
  const debugged: DebuggedParts = {
    config,
    version,
    runtime: `${runtime.name} ${runtime.version}`,
    nodeId,
    bus,
    isOwnBus: options.bus !== undefined,
    table,
    authenticator,
    sessions,
    broker,
    outputs,
    metrics,
    tcp: () => tcpPlace,
  }
  const inspect = createInspect(debugged)
  const app = createApp(
    {
      path: config.server.path,
      allowedOrigins: config.server.allowedOrigins,
      maxBodyBytes: config.limits.maxBodyBytes,
      docs: config.server.docs,
      metrics: config.server.metrics,
      version,
      runtime: debugged.runtime,
      page:
        config.debugger.enabled && options.debuggerFiles
          ? { path: config.debugger.path, files: options.debuggerFiles }
          : undefined,
    },
    {
      broker,
      metrics: together ? { contentType: metrics.contentType, render: () => together.renderMetrics() } : metrics,
      log,
      notReadyReasons: () => together?.notReadyReasons() ?? notReadyReasons(),
      admission: () => sessions.refusal,
      openSession: sessions.open,
      debug: createDebugApi(debugged, inspect, together?.inspectAll),
    },
  )
  const hardUnsentBytes = config.limits.maxUnsentBytes * HARD_UNSENT_FACTOR + HARD_UNSENT_MESSAGE_BYTES
  const listeners: Listener[] = []
  let tcpPlace: { readonly host: string; readonly port: number } | undefined
  let closing: Promise<void> | undefined

  function notReadyReasons(): string[] {
    const reasons = [sessions.refusal === 'draining' ? 'shutting down' : undefined, broker.unavailableReason]
    return reasons.filter((reason) => reason !== undefined)
  }

  /** A listener that is there when the bridge has been closed meanwhile goes again. */
  async function adopt(listener: Listener): Promise<void> {
    if (closing) {
      await listener.close()
      throw new Error('The bridge was closed while it was starting')
    }
    listeners.push(listener)
  }

  async function start(): Promise<BridgeAddress> {
    try {
      const http = await runtime.listen({
        host: config.server.host,
        port: config.server.port,
        fetch: app,
        maxMessageBytes: config.limits.maxFrameBytes * FRAMES_PER_MESSAGE,
        maxBodyBytes: config.limits.maxBodyBytes * 2,
        hardUnsentBytes,
        compressionMinBytes: config.server.compression ? config.server.compressionMinBytes : undefined,
        pingIntervalMs: config.server.pingIntervalMs,
        keepAliveMs: config.server.keepAliveMs,
        requestTimeoutMs: REQUEST_TIMEOUT_MS,
      })
      await adopt(http)
      broker.attachFanout('websocket', http.fanout)
      const { tcp: tcpConfig } = config
      const tcp = tcpConfig.enabled
        ? await runtime.listenTcp({ host: tcpConfig.host, port: tcpConfig.port, open: sessions.open, hardUnsentBytes })
        : undefined
      if (tcp) {
        await adopt(tcp)
        tcpPlace = { host: tcp.host, port: tcp.port }
        broker.attachFanout('tcp', tcp.fanout)
      }
      broker.start()
      return {
        http: { host: http.host, port: http.port },
        ...(tcpPlace ? { tcp: tcpPlace } : {}),
        bus: bus.description,
        routes: table.describe(),
        open: authenticator.isOpen,
      }
    } catch (error) {
      await close()
      throw error
    }
  }

  async function shutDown(): Promise<void> {
    const { deadlineMs } = config.shutdown
    await sessions.drain(deadlineMs * DRAIN_SHARE)
    for (const listener of listeners) listener.stopAccepting()
    broker.close()
    await bus.close()
    await Promise.all(listeners.map((listener) => listener.close()))
    deadlines.close()
    metrics.close()
  }

  function close(): Promise<void> {
    closing ??= shutDown()
    return closing
  }

  return { start, close, notReadyReasons, metricsSnapshot: () => metrics.snapshot(), inspect }
}

function busFor(config: Config, nodeId: string, log: Log): Bus {
  const { url, ...redis } = config.redis
  return url === undefined ? new MemoryBus() : new RedisBus({ url, ...redis }, nodeId, log)
}

function sessionOptions(config: Config, version: string): SessionOptions {
  const { limits, heartBeat, shutdown } = config
  const afterConnect = {
    maxFrameBytes: limits.maxFrameBytes,
    maxHeaders: limits.maxHeaders,
    maxHeaderBytes: limits.maxHeaderBytes,
  }
  return {
    beforeConnect: { ...afterConnect, maxFrameBytes: limits.maxConnectFrameBytes },
    afterConnect,
    connectTimeoutMs: limits.connectTimeoutMs,
    maxSubscriptions: limits.maxSubscriptions,
    maxPatterns: limits.maxPatterns,
    maxTransactions: limits.maxTransactions,
    maxTransactionFrames: limits.maxTransactionFrames,
    maxTransactionBytes: limits.maxTransactionBytes,
    maxUnackedMessages: limits.maxUnackedMessages,
    maxInFlight: limits.maxInFlight,
    maxInFlightBytes: limits.maxFrameBytes * FRAMES_PER_MESSAGE,
    maxHeldBackBytes: limits.maxFrameBytes * FRAMES_PER_MESSAGE * 4,
    heartBeat,
    settleTimeoutMs: shutdown.deadlineMs,
    lingerMs: shutdown.lingerMs,
    server: `stomp-bridge/${version}`,
  }
}

/** Distinguishes the nodes of a cluster in message ids, session ids and Redis connection names. */
function newNodeId(): string {
  return [...crypto.getRandomValues(new Uint8Array(6))].map((byte) => (byte % 36).toString(36)).join('')
}
