/** An app with a small broker and a runtime that only notes upgrades, called without a port. */
import { createApp, type AppDeps, type AppOptions } from '../../src/http/app.ts'
import { Metrics } from '../../src/metrics.ts'
import type { OpenSocket, RequestEnv } from '../../src/socket.ts'

export interface Notified {
  readonly topic: string
  readonly message: unknown
}

export interface Logged {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly fields: Readonly<Record<string, unknown>>
  readonly message: string
}

export const MAX_BODY_BYTES = 1_048_576

export const openSession: OpenSocket = () => ({ receive() {}, ended() {}, drained() {}, closed() {} })

export interface TestAppOptions {
  readonly options?: Partial<AppOptions>
  readonly deps?: Partial<AppDeps>
  /** Instead of noting the upgrade. */
  readonly upgrade?: RequestEnv['upgrade']
}

export function testApp({ options = {}, deps = {}, upgrade }: TestAppOptions = {}) {
  const notified: Notified[] = []
  const logged: Logged[] = []
  const upgrades: Parameters<RequestEnv['upgrade']>[] = []
  /** What a runtime answers to an upgrade: nobody may touch it. */
  const upgraded = Object.freeze(new Response(null))
  const note = (level: Logged['level']) => (fields: Logged['fields'], message: string) =>
    void logged.push({ level, fields, message })
  const app = createApp(
    {
      path: '/stomp',
      allowedOrigins: [],
      maxBodyBytes: MAX_BODY_BYTES,
      docs: true,
      metrics: true,
      version: '1.2.3',
      runtime: 'node 20',
      ...options,
    },
    {
      broker: {
        isBrokerDestination: (destination) => destination.startsWith('/topic/'),
        notify: async (topic, message) => void notified.push({ topic, message }),
      },
      metrics: new Metrics(),
      log: { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') },
      notReadyReasons: () => [],
      admission: () => undefined,
      openSession,
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
    stream: () => new Response(null, { status: 501 }),
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
  return { request, post, notified, logged, upgrades, upgraded }
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
