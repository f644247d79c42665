/** A bridge inside the test's own process, and clients of it; each ends with its test. */
import { onTestFinished } from 'vitest'
import {
  createBridge,
  parseConfig,
  type Bridge,
  type BridgeAddress,
  type BridgeOptions,
  type ConfigInput,
  type Log,
} from '../../../../src/index.ts'
import { createRuntime } from '../../../../src/runtime/node.ts'
import type { Inbox } from '../../../support/clients/inbox.ts'
import { connectPeer, frameText, type StompPeer } from '../../../support/stomp-peer.ts'

export interface Embedded {
  readonly bridge: Bridge
  readonly address: BridgeAddress
  readonly url: string
  readonly wsUrl: string
}

/** Starts a bridge on a free port; it is closed when the test ends. */
export async function embed(input: ConfigInput = {}, options: Partial<BridgeOptions> = {}): Promise<Embedded> {
  const config = parseConfig({ ...input, server: { port: 0, ...input.server } })
  const bridge = createBridge({ config, runtime: createRuntime(), version: '1.2.3', ...options })
  const address = await bridge.start()
  onTestFinished(() => bridge.close())
  const place = `127.0.0.1:${address.http.port}`
  return { bridge, address, url: `http://${place}`, wsUrl: `ws://${place}${config.server.path}` }
}

/** A connection that ends with the test. */
export async function open(url: string): Promise<StompPeer> {
  const peer = await connectPeer({ url })
  onTestFinished(() => peer.terminate())
  return peer
}

/** A session that ends with the test. */
export async function connected(url: string, headers: Record<string, string> = {}): Promise<StompPeer> {
  const peer = await open(url)
  await peer.stompConnect({ 'accept-version': '1.2', ...headers })
  return peer
}

/** Resolves when the subscription is live. */
export async function subscribe(peer: StompPeer, destination: string): Promise<void> {
  peer.send(frameText('SUBSCRIBE', { destination, id: destination, receipt: destination }))
  await peer.receipt(destination)
}

export function isServing(url: string): Promise<boolean> {
  return fetch(`${url}/health`).then(
    ({ ok }) => ok,
    () => false,
  )
}

/** Everything that is logged, as text. */
export function logInto(inbox: Inbox<string>): Log {
  const put: Log['info'] = (fields, message) => {
    const texts = Object.values(fields).map((value) => (value instanceof Error ? value.stack : JSON.stringify(value)))
    inbox.put([message, ...texts].join(' '))
  }
  return { debug: put, info: put, warn: put, error: put }
}
