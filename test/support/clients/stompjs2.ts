/** The old `stompjs` 2.3.3 as pages use it: `Stomp.over(webSocket)`, no sub-protocol, STOMP 1.1. */
import Stomp, { type Client, type Frame } from 'stompjs'
import WebSocket from 'ws'
import { ErrorFrame, Receipts, Subscription, type StompClient } from './client.ts'

export interface Stompjs2Client extends StompClient {
  readonly own: Client
  readonly webSocket: WebSocket
}

export interface Stompjs2Options {
  readonly protocols?: readonly string[]
  /** 10 s both ways unless told: its own default. */
  readonly heartbeatMs?: number
  /** Called with each line that it would write to the console. */
  readonly onDebug?: (line: string) => void
}

export function connectStompjs2(
  { wsUrl }: { wsUrl: string },
  { protocols = [], heartbeatMs = 10_000, onDebug }: Stompjs2Options = {},
): Promise<Stompjs2Client> {
  return new Promise((resolve, reject) => {
    const receipts = new Receipts()
    const webSocket = new WebSocket(wsUrl, [...protocols])
    webSocket.on('error', () => {}) // A close follows.
    const closed = new Promise<number>((settle) => webSocket.once('close', settle))
    const own = Stomp.over(webSocket)
    own.heartbeat = { outgoing: heartbeatMs, incoming: heartbeatMs }
    own.debug = onDebug
    own.onreceipt = (frame) => receipts.arrived(frame.headers['receipt-id'])
    own.connect(
      {},
      (frame) => resolve({ own, webSocket, ...clientOf(own, frame, receipts, closed) }),
      (problem) => {
        const error = typeof problem === 'string' ? new Error(problem) : new ErrorFrame(problem.headers)
        receipts.fail(error)
        reject(error)
      },
    )
  })
}

function clientOf(own: Client, frame: Frame, receipts: Receipts, closed: Promise<number>): StompClient {
  const send: StompClient['send'] = (destination, body, headers = {}) => {
    const { id: receipt, arrived } = receipts.request()
    own.send(destination, { ...headers, receipt }, body)
    return arrived
  }
  /** Its other frames take no headers: a receipt of a frame behind says as much (STOMP 1.1 "RECEIPT"). */
  const probe = () => {
    const { id: receipt, arrived } = receipts.request()
    own.send('/topic/nobody', { receipt }, '')
    return arrived
  }
  return {
    connected: frame.headers,
    closed,
    async subscribe(destination, headers = {}) {
      const { id: receipt, arrived } = receipts.request()
      const { id } = own.subscribe(destination, (message) => subscription.put(message), { ...headers, receipt })
      const subscription = new Subscription(id, () => {
        own.unsubscribe(id)
        return probe()
      })
      await arrived
      return subscription
    },
    send,
    begin() {
      const transaction = own.begin()
      return {
        send: (destination, body) => send(destination, body, { transaction: transaction.id }),
        commit: () => (transaction.commit(), probe()),
        abort: () => (transaction.abort(), probe()),
      }
    },
    async disconnect() {
      own.disconnect()
      await closed
    },
  }
}
