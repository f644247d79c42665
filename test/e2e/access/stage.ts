/**
 * What the suites of access stand on: two bridges with one configuration on one Redis, clients that show a credential, and
 * the HTTP API with a key. Every client can come from an address of its own, so that no test is slowed down by another's
 * failed logins.
 */
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SignJWT, type JWTHeaderParameters, type JWTPayload } from 'jose'
import type { Redis } from 'ioredis'
import { afterAll, expect, onTestFinished } from 'vitest'
import type { Frame } from '../../../frames/index.ts'
import { spawnBridge, type BridgeProcess } from '../../support/process.ts'
import type { RedisServer } from '../../support/redis.ts'
import { runtime } from '../../support/runtime.ts'
import { bodyText, connectPeer, frameText, type StompPeer, type WantedHeaders } from '../../support/stomp-peer.ts'
import { eventually } from '../../support/wait.ts'
import { startWorld, untilReady } from '../../support/world.ts'

export const SECRET = 'a secret of more than thirty-two bytes'
export const KEYS = {
  publish: 'key-that-may-publish',
  read: 'key-that-may-read',
  tickets: 'key-that-may-make-tickets',
  admin: 'key-that-may-admin',
} as const
export type KeyName = keyof typeof KEYS

/** Of the section `access`. */
export const HS256 = `{ type: jwt, algorithms: [HS256], secret: '${SECRET}' }`
export const API_KEYS = `apiKeys: [${Object.entries(KEYS)
  .map(([scope, key]) => `{ name: ${scope}, key: ${key}, scopes: [${scope}] }`)
  .join(', ')}]`

export interface Nodes {
  readonly redis: RedisServer
  readonly backend: Redis
  readonly a: BridgeProcess
  readonly b: BridgeProcess
  /** One more of them, which goes with the test or the file that asks; waits until it is ready unless told. */
  startAnother(options?: { readonly isReady?: boolean }): Promise<BridgeProcess>
}

export interface NodesOptions {
  readonly tcp?: boolean
  /** With one of them, `b` is `a`. */
  readonly nodes?: 1 | 2
  readonly env?: Readonly<Record<string, string>>
}

/** A file with this YAML, for `beforeAll`. */
export function configFile(config: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'stomp-bridge-access-'))
  afterAll(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'bridge.yaml')
  writeFileSync(file, config)
  return file
}

/** For `beforeAll`. `config`: YAML. */
export async function startNodes(
  config: string,
  { tcp = false, nodes = 2, env = {} }: NodesOptions = {},
): Promise<Nodes> {
  const file = configFile(config)
  const args = ['--config', file]
  const { redis, backend, bridge: a } = await startWorld({ runtime, args, tcp, env })
  const startAnother: Nodes['startAnother'] = async ({ isReady = true } = {}) => {
    const bridge = await spawnBridge({ runtime, args, env: { REDIS_URL: redis.url, ...env } })
    if (isReady) await untilReady(bridge)
    return bridge
  }
  if (nodes === 1) return { redis, backend, a, b: a, startAnother }
  const b = await startAnother()
  await untilNodesKnow(a, b)
  return { redis, backend, a, b, startAnother }
}

/** A node that has just come is asked only when the others have heard it. */
export async function untilNodesKnow(a: BridgeProcess, b: BridgeProcess): Promise<void> {
  const probe = await connectPeer({ url: b.wsUrl })
  try {
    probe.send(frameText('CONNECT', { 'accept-version': '1.2', passcode: await token('probe') }))
    const { headers } = await probe.expect('CONNECTED')
    if (headers.has('user-name')) await untilUser(a, 'probe', 1)
    else {
      await subscribe(probe, '/topic/probe')
      await eventually(async () => {
        expect((await api(a, 'GET', '/api/presence?destination=/topic/probe')).json).toMatchObject({ sessions: 1 })
      })
    }
  } finally {
    probe.terminate()
  }
  await untilUser(a, 'probe', 0)
}

/** Waits until so many sessions of this user are on all nodes. */
export function untilUser(bridge: BridgeProcess, user: string, sessions: number): Promise<void> {
  return eventually(async () => {
    const { json } = await api(bridge, 'GET', `/api/users/${encodeURIComponent(user)}`)
    expect((json as { sessions: unknown[] }).sessions).toHaveLength(sessions)
  })
}

/** An HS256 token of this user, as the bridges here take it. */
export function token(user: string, claims: JWTPayload = {}, header: Partial<JWTHeaderParameters> = {}) {
  return new SignJWT({ sub: user, ...claims })
    .setProtectedHeader({ alg: 'HS256', ...header })
    .sign(new TextEncoder().encode(SECRET))
}

export const nowSeconds = (): number => Math.floor(Date.now() / 1000)

let addresses = 0
/** The header of a trusted proxy that names an address which nobody else here has. */
export function fromElsewhere(): { 'x-forwarded-for': string } {
  addresses++
  return { 'x-forwarded-for': `10.${addresses >> 16}.${(addresses >> 8) & 255}.${addresses & 255}` }
}

// --- STOMP

export interface LoginOptions {
  /** Appended to the URL. */
  readonly query?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly protocols?: readonly string[]
  /** Of CONNECT. */
  readonly connect?: Readonly<Record<string, string>>
  readonly tcp?: boolean
}

/** A client that has sent CONNECT, until the test is over. Its next frame is the answer. */
export async function knock(bridge: BridgeProcess, options: LoginOptions = {}): Promise<StompPeer> {
  const { query = '', headers = fromElsewhere(), protocols = [], connect = {}, tcp = false } = options
  const url = tcp ? `tcp://127.0.0.1:${bridge.tcpPort}` : bridge.wsUrl + query
  const peer = await connectPeer({ url, headers, protocols })
  onTestFinished(() => peer.terminate())
  peer.send(frameText('CONNECT', { 'accept-version': '1.2', ...connect }))
  return peer
}

