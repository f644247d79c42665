/** A bridge with work queues, as the page of the web debugger meets it: on the embedded bus, open to everybody. */
import { expect, onTestFinished } from 'vitest'
import { notify } from '../../../support/clients/backend.ts'
import type { BridgeProcess } from '../../../support/process.ts'
import { connectPeer, frameText, type StompPeer } from '../../../support/stomp-peer.ts'
import { startConfigured } from './configured-bridge.ts'

/** Everything below `/queue`; what fails once below `/queue/fragile` is dead. */
export const QUEUES = [{ destination: '/queue/fragile/**', maxDeliveries: 1 }, { destination: '/queue/**' }]

/** Starts one for the length of the test, or of the file when called in `beforeAll`. */
export function startQueueBridge(env: Readonly<Record<string, string>> = {}): Promise<BridgeProcess> {
  return startConfigured({ queues: QUEUES }, env)
}

/** Adds messages to a queue. */
export async function enqueue(bridge: BridgeProcess, queue: string, ...bodies: unknown[]): Promise<void> {
  for (const body of bodies) expect((await notify(bridge, queue, body)).status).toBeLessThan(300)
}

/** Somebody who has so many messages of the queue, and has acknowledged none. */
export async function workerOf(bridge: BridgeProcess, queue: string, count: number): Promise<Worker> {
  const peer = await connectPeer({ url: bridge.wsUrl })
  onTestFinished(() => peer.terminate())
  await peer.stompConnect({ 'accept-version': '1.2' })
  const headers = { ack: 'client-individual', 'prefetch-count': String(count) }
  peer.send(frameText('SUBSCRIBE', { id: '1', destination: queue, ...headers }))
  const acks: string[] = []
  for (let i = 0; i < count; i++) acks.push((await peer.expect('MESSAGE')).headers.get('ack')!)
  return { peer, acks }
}

export interface Worker {
  readonly peer: StompPeer
  /** What acknowledges each message. */
  readonly acks: readonly string[]
}

/** Puts messages into a queue below `/queue/fragile`, and fails with them. */
export async function bury(bridge: BridgeProcess, queue: string, ...bodies: unknown[]): Promise<void> {
  await enqueue(bridge, queue, ...bodies)
  const { peer, acks } = await workerOf(bridge, queue, bodies.length)
  for (const id of acks) peer.send(frameText('NACK', { id, receipt: id }))
  for (const id of acks) await peer.receipt(id)
  peer.send(frameText('UNSUBSCRIBE', { id: '1', receipt: 'gone' }))
  await peer.receipt('gone')
}
