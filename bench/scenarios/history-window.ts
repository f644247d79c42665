/** What one slow client that reads a whole window costs the server in memory. */
import { connect, type Socket } from 'node:net'
import { body } from '../body.ts'
import { bridgeWith, WAYS } from '../contenders/bridge.ts'
import type { Contender } from '../contender.ts'
import { Unit, type Row } from '../row.ts'
import type { ServerProcess } from '../server-process.ts'
import type { Stage } from '../stage.ts'
import { median } from '../statistics.ts'

const MESSAGES = 10_000
const BODY_BYTES = 1024
/** How fast the client reads: 1 MB/s. How long a chunk is differs by runtime. */
const BYTES_PER_MS = 1048
/** Until the runtime has given back what it does not need. */
const SETTLE_MS = 8_000
/** Processes whose first reader is measured. */
const FIRSTS = 3
/** Windows that are read before the other readers are measured: until the code is compiled. Bun compiles up to the fourth. */
const WARM_UPS = 5

export const WINDOW_CASE = 'one slow client reads a window of 10,000 × 1 KB'
/** Without the garbage of what was handed over before. */
export const AT_REST = 'while it rests midway'
/** Of a process: the code is loaded and compiled while it reads. */
const FIRST_READER = 'the first reader'

const SETTINGS = {
  STOMP_BRIDGE_HISTORY: JSON.stringify([{ destination: '/topic/**', size: MESSAGES, ttlSeconds: 3600 }]),
}

/** What one more reader takes in a process that has had some, and what the first one takes. Each of the runtimes beside the others. */
export async function historyWindow(stage: Stage): Promise<Row[]> {
  stage.say(WINDOW_CASE)
  const contenders = WAYS.map((way) => bridgeWith(way.name, SETTINGS, way)).filter(({ missing }) => !missing)
  // Somebody else publishes: what that takes is not in the memory of those that are measured.
  const publisher = await contenders[0]!.start(stage, 'window')
  const topics = Array.from({ length: 1 + WARM_UPS + stage.rounds }, (_, i) => `/topic/window${i}`)
  for (const topic of topics) await fill(publisher.server.port, topic)
  await publisher.stop()
  return (await Promise.all(contenders.map((contender) => rowsOf(stage, contender, topics)))).flat()
}

async function rowsOf(stage: Stage, contender: Contender, topics: readonly string[]): Promise<Row[]> {
  const [first = '', ...others] = topics
  const firsts: Grown[] = []
  for (let i = 1; i < FIRSTS; i++) {
    await withServer(stage, contender, async (server) => void firsts.push(await measure(server, first)))
  }
  const later: Grown[] = []
  await withServer(stage, contender, async (server) => {
    firsts.push(await measure(server, first))
    for (const topic of others.slice(0, WARM_UPS)) await read(await open(server.port), topic, async () => {})
    for (const topic of others.slice(WARM_UPS)) later.push(await measure(server, topic))
  })
  const row = (name: string, grown: readonly Grown[], bytesOf: (grown: Grown) => number): Row => {
    const rounds = grown.map((each) => bytesOf(each) / 1024 / 1024)
    return { scenario: 'history', case: WINDOW_CASE, contender: name, unit: Unit.grown, value: median(rounds), rounds }
  }
  const { name } = contender
  return [
    row(name, later, ({ atMost }) => atMost),
    row(atRest(name), later, ({ atRest }) => atRest),
    row(`${name}, ${FIRST_READER}`, firsts, ({ atMost }) => atMost),
    row(`${name}, ${FIRST_READER}, ${AT_REST}`, firsts, ({ atRest }) => atRest),
  ]
}

/** Names the row of this bridge. */
export function atRest(name: string): string {
  return `${name}, ${AT_REST}`
}

async function withServer(
  stage: Stage,
  contender: Contender,
  use: (server: ServerProcess) => Promise<void>,
): Promise<void> {
  const running = await contender.start(stage, 'window')
  try {
    await use(running.server)
  } finally {
    await running.stop()
  }
}

async function fill(port: number, topic: string): Promise<void> {
  const batch = JSON.stringify(Array.from({ length: 500 }, () => ({ topic, message: body(BODY_BYTES) })))
  for (let sent = 0; sent < MESSAGES; sent += 500) {
    const answer = await fetch(`http://127.0.0.1:${port}/api/notifications`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: batch,
    })
    await answer.arrayBuffer()
    if (!answer.ok) throw new Error(`The messages were answered with ${answer.status}`)
  }
}

/** How much more memory there was than before, in bytes. */
interface Grown {
  readonly atMost: number
  /** When it had read half, and nothing for a while. */
  readonly atRest: number
}

async function measure(server: ServerProcess, topic: string): Promise<Grown> {
  await pause(SETTLE_MS)
  const socket = await open(server.port)
  const before = server.residentBytes()
  let atMost = 0
  let atRest: number | undefined
  await read(socket, topic, async (length, share) => {
    atMost = Math.max(atMost, server.residentBytes() - before)
    await pause(length / BYTES_PER_MS)
    if (atRest !== undefined || share < 1 / 2) return
    await pause(SETTLE_MS)
    atRest = server.residentBytes() - before
  })
  return { atMost, atRest: atRest ?? NaN }
}

/** Reads the window at the pace of `took`, which is told how long each chunk is, and what share of the window has come. */
async function read(
  socket: Socket,
  topic: string,
  took: (length: number, share: number) => Promise<void>,
): Promise<void> {
  try {
    socket.write(frame(`SUBSCRIBE\nid:0\ndestination:${topic}\nlast:${MESSAGES}\n\n\0`))
    for (let bytes = 0; bytes < MESSAGES * BODY_BYTES;) {
      const { length } = await nextChunk(socket)
      bytes += length
      await took(length, bytes / (MESSAGES * BODY_BYTES))
    }
  } finally {
    socket.destroy()
  }
}

/** A WebSocket with STOMP on it that reads only when it is asked to. */
async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.pause()
  socket.write(
    `GET /stomp HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
  )
  for (let text = ''; !text.includes('\r\n\r\n');) text += (await nextChunk(socket)).toString('latin1')
  socket.write(frame('CONNECT\naccept-version:1.2\nhost:bench\nheart-beat:0,0\n\n\0'))
  for (let text = ''; !text.includes('CONNECTED');) text += (await nextChunk(socket)).toString('latin1')
  return socket
}

function nextChunk(socket: Socket): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const closed = (): void => reject(new Error('The server has closed the connection of the slow client'))
    socket.once('close', closed)
    socket.once('data', (chunk: Buffer) => {
      socket.off('close', closed)
      socket.pause()
      resolve(chunk)
    })
    socket.resume()
  })
}

/** A client's text message below 126 bytes, masked with zeros. */
function frame(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)])
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
