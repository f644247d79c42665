/** `@stomp/stompjs` 7 on `ws`: STOMP 1.2 with all three sub-protocols. */
import { Client, Versions, type IFrame, type StompConfig } from '@stomp/stompjs'
import WebSocket from 'ws'
import { ErrorFrame, Receipts, Subscription, type StompClient } from './client.ts'

/** What to give its `Client` so that it connects there; its own reconnecting is off unless asked for. */
export function stompjs7Config(wsUrl: string, config: StompConfig = {}): StompConfig {
  const protocols = (config.stompVersions ?? Versions.default).protocolVersions()
  return {
    reconnectDelay: 0,
    webSocketFactory: () => {
      const webSocket = new WebSocket(wsUrl, protocols)
      webSocket.on('error', () => {}) // A close follows.
      return webSocket
    },
    ...config,
  }
}

export interface Stompjs7Client extends StompClient {
  /** Itself, for what only it has. */
  readonly own: Client
}

export function connectStompjs7({ wsUrl }: { wsUrl: string }, config: StompConfig = {}): Promise<Stompjs7Client> {
  return new Promise((resolve, reject) => {
    const receipts = new Receipts()
    let close!: (code: number | undefined) => void
    const closed = new Promise<number | undefined>((settle) => {
      close = settle
    })
    const own = new Client({
      ...stompjs7Config(wsUrl, config),
      onConnect: (frame) => resolve(clientOf(own, frame, receipts, closed)),
      onStompError: (frame) => {
        const error = new ErrorFrame(frame.headers)
        receipts.fail(error)
        reject(error)
      },
      onWebSocketClose: ({ code }: { code: number }) => {
        const error = new Error(`The connection was closed with ${code}`)
        receipts.fail(error)
        reject(error)
        close(code)
      },
    })
    own.activate()
  })
}

function clientOf(own: Client, frame: IFrame, receipts: Receipts, closed: Promise<number | undefined>): Stompjs7Client {
  const request = () => {
    const { id, arrived } = receipts.request()
    own.watchForReceipt(id, () => receipts.arrived(id))
    return { receipt: id, arrived }
  }
  const send: StompClient['send'] = (destination, body, headers = {}) => {
    const { receipt, arrived } = request()
    own.publish({ destination, body, headers: { ...headers, receipt } })
    return arrived
  }
  return {
    own,
    connected: frame.headers,
    closed,
    async subscribe(destination, headers = {}) {
      const { receipt, arrived } = request()
      const { id } = own.subscribe(destination, (message) => subscription.put(message), { ...headers, receipt })
      const subscription = new Subscription(id, () => {
        const { receipt, arrived } = request()
        own.unsubscribe(id, { receipt })
        return arrived
      })
      await arrived
      return subscription
    },
    send,
    begin() {
      // It sends COMMIT and ABORT without headers: a receipt of the frame behind says as much (STOMP 1.2 "RECEIPT").
      const transaction = own.begin()
      const probe = () => {
        const { receipt, arrived } = request()
        own.unsubscribe('none', { receipt })
        return arrived
      }
      return {
        send: (destination, body) => send(destination, body, { transaction: transaction.id }),
        commit: () => (transaction.commit(), probe()),
        abort: () => (transaction.abort(), probe()),
      }
    },
    async disconnect() {
      await own.deactivate()
      await closed
    },
  }
}
