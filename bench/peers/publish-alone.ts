/**
 * What SEND costs at least: ioredis with auto-pipelining publishes to Redis, and nothing else. A request says how many
 * messages of how many bytes; it is answered when Redis has them all.
 */
import { Redis } from 'ioredis'
import { body } from '../body.ts'

const redis = new Redis(process.env['REDIS_URL']!, { enableAutoPipelining: true })

Bun.serve({
  hostname: '127.0.0.1',
  port: Number(process.env['PORT']),
  async fetch(request) {
    const { searchParams } = new URL(request.url)
    const count = Number(searchParams.get('count'))
    const payload = JSON.stringify(body(Number(searchParams.get('bytes'))))
    await Promise.all(Array.from({ length: count }, () => redis.publish('app:bench', payload)))
    return new Response(null)
  },
})
