/**
 * Opens connections that do not get on, on the runtime that it runs on, and says when each was closed. As a program
 * (`bun slow-requests-runner.ts bun`) it writes that as JSON.
 */
import process from 'node:process'
import type { Runtime } from '../../src/socket.ts'
import { connectRaw } from '../support/raw-http.ts'

export const REQUEST_TIMEOUT_MS = 2000
export const KEEP_ALIVE_MS = 4000

/** Milliseconds until the server closed, by what the client did. */
export type Closings = Readonly<Record<string, number>>

const HEAD = 'POST / HTTP/1.1\r\nHost: a\r\n'
const WHOLE = `GET / HTTP/1.1\r\nHost: a\r\n\r\n`

export async function runSlowRequests(runtime: Runtime): Promise<Closings> {
  const listener = await runtime.listen({
    host: '127.0.0.1',
    port: 0,
    fetch: async (request) => new Response(await request.text()),
    maxMessageBytes: 1000,
    maxBodyBytes: 1000,
    hardUnsentBytes: 1000,
    compressionMinBytes: undefined,
    pingIntervalMs: 0,
    keepAliveMs: KEEP_ALIVE_MS,
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
  })
  const run = async (bytes: string, drip?: string, then = ''): Promise<number> => {
    const connection = await connectRaw(listener.port)
    connection.write(bytes)
    if (then !== '') {
      await connection.until('\r\n\r\n')
      connection.write(then)
    }
    if (drip !== undefined) connection.drip(drip, 200)
    return connection.closed
  }
  const clients: Readonly<Record<string, Promise<number>>> = {
    'that sends nothing': run(''),
    'that stops in the head': run(HEAD),
    'that sends the head byte by byte': run(`${HEAD}X-Slow: `, 'x'),
    'that stops in the body': run(`${HEAD}Content-Length: 900\r\n\r\n`),
    'that sends the body byte by byte': run(`${HEAD}Content-Length: 900\r\n\r\n`, 'x'),
    'that sends the head of a second request byte by byte': run(WHOLE, 'x', `${HEAD}X-Slow: `),
    'that sends the body of a second request byte by byte': run(WHOLE, 'x', `${HEAD}Content-Length: 900\r\n\r\n`),
  }
  const closings: Record<string, number> = {}
  for (const [name, closed] of Object.entries(clients)) closings[name] = await closed
  await listener.close()
  return closings
}

const [, , asProgram] = process.argv
if (asProgram === 'bun' || asProgram === 'deno') {
  const { createRuntime } = (await import(`../../src/runtime/${asProgram}.ts`)) as { createRuntime: () => Runtime }
  const closings = await runSlowRequests(createRuntime())
  process.stdout.write(JSON.stringify(closings), () => process.exit(0))
}
