/**
 * A backend service for the test of the backend package: it does what the entries of the stream `orders` ask for, until
 * one of them is the last. Run as `backend-child.ts REDIS_URL`; has nothing left to do then, and ends by itself.
 */
import process from 'node:process'
import { Redis } from 'ioredis'
import { createBackend, type Entry } from '../../src/backend/index.ts'

const redis = new Redis(process.argv[2]!)
const backend = createBackend(redis)

async function handle({ fields, redelivered }: Entry): Promise<void> {
  const { kind, to = '', message = '' } = fields
  if (kind === 'topic') await backend.notify(to, { message })
  else if (kind === 'user') await backend.toUser(to, '/queue/notes', message)
  else if (kind === 'group') await backend.toGroup(to, 'news', message)
  else if (kind === 'request') await backend.reply(JSON.parse(message), { done: true })
  else if (kind === 'second time' && !redelivered) throw new Error('not yet')
  else if (kind === 'second time') await backend.notify(to, message)
  else last()
}

let last!: () => void
const isLast = new Promise<void>((resolve) => (last = resolve))
const consumer = backend.consume('orders', 'workers', 'child', handle, {
  concurrency: 2,
  claimIdleMs: 200,
  blockMs: 60_000,
  onError: ({ message }) => console.log(message.replace(/^.*, /, '')),
})
await isLast
await consumer.stop()
console.log(JSON.stringify(await redis.call('XPENDING', 'orders', 'workers')))
redis.disconnect()
