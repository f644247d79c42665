/**
 * A program that uses every name which the package exports, as a stranger's would. The test compiles it in a project
 * where the package is installed, and runs it there as `consumer.js REDIS_URL`: it prints what it has done, line by
 * line, and has then nothing left to do.
 */
import process from 'node:process'
import { Redis } from 'ioredis'
import { createBridge, parseConfig, type Bridge, type ConfigInput, type Runtime } from 'stomp-bridge'
import { createBackend, type Backend } from 'stomp-bridge/backend'
import { createClient, type ClientOptions, type Message } from 'stomp-bridge/client'
import { assets } from 'stomp-bridge/debugger'
import { Command, decodeFrames, encodeFrame, Version, type Frame } from 'stomp-bridge/frames'

async function runtimeOfThis(): Promise<Runtime> {
  if ('Bun' in globalThis) return (await import('stomp-bridge/runtime/bun')).createRuntime()
  if ('Deno' in globalThis) return (await import('stomp-bridge/runtime/deno')).createRuntime()
  return (await import('stomp-bridge/runtime/node')).createRuntime()
}

/** Node 20 has none of its own. The name is not written where the compiler would look for types of the package. */
async function webSocketFactory(): Promise<Pick<ClientOptions, 'webSocketFactory'>> {
  if ('WebSocket' in globalThis) return {}
  const name: string = 'ws'
  const { WebSocket } = (await import(name)) as {
    WebSocket: new (url: string, protocols: string[]) => ReturnType<NonNullable<ClientOptions['webSocketFactory']>>
  }
  return { webSocketFactory: (url, protocols) => new WebSocket(url, protocols) }
}

const input: ConfigInput = { server: { port: 0 }, redis: { url: process.argv[2] ?? '' } }
// @ts-expect-error: the declarations say what a setting may be.
const wrong: ConfigInput = { server: { port: true } }
if (wrong === input) throw new Error('These are two')

const bridge: Bridge = createBridge({
  config: parseConfig(input),
  runtime: await runtimeOfThis(),
  version: '1.0.0',
  debuggerFiles: assets,
})
const { http } = await bridge.start()
console.log(`page: ${(await fetch(`http://127.0.0.1:${http.port}/debugger/`)).status}`)

const redis = new Redis(process.argv[2]!)
const backend: Backend = createBackend(redis)
const client = createClient({ brokerURL: `ws://127.0.0.1:${http.port}/stomp`, ...(await webSocketFactory()) })
const message = await new Promise<Message>((resolve) => {
  client.subscribe('/topic/news', resolve, { onLive: () => void backend.notify('/topic/news', 'Grüße 😀') })
  client.activate()
})
console.log(`client: ${message.body}`)
await client.deactivate()
redis.disconnect()

const frames: readonly Frame[] = decodeFrames(
  encodeFrame({ command: Command.SEND, headers: [], body: 'x' }, Version.V1_2),
)
console.log(`frames: ${frames.map(({ command }) => command).join()}`)
await bridge.close()
console.log('closed')
