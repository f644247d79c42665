/**
 * A program with bridges inside, for the embedding tests: it starts some, uses them, closes them, and then has nothing
 * left to do. Run as `embedding-child.ts RUNTIME REDIS_URL TAKEN_PORT`; prints what it has done, line by line.
 */
import process from 'node:process'
import { createBridge, parseConfig, type Bridge, type Runtime } from '../../src/index.ts'
import { connectPeer, frameText } from '../support/stomp-peer.ts'

const [runtimeName, redisUrl, takenPort] = process.argv.slice(2)

async function createRuntime(): Promise<Runtime> {
  switch (runtimeName) {
    case 'bun':
      return (await import('../../src/runtime/bun.ts')).createRuntime()
    case 'deno':
      return (await import('../../src/runtime/deno.ts')).createRuntime()
    default:
      return (await import('../../src/runtime/node.ts')).createRuntime()
  }
}

/** A client that has what it asked for, and stays. */
async function use(url: string): Promise<void> {
  const peer = await connectPeer({ url })
  await peer.stompConnect()
  peer.send(frameText('SUBSCRIBE', { destination: '/topic/**', id: '1', receipt: 'live' }))
  await peer.receipt('live')
  peer.send(frameText('SEND', { destination: '/topic/x' }, 'hello'))
  await peer.expect('MESSAGE')
}

const runtime = await createRuntime()
const free = { server: { port: 0 }, tcp: { enabled: true, port: 0 } }
const bridges: Bridge[] = []
for (const redis of [{}, { url: redisUrl }]) {
  const bridge = createBridge({ config: parseConfig({ ...free, redis }), runtime, version: '0' })
  bridges.push(bridge)
  const { http, tcp } = await bridge.start()
  await use(`ws://127.0.0.1:${http.port}/stomp`)
  await use(`tcp://127.0.0.1:${tcp!.port}`)
  console.log(`used ${redis.url === undefined ? 'the embedded bus' : 'Redis'}`)
}

const config = parseConfig({ ...free, tcp: { enabled: true, port: Number(takenPort) }, redis: { url: redisUrl } })
const unlucky = createBridge({ config, runtime, version: '0' })
await unlucky.start().catch(({ code }: NodeJS.ErrnoException) => console.log(code))

// One that never starts holds nothing.
createBridge({ config, runtime, version: '0' })

await Promise.all(bridges.map((bridge) => bridge.close()))
console.log('closed')
