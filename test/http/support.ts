/** An app that notes what it hands on, and a runtime that only notes upgrades, called without a port. */
import { NO_QUEUES } from '../support/no-queues.ts'
import { expect } from 'vitest'
import { openAccess } from '../../src/access/access.ts'
import type { Handshake } from '../../src/access/handshake.ts'
import type { Refusal } from '../../src/client/refusals.ts'
import { createApp, type AppDeps, type AppOptions } from '../../src/http/app.ts'
import { Entrance } from '../../src/http/entrance.ts'
import { openGuard } from '../../src/http/key-guard.ts'
import { Metrics } from '../../src/metrics.ts'
import type { RequestEnv, Socket } from '../../src/socket.ts'
import { pickSubProtocol } from '../../src/stomp/sub-protocol.ts'

export interface Notified {
  readonly topic: string
  /** The message. */
  readonly json: string
}

export interface Logged {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly fields: Readonly<Record<string, unknown>>
  readonly message: string
}

export const MAX_BODY_BYTES = 1_048_576

/** A connection that the app has handed over. */
export interface Opened {
  readonly socket: Socket
  readonly handshake: Handshake
}

export interface TestAppOptions {
  readonly options?: Partial<AppOptions>
  readonly deps?: Partial<AppDeps>
  /** Why nobody is let in. */
  readonly admission?: () => Refusal | undefined
  /** Instead of noting the upgrade. */
  readonly upgrade?: RequestEnv['upgrade']
}

export function testApp({ options = {}, deps = {}, admission = () => undefined, upgrade }: TestAppOptions = {}) {
  const notified: Notified[] = []
  const logged: Logged[] = []
  const opened: Opened[] = []
  const upgrades: Parameters<RequestEnv['upgrade']>[] = []
  /** What a runtime answers to an upgrade: nobody may touch it. */
  const upgraded = Object.freeze(new Response(null))
  const note = (level: Logged['level']) => (fields: Logged['fields'], message: string) =>
    void logged.push({ level, fields, message })
  const metrics = new Metrics()
  const app = createApp(
    {
      path: '/stomp',
      allowedOrigins: [],
      allowedHosts: [],
      trustedProxies: [],
      forwardedHeader: 'X-Forwarded-For',
      maxBodyBytes: MAX_BODY_BYTES,
      doors: { raw: false, sse: false },
      endpoints: [],
      docs: true,
      metrics: true,
      accessLog: false,
      version: '1.2.3',
      runtime: 'node 20',
      ...options,
    },
    {
      outbound: {
        topicProblem: (destination) => (destination.startsWith('/topic/') ? undefined : 'must start with "/topic/"'),
        notify: async (topic, json) => void notified.push({ topic, json }),
      },
      metrics,
      counted: metrics,
      log: { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') },
      notReadyReasons: () => [],
      keyGuard: openGuard,
      entrance: new Entrance({
        admission,
        userAdmission: () => undefined,
        history: undefined,
        queueRules: NO_QUEUES,
        access: openAccess,
        credentials: { query: [], cookies: [] },
        nextSessionId: () => 'node-1',
        broker: { claim: () => ({ liveness: undefined, release() {} }) },
        connectTimeoutMs: 1000,
        limits: { maxSubscriptions: 5, maxPatterns: 2 },
      }),
      openRaw: () => expect.fail('a plain WebSocket was opened'),
      openStream: () => expect.fail('a stream was opened'),
      openStomp: (socket, handshake) => {
        opened.push({ socket, handshake })
        return { receive() {}, ended() {}, closed() {} }
      },
      pickSubProtocol,
      ...deps,
    },
  )
  const env: RequestEnv = {
    remoteAddress: '192.0.2.1',
    upgrade(...call) {
      if (upgrade) return upgrade(...call)
      upgrades.push(call)
      return upgraded
    },
    stream() {
      throw new Error('Nothing here is a stream')
    },
  }
  const request = async (path: string, init: RequestInit = {}): Promise<Response> =>
    app(new Request(`http://bridge.example:8080${path}`, init), env)
  const post = (body: RequestInit['body'], headers: Record<string, string> = {}): Promise<Response> =>
    request('/api/notification', {
      method: 'POST',
      body: body ?? null,
      headers: { 'Content-Type': 'application/json', ...headers },
      // Node asks for it with a stream.
      duplex: 'half',
    })
  return { request, post, notified, logged, upgrades, upgraded, opened }
}

/** The error of a JSON error response. */
export async function errorOf(response: Response) {
  const { error } = (await response.json()) as {
    error: { code: string; message: string; field?: string; problems?: { field: string; message: string }[] }
  }
  return error
}

/** A body of unknown length, as chunked encoding sends it. */
export function streamOf(...chunks: (string | Uint8Array)[]): ReadableStream {
  const encoder = new TextEncoder()
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(typeof chunk === 'string' ? encoder.encode(chunk) : chunk)
      controller.close()
    },
  })
}
