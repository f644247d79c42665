/** `webstomp-client` on `ws`: STOMP 1.2, or what the sub-protocol says; text or binary WebSocket messages. */
import { createRequire } from 'node:module'
import WebSocket from 'ws'
import type * as webstompClient from 'webstomp-client'
import { ErrorFrame, Receipts, Subscription, type Headers, type StompClient } from './client.ts'

// Its types speak of a default export that the package does not have.
const webstomp = createRequire(import.meta.url)('webstomp-client') as typeof webstompClient

export interface WebstompClient extends StompClient {
  readonly own: webstompClient.Client
}

export interface WebstompOptions {
  /** What its own `webstomp.client` offers, unless told. */
  readonly protocols?: readonly string[]
  readonly binary?: boolean
  /** 10 s both ways unless told: its own default. */
  readonly heartbeatMs?: number
  /** Called with each line that it would write to the console. */
  readonly onDebug?: (line: string) => void
}

export function connectWebstomp({ wsUrl }: { wsUrl: string }, options: WebstompOptions = {}): Promise<WebstompClient> {
  const { protocols = ['v10.stomp', 'v11.stomp', 'v12.stomp'], binary = false, heartbeatMs = 10_000 } = options
  return new Promise((resolve, reject) => {
    const receipts = new Receipts()
    const webSocket = new WebSocket(wsUrl, [...protocols])
    webSocket.on('error', () => {}) // A close follows.
    const closed = new Promise<number>((settle) => webSocket.once('close', settle))
    const heartbeat = { outgoing: heartbeatMs, incoming: heartbeatMs }
    const own = webstomp.over(webSocket, { binary, heartbeat, debug: false })
    if (options.onDebug) own.debug = options.onDebug
    own.onreceipt = (frame) => receipts.arrived(frame.headers['receipt-id'])
    own.connect(
      {},
      (frame) => resolve({ own, ...clientOf(own, frame!.headers as Headers, receipts, closed) }),
      (problem) => {
        const error =
          'command' in problem ? new ErrorFrame(problem.headers as Headers) : new Error('The connection was closed')
        receipts.fail(error)
        reject(error)
      },
    )
  })
}

function clientOf(
  own: webstompClient.Client,
  connected: Headers,
  receipts: Receipts,
  closed: Promise<number>,
): StompClient {
  let count = 0
  const send: StompClient['send'] = (destination, body, headers = {}) => {
    const { id: receipt, arrived } = receipts.request()
    own.send(destination, body, { ...headers, receipt })
    return arrived
  }
  /** COMMIT and ABORT take no headers: a receipt of a frame behind says as much (STOMP 1.2 "RECEIPT"). */
  const probe = () => {
    const { id: receipt, arrived } = receipts.request()
    own.unsubscribe('none', { receipt })
    return arrived
  }
  return {
    connected,
    closed,
    async subscribe(destination, headers = {}) {
      const { id: receipt, arrived } = receipts.request()
      // Its own ids are a time and three digits, and two of one millisecond can be the same.
      const id = `sub-${++count}`
      const subscription = new Subscription(id, () => {
        const { id: receipt, arrived } = receipts.request()
        own.unsubscribe(id, { receipt })
        return arrived
      })
      own.subscribe(
        destination,
        (message) =>
          subscription.put({
            headers: message.headers as Headers,
            body: message.body,
            ack: () => void message.ack(),
            nack: () => void message.nack(),
          }),
        { ...headers, id, receipt },
      )
      await arrived
      return subscription
    },
    send,
    begin() {
      const transaction = `tx-${++count}`
      own.begin(transaction)
      return {
        send: (destination, body) => send(destination, body, { transaction }),
        commit: () => (own.commit(transaction), probe()),
        abort: () => (own.abort(transaction), probe()),
      }
    },
    async disconnect() {
      own.disconnect()
      await closed
    },
  }
}
