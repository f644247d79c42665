/** `stompit` over TCP: what a backend on Node uses. STOMP 1.2. */
import { text } from 'node:stream/consumers'
import { connect, type Client, type SendOptions, type Transaction } from 'stompit'
import { Subscription, type StompClient } from './client.ts'

export interface StompitClient extends StompClient {
  readonly own: Client
}

export function connectStompit(
  { tcpPort }: { tcpPort: number | undefined },
  connectHeaders: Record<string, string> = {},
  tls: { readonly ssl?: boolean; readonly ca?: Buffer } = {},
): Promise<StompitClient> {
  if (tcpPort === undefined) throw new Error('The bridge has no TCP port: start it with tcp')
  return new Promise((resolve, reject) => {
    connect({ host: '127.0.0.1', port: tcpPort, connectHeaders, ...tls }, (error, own) => {
      if (error) reject(error)
      else resolve({ own, ...clientOf(own) })
    })
  })
}

function clientOf(own: Client): StompClient {
  /** Calls with options that ask for a receipt, and waits for it; an ERROR frame or the end of the connection rejects. */
  const answered = (call: (options: SendOptions) => void): Promise<void> =>
    new Promise((resolve, reject) => {
      const settle = (settleWith: () => void) => {
        own.off('error', onError).off('end', onEnd)
        settleWith()
      }
      const onError = (error: Error) => settle(() => reject(error))
      const onEnd = () => settle(() => reject(new Error('The connection was closed')))
      own.on('error', onError).on('end', onEnd)
      call({ onReceipt: () => settle(resolve) })
    })
  const closed = new Promise<undefined>((resolve) => own.getTransportSocket().once('close', () => resolve(undefined)))
  own.on('error', () => {}) // Also when nobody waits for an answer.
  return {
    connected: own.headers,
    closed,
    async subscribe(destination, headers = {}) {
      const handle = own.subscribe({ ...headers, destination }, (error, message) => {
        if (error) return
        void text(message).then((body) => {
          subscription.put({
            headers: Object.fromEntries(Object.entries(message.headers).map(([name, value]) => [name, String(value)])),
            body,
            ack: () => own.ack(message),
            nack: () => own.nack(message),
          })
        })
      })
      const subscription = new Subscription(String(handle.getId()), () => {
        handle.unsubscribe()
        return probe()
      })
      await probe()
      return subscription
    },
    send: (destination, body, headers = {}) =>
      answered((options) => own.send({ ...headers, destination }, options).end(body)),
    begin() {
      const transaction = own.begin()
      return {
        send: (destination, body) => sendIn(transaction, destination, body),
        commit: () => answered((options) => transaction.commit(options)),
        abort: () => answered((options) => transaction.abort(options)),
      }
    },
    async disconnect() {
      await new Promise<void>((resolve, reject) => own.disconnect((error) => (error ? reject(error) : resolve())))
      await closed
    },
  }

  /** Its SUBSCRIBE and UNSUBSCRIBE ask for no receipt: that of a frame behind says as much (STOMP 1.2 "RECEIPT"). */
  function probe(): Promise<void> {
    return answered((options) => own.sendFrame('UNSUBSCRIBE', { id: 'none' }, options).end())
  }

  function sendIn(transaction: Transaction, destination: string, body: string): Promise<void> {
    return answered((options) => transaction.send({ destination }, options).end(body))
  }
}
