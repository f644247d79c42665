/**
 * A real redis-server for one test file or benchmark: on a free port, without persistence, owned by who started it.
 * `REDIS_SERVER` names another binary (Valkey's, for one).
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ConnectionOptions } from 'node:tls'
import { Redis, type RedisOptions } from 'ioredis'
import { freePort } from './ports.ts'
import { adopt } from './process.ts'

export interface RedisServerOptions {
  /** Ask clients for this password; it is in `url` then. */
  readonly requirepass?: string
  /** More arguments of redis-server, such as `['--maxclients', '10']`. */
  readonly args?: readonly string[]
  /** Speak TLS alone. Always the `redis-server` of the PATH: others are built without TLS. */
  readonly tls?: ServerTls
  /** The oldest major version that will do: `REDIS_SERVER` is not used where it is older. */
  readonly sinceVersion?: number
  /** Where not any free port will do. */
  readonly findPort?: () => Promise<number>
}

/** Paths of PEM files. Clients have to show a certificate of the same authority. */
export interface ServerTls {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** Without the option that changes what ioredis returns. */
type ClientOptions = Omit<RedisOptions, 'replyMapping'>

export interface RedisServer {
  readonly url: string
  readonly port: number
  /** A connected ioredis client, which reconnects as long as the server is away and is closed by `stop`. */
  client(options?: ClientOptions): Promise<Redis>
  /** Ends the server and its clients. It can be started again with `restart`. */
  stop(): Promise<void>
  /** Ends the server as kill -9 does; clients stay and reconnect after `restart`. */
  crash(): Promise<void>
  /** Ends the server if it runs, and starts it on the same port, empty. */
  restart(): Promise<void>
  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): void
  /** SIGCONT. */
  resume(): void
}

const START_TIMEOUT_MS = 10_000

/** Starts a redis-server; resolves when it answers PING. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const { findPort = freePort } = options
  for (let attempt = 1; ; attempt++) {
    const server = new StartedRedis(await findPort(), options)
    try {
      await server.restart()
      return server
    } catch (error) {
      await server.stop()
      // Somebody took the port between our look and the server's bind.
      if (attempt === 5 || !/address already in use/i.test(String(error))) throw error
    }
  }
}

class StartedRedis implements RedisServer {
  readonly port: number
  readonly url: string
  readonly #options: RedisServerOptions
  readonly #clients = new Set<Redis>()
  #server: { child: ChildProcess; directory: string } | undefined

  constructor(port: number, options: RedisServerOptions) {
    this.port = port
    this.url = `${options.tls ? 'rediss' : 'redis'}://${options.requirepass ? `:${encodeURIComponent(options.requirepass)}@` : ''}127.0.0.1:${port}`
    this.#options = options
  }

  async client(options: ClientOptions = {}): Promise<Redis> {
    const client = new Redis(this.url, {
      retryStrategy: () => 20,
      // It asks INFO, which a test may have taken away.
      enableReadyCheck: false,
      ...(this.#options.tls ? { tls: clientTls(this.#options.tls) } : {}),
      ...options,
      lazyConnect: true,
    })
    // Tests take the server away; what a client says about that is not their subject.
    client.on('error', () => {})
    this.#clients.add(client)
    await client.connect()
    return client
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.disconnect()
    this.#clients.clear()
    this.resume()
    await this.#end('SIGTERM')
  }

  async crash(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async restart(): Promise<void> {
    this.resume()
    await this.#end('SIGTERM')
    const directory = await mkdtemp(join(tmpdir(), 'stomp-bridge-redis-'))
    const { requirepass, args = [], tls, sinceVersion } = this.#options
    const child = spawn(
      serverProgram(tls, sinceVersion),
      [
        ...portArguments(this.port, tls),
        ...['--bind', '127.0.0.1', '--dir', directory],
        ...['--save', '', '--appendonly', 'no', '--daemonize', 'no'],
        ...(requirepass ? ['--requirepass', requirepass] : []),
        ...args,
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    )
    adopt(child)
    this.#server = { child, directory }
    await untilReady(child)
    const probe = await this.client()
    await probe.ping()
    probe.disconnect()
    this.#clients.delete(probe)
  }

  pause(): void {
    this.#server?.child.kill('SIGSTOP')
  }

  resume(): void {
    this.#server?.child.kill('SIGCONT')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (!this.#server) return
    const { child, directory } = this.#server
    this.#server = undefined
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      const exit = once(child, 'exit')
      child.kill(signal)
      await exit
    }
    await rm(directory, { recursive: true, force: true })
  }
}

export function serverProgram(tls: ServerTls | undefined, sinceVersion = 0): string {
  const other = process.env.REDIS_SERVER
  if (!other || tls) return 'redis-server'
  if (sinceVersion === 0) return other
  const version = /v=(\d+)/.exec(execFileSync(other, ['--version'], { encoding: 'utf8' }))?.[1]
  return Number(version) >= sinceVersion ? other : 'redis-server'
}

/** For who is a server of this authority too, and is asked for nothing else. */
export function clientTls({ ca, cert, key }: ServerTls): ConnectionOptions {
  const [authority, certificate, secret] = [ca, cert, key].map((file) => readFileSync(file))
  return { ca: authority, cert: certificate, key: secret, checkServerIdentity: () => undefined }
}

function portArguments(port: number, tls: ServerTls | undefined): string[] {
  if (!tls) return ['--port', String(port)]
  const files = ['--tls-ca-cert-file', tls.ca, '--tls-cert-file', tls.cert, '--tls-key-file', tls.key]
  return ['--port', '0', '--tls-port', String(port), ...files, '--tls-replication', 'yes']
}

/** Resolves when it has printed `words`. Rejects with its output when it ends before. */
export function untilReady(child: ChildProcess, words = 'Ready to accept connections'): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = ''
    const fail = (reason: string) => {
      clearTimeout(timer)
      reject(new Error(`redis-server did not start: ${reason}\n${output}`))
    }
    const timer = setTimeout(() => fail(`silent for ${START_TIMEOUT_MS} ms`), START_TIMEOUT_MS)
    child.once('error', (error) => fail(error.message))
    child.once('close', (code) => fail(`exit code ${code}`))
    // Both are read to the end, lest a full pipe stops the server.
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (output += chunk))
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk
      if (!output.includes(words)) return
      clearTimeout(timer)
      resolve()
    })
  })
}
