/** What one slow client that reads a whole window costs the server in memory. */
import { connect, type Socket } from 'node:net'
import { body } from '../body.ts'
import { bridgeWith } from '../contenders/bridge.ts'
import { BRIDGE } from '../contenders/index.ts'
import { Unit, type Row } from '../row.ts'
import type { Stage } from '../stage.ts'
import { median } from '../statistics.ts'

const MESSAGES = 10_000
const BODY_BYTES = 1024
/** One chunk each time: some 1 MB/s. */
const SIP_EVERY_MS = 40
/** Until the runtime has given back what it does not need. */
const SETTLE_MS = 8_000

export const WINDOW_CASE = 'one slow client reads a window of 10,000 × 1 KB'
/** Without the garbage of what was handed over before. */
export const AT_REST = 'while it rests midway'

const SETTINGS = {
  STOMP_BRIDGE_HISTORY: JSON.stringify([{ destination: '/topic/**', size: MESSAGES, ttlSeconds: 3600 }]),
}

export async function historyWindow(stage: Stage): Promise<Row[]> {
  stage.say(WINDOW_CASE)
  const contender = bridgeWith('history-window', SETTINGS)
  // Somebody else publishes: what that takes is not in the memory of the one that is measured.
  const publisher = await contender.start(stage, 'window')
  const topics = Array.from({ length: stage.rounds + 1 }, (_, i) => `/topic/window${i}`)
  for (const topic of topics) await fill(publisher.server.port, topic)
  await publisher.stop()
  const running = await contender.start(stage, 'window')
  try {
    const grown: Grown[] = []
    for (const topic of topics) {
      await pause(SETTLE_MS)
      grown.push(await readSlowly(running.server.port, topic, () => running.server.residentBytes()))
    }
    grown.shift() // it has warmed up
    const row = (name: string, bytesOf: (grown: Grown) => number): Row => {
      const rounds = grown.map((each) => bytesOf(each) / 1024 / 1024)
      return {
        scenario: 'history',
        case: WINDOW_CASE,
        contender: name,
        unit: Unit.grown,
        value: median(rounds),
        rounds,
      }
    }
    return [row(BRIDGE.name, ({ atMost }) => atMost), row(AT_REST, ({ atRest }) => atRest)]
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

async function readSlowly(port: number, topic: string, memory: () => number): Promise<Grown> {
  const socket = await open(port)
  try {
    const before = memory()
    let atMost = 0
    let atRest: number | undefined
    let bytes = 0
    socket.write(frame(`SUBSCRIBE\nid:0\ndestination:${topic}\nlast:${MESSAGES}\n\n\0`))
    while (bytes < MESSAGES * BODY_BYTES) {
      bytes += (await nextChunk(socket)).length
      atMost = Math.max(atMost, memory() - before)
      await pause(SIP_EVERY_MS)
      if (atRest !== undefined || bytes < (MESSAGES * BODY_BYTES) / 2) continue
      await pause(SETTLE_MS)
      atRest = memory() - before
    }
    return { atMost, atRest: atRest ?? NaN }
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
