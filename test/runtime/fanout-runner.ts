/**
 * Runs the fan-out scenarios on the runtime that it runs on, with real sockets, and gives what each client got. As a
 * program (`bun fanout-runner.ts bun compressing`) it writes that as JSON.
 */
import process from 'node:process'
import { WebSocket } from 'ws'
import type { Runtime, Socket } from '../../src/socket.ts'
import { scenarios, type Data, type Scenario, type Step } from './fanout-scenarios.ts'

/** What each client of each scenario got, message by message. */
export type Outcome = Readonly<Record<string, readonly Data[]>>

const END = 'that was all'

/** With `isCompressing` every message may be compressed, and every other client takes it so. */
export async function runScenarios(runtime: Runtime, isCompressing: boolean): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (const scenario of scenarios) outcomes.push(await runScenario(runtime, scenario, isCompressing))
  return outcomes
}

async function runScenario(runtime: Runtime, { steps, received }: Scenario, isCompressing: boolean): Promise<Outcome> {
  const sockets = new Map<string, Socket>()
  const listener = await runtime.listen({
    host: '127.0.0.1',
    port: 0,
    fetch: (request, env) => {
      const name = new URL(request.url).searchParams.get('name') ?? ''
      const open = (socket: Socket) => {
        sockets.set(name, socket)
        return { receive() {}, ended() {}, closed() {} }
      }
      return env.upgrade(request, { protocol: undefined, open })
    },
    maxMessageBytes: 1_000_000,
    maxBodyBytes: 1000,
    hardUnsentBytes: 100_000_000,
    compressionMinBytes: isCompressing ? 0 : undefined,
    pingIntervalMs: 0,
    keepAliveMs: 1000,
    requestTimeoutMs: 10_000,
  })
  const names = new Set(steps.flatMap((step) => (isOfClient(step) ? [step[1]] : [])))
  const clients = await Promise.all(
    [...names].map((name, i) => connect(listener.port, name, isCompressing && i % 2 === 0)),
  )
  for (const step of steps) {
    // Nothing else may wait: what comes between two turns belongs to one.
    if (step[0] === 'turn') await turn()
    else take(step, sockets)
  }
  for (const name of Object.keys(received)) sockets.get(name)!.send(END)
  const outcome: Record<string, Data[]> = {}
  for (const client of clients) if (client.name in received) outcome[client.name] = await client.untilEnd
  for (const { ws } of clients) ws.terminate()
  await listener.close()
  return outcome
}

function isOfClient(
  step: Step,
): step is Extract<Step, readonly ['join' | 'leave' | 'send' | 'sendAll' | 'terminate', ...unknown[]]> {
  return step[0] !== 'write' && step[0] !== 'turn'
}

function take(step: Exclude<Step, readonly ['turn']>, sockets: ReadonlyMap<string, Socket>): void {
  const octets = (data: Data) => (typeof data === 'string' ? data : Uint8Array.from(data))
  switch (step[0]) {
    case 'join':
    case 'leave':
      return sockets.get(step[1])![step[0]](step[2])
    case 'write': {
      const [, group, ...messages] = step
      const [{ fanout }] = [...sockets.values()] as [Socket] // all of one listener have the same
      return fanout.write(group, messages.map(octets))
    }
    case 'send':
      return sockets.get(step[1])!.send(octets(step[2]))
    case 'sendAll': {
      const [, client, ...messages] = step
      return sockets.get(client)!.sendAll(messages.map(octets))
    }
    case 'terminate':
      return sockets.get(step[1])!.terminate()
  }
}

async function connect(port: number, name: string, perMessageDeflate: boolean) {
  const ws = new WebSocket(`ws://127.0.0.1:${port}/?name=${name}`, { perMessageDeflate })
  ws.binaryType = 'nodebuffer'
  const messages: Data[] = []
  const untilEnd = new Promise<Data[]>((resolve) => {
    ws.on('message', (data: Buffer, isBinary: boolean) => {
      if (isBinary) messages.push([...data])
      else if (data.toString() === END) resolve(messages)
      else messages.push(data.toString())
    })
  })
  await new Promise<void>((resolve, reject) => {
    ws.once('open', () => resolve())
    ws.once('error', reject)
  })
  if ((ws.extensions !== '') !== perMessageDeflate) throw new Error(`${name} has negotiated "${ws.extensions}"`)
  ws.on('error', () => {})
  return { ws, name, untilEnd }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

const [, , asProgram, mode] = process.argv
if (asProgram === 'bun' || asProgram === 'deno') {
  const { createRuntime } = (await import(`../../src/runtime/${asProgram}.ts`)) as { createRuntime: () => Runtime }
  const outcomes = await runScenarios(createRuntime(), mode === 'compressing')
  process.stdout.write(JSON.stringify(outcomes), () => process.exit(0))
}
