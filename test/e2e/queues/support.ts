/** A worker of a queue, frame by frame: what it is given, and what it says of it. */
import { onTestFinished } from 'vitest'
import type { Frame } from '../../../frames/index.ts'
import type { BridgeProcess } from '../../support/process.ts'
import { bodyText, connectPeer, frameText, type StompPeer } from '../../support/stomp-peer.ts'

/** A message as it was given. */
export interface Given {
  readonly body: string
  readonly id: string
  /** What ACK and NACK name. */
  readonly ack: string
  readonly deliveries: number
  readonly frame: Frame
}

export type AckMode = 'auto' | 'client' | 'client-individual'

export class Worker {
  readonly peer: StompPeer
  #receipts = 0

  constructor(peer: StompPeer) {
    this.peer = peer
  }

  /** Resolves when it is subscribed. Messages that come before the RECEIPT are for `take`. */
  async subscribe(
    destination: string,
    ack: AckMode = 'client-individual',
    more: Readonly<Record<string, string>> = {},
  ) {
    await this.#answered('SUBSCRIBE', { id: '1', destination, ack, ...more })
  }

  readonly #early: Frame[] = []

  async take(): Promise<Given> {
    const frame = this.#early.shift() ?? (await this.peer.frame())
    if (frame.command !== 'MESSAGE') throw new Error(`${frame.command} came: ${bodyText(frame)}`)
    const header = (name: string): string => frame.headers.get(name) ?? ''
    return {
      body: bodyText(frame),
      id: header('message-id'),
      ack: header('ack'),
      deliveries: Number(header('delivery-count')),
      frame,
    }
  }

  async takeBodies(count: number): Promise<string[]> {
    const bodies: string[] = []
    while (bodies.length < count) bodies.push((await this.take()).body)
    return bodies
  }

  /** Resolves when the RECEIPT has come. */
  ack({ ack }: Given): Promise<void> {
    return this.#answered('ACK', { id: ack })
  }

  nack({ ack }: Given): Promise<void> {
    return this.#answered('NACK', { id: ack })
  }

  commit(transaction: string): Promise<void> {
    return this.#answered('COMMIT', { transaction })
  }

  unsubscribe(): Promise<void> {
    return this.#answered('UNSUBSCRIBE', { id: '1' })
  }

  send(destination: string, body: string, more: Readonly<Record<string, string>> = {}): Promise<void> {
    return this.#answered('SEND', { destination, ...more }, body)
  }

  /** Resolves with the ERROR that a frame brings. */
  async refused(command: string, headers: Readonly<Record<string, string>>, body = ''): Promise<Frame> {
    this.peer.send(frameText(command, headers, body))
    for (;;) {
      const frame = await this.peer.frame()
      if (frame.command === 'ERROR') return frame
      if (frame.command !== 'MESSAGE') throw new Error(`${frame.command} came, no ERROR`)
    }
  }

  /** Sends it, and resolves when the server has answered: for frames that have no effect of their own to wait for. */
  async #answered(command: string, headers: Readonly<Record<string, string>>, body = ''): Promise<void> {
    const receipt = `r${++this.#receipts}`
    this.peer.send(frameText(command, { ...headers, receipt }, body))
    for (;;) {
      const frame = await this.peer.frame()
      if (frame.command === 'RECEIPT' && frame.headers.get('receipt-id') === receipt) return
      if (frame.command !== 'MESSAGE') throw new Error(`${frame.command} came for ${command}: ${bodyText(frame)}`)
      this.#early.push(frame)
    }
  }
}

/** Connects one, which goes with the test. */
export async function connectWorker(bridge: BridgeProcess): Promise<Worker> {
  const peer = await connectPeer({ url: bridge.wsUrl })
  onTestFinished(() => peer.terminate())
  await peer.stompConnect()
  return new Worker(peer)
}

/** One that has subscribed already. */
export async function startWorker(
  bridge: BridgeProcess,
  destination: string,
  ack?: AckMode,
  more?: Readonly<Record<string, string>>,
): Promise<Worker> {
  const worker = await connectWorker(bridge)
  await worker.subscribe(destination, ack, more)
  return worker
}

export interface QueueCounts {
  readonly queue: string
  readonly ready: number
  readonly pending: number
  readonly consumers: number
  readonly dead: number
}

export async function countsOf({ url }: BridgeProcess, destination: string): Promise<QueueCounts | undefined> {
  const list = (await (await fetch(`${url}/api/queues`)).json()) as readonly QueueCounts[]
  return list.find(({ queue }) => queue === destination)
}
