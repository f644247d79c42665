/** One of several workers. It is given one job at a time, and says what has become of it. */
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient, type Message } from '../../src/stomp-client/index.ts' // in your program: 'stomp-bridge/client'

const { NAME = 'one', SOCKETS = 'ws://localhost:8080/stomp,ws://localhost:8081/stomp' } = process.env
const sockets = SOCKETS.split(',')

interface Job {
  readonly id: string
  /** How long it takes. */
  readonly ms: number
  /** A time before which nobody can do it: what it needs is away. */
  readonly failsUntil?: number
}

async function work({ id, ms, failsUntil = 0 }: Job): Promise<void> {
  await sleep(ms)
  if (Date.now() < failsUntil) throw new Error(`${id}: what it needs is away`)
}

/** A job may be done twice, if a worker dies between the work and the ACK: yours should do no harm then. */
async function handle(message: Message): Promise<void> {
  try {
    const job = JSON.parse(message.body) as Job
    await work(job)
    const done = { id: job.id, by: NAME, delivery: Number(message.headers['delivery-count']) }
    client.publish({ destination: '/topic/done', body: JSON.stringify(done) })
    message.ack()
  } catch (error) {
    console.error(String(error))
    // Without a connection there is nothing to give back: somebody else has it by now.
    if (client.isConnected) message.nack()
  }
}

let attempts = Math.floor(Math.random() * sockets.length)
const client = createClient({
  brokerURL: sockets[0]!,
  // Each attempt is at the next node. With a balancer in front there is one address.
  webSocketFactory: (_url, protocols) => new WebSocket(sockets[attempts++ % sockets.length]!, protocols),
  backoff: { firstMs: 500, maxMs: 5000 },
  onError: ({ message }) => console.error(message),
})
client.subscribe('/queue/jobs', (message) => void handle(message), {
  ack: 'client-individual',
  headers: { 'prefetch-count': '1' },
  onLive: () => console.log(`Worker ${NAME} takes jobs`),
})
client.activate()
