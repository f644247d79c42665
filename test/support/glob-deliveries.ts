/** What PSUBSCRIBE of a real Redis delivers, for tests that read its patterns themselves. */
import type { RedisServer } from './redis.ts'

const SENTINEL = 'the-end'

/** Returns for each glob the channels of which it gets a message. */
export async function globDeliveries(
  redis: RedisServer,
  globs: readonly string[],
  channels: readonly string[],
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const [subscriber, publisher] = await Promise.all([redis.client(), redis.client()])
  const received = new Map(globs.map((glob): [string, Set<string>] => [glob, new Set()]))
  const end = new Promise((resolve) => subscriber.on('message', resolve))
  subscriber.on('pmessage', (glob: string, channel: string) => received.get(glob)!.add(channel))
  await subscriber.psubscribe(...globs)
  await subscriber.subscribe(SENTINEL)
  const pipeline = publisher.pipeline()
  for (const channel of channels) pipeline.publish(channel, '')
  pipeline.publish(SENTINEL, '')
  await pipeline.exec()
  await end
  subscriber.disconnect()
  publisher.disconnect()
  return received
}