export interface Member {
  readonly peer: StompPeer
  readonly session: string
  readonly user: string | undefined
}

/** A client that is in. */
export async function logIn(bridge: BridgeProcess, options: LoginOptions = {}): Promise<Member> {
  const peer = await knock(bridge, options)
  const { headers } = await peer.expect('CONNECTED')
  return { peer, session: headers.get('session')!, user: headers.get('user-name') }
}

/** The same with a token of this user in CONNECT. `connect`: more headers of it. */
export async function logInAs(
  bridge: BridgeProcess,
  user: string,
  claims: JWTPayload = {},
  connect: Readonly<Record<string, string>> = {},
): Promise<Member> {
  return logIn(bridge, { connect: { passcode: await token(user, claims), ...connect } })
}

/** Resolves when it is live. The id is the destination unless told. */
export async function subscribe(
  peer: StompPeer,
  destination: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  subscribing(peer, destination, { receipt: 'live', ...headers })
  await peer.receipt('live')
}

/** Without waiting for anything. */
export function subscribing(
  peer: StompPeer,
  destination: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const all = { destination, id: destination, ...headers }
  peer.send(frameText('SUBSCRIBE', escaped(all)))
}

export function send(
  peer: StompPeer,
  destination: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  peer.send(frameText('SEND', escaped({ destination, ...headers }), body))
}

/** STOMP 1.2 "Value Encoding". */
function escaped(headers: Readonly<Record<string, string>>): Record<string, string> {
  const escape = (text: string) => text.replaceAll('\\', '\\\\').replaceAll(':', '\\c').replaceAll('\n', '\\n')
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, escape(value)]))
}

/** The next frame is this ERROR, and the connection ends: with this code where it is a WebSocket. */
export async function expectError(peer: StompPeer, code: string, close = 1008): Promise<Frame> {
  const error = await peer.expect('ERROR', { code })
  const { code: closeCode } = await peer.closed
  if (peer.transport === 'websocket') expect(closeCode).toBe(close)
  return error
}

/** The next frame is this MESSAGE; gives its body. */
export async function message(peer: StompPeer, headers: WantedHeaders = {}): Promise<string> {
  return bodyText(await peer.expect('MESSAGE', headers))
}

/** Everything that it was sent has been answered: nothing else is on its way. Called where nothing is expected. */
export async function expectNothing(peer: StompPeer): Promise<void> {
  peer.send(frameText('BEGIN', { transaction: 'nothing', receipt: 'nothing' }))
  await peer.receipt('nothing')
  peer.send(frameText('ABORT', { transaction: 'nothing' }))
}

// --- HTTP

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly json: unknown
}

export interface ApiOptions {
  /** Of {@link KEYS}; that with the scope which most paths need unless told; `null` for none. */
  readonly key?: string | null
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** One request, on a path of the API. */
export async function api(
  { url }: { readonly url: string },
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  { key = keyFor(method, path), body, headers = {} }: ApiOptions = {},
): Promise<Answer> {
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, json: text === '' ? undefined : JSON.parse(text) }
}

function keyFor(method: string, path: string): string {
  if (method === 'GET') return KEYS.read
  if (path.startsWith('/api/tickets')) return KEYS.tickets
  return path.startsWith('/api/notification') ? KEYS.publish : KEYS.admin
}

/** A message by HTTP, which has to be taken. */
export async function post(bridge: BridgeProcess, topic: string, message: unknown): Promise<void> {
  expect(await api(bridge, 'POST', '/api/notification', { body: { topic, message } })).toMatchObject({ status: 200 })
}

/** Every error has this shape. */
export const errorBody = (code: string) => ({
  error: expect.objectContaining({ code, message: expect.any(String) as string }) as object,
})

/** The answer to a WebSocket handshake, or to another GET; a connection that is opened by it is dropped. */
export async function handshake(
  { url }: { readonly url: string },
  path: string,
  headers: Readonly<Record<string, string>> = {},
  { upgrade = true } = {},
): Promise<Answer> {
  const upgrading = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  }
  const asking = request(url + path, { agent: false, headers: { ...(upgrade ? upgrading : {}), ...headers } })
  asking.end()
  const answered = once(asking, 'response') as Promise<[IncomingMessage]>
  const upgraded = once(asking, 'upgrade') as Promise<[IncomingMessage]>
  upgraded.catch(() => {})
  const [response] = await Promise.race([answered, upgraded])
  const isStream = response.headers['content-type'] === 'text/event-stream'
  let text = ''
  if (response.statusCode !== 101 && !isStream) for await (const chunk of response.setEncoding('utf8')) text += chunk
  response.destroy()
  asking.destroy()
  const answer = new Headers()
  for (const [name, value] of Object.entries(response.headers)) answer.set(name, String(value))
  return { status: response.statusCode!, headers: answer, json: text === '' ? undefined : JSON.parse(text) }
}

// --- Servers that a bridge asks

export interface Asked {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
  readonly response: ServerResponse
}

export interface HttpServer {
  readonly url: string
  readonly asked: Asked[]
  /** How it answers from now on. */
  answer: (asked: Asked) => unknown
}

/** A server on a free port, until the file is over; for `beforeAll`. */
export async function serve(answer: HttpServer['answer']): Promise<HttpServer> {
  const server: Server = createServer((incoming, response) => {
    let body = ''
    incoming.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    incoming.on('end', () => {
      const asked = { method: incoming.method!, url: incoming.url!, headers: incoming.headers, body, response }
      served.asked.push(asked)
      void served.answer(asked)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })
  const served: HttpServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: [],
    answer,
  }
  return served
}

export function answerJson({ response }: Asked, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}
