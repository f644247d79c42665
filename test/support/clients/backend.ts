/** A backend's side of the bridge: what comes out on Redis channels, and what goes in by HTTP. */
import type { RedisServer } from '../redis.ts'
import { Inbox } from './inbox.ts'

/** Subscribes to a channel with a connection of its own; gives the payloads, byte for byte. */
export async function listen(redis: RedisServer, channel: string): Promise<Inbox<Buffer>> {
  const inbox = new Inbox<Buffer>(`payload on ${channel}`)
  const client = await redis.client()
  client.on('messageBuffer', (_channel: Buffer, payload: Buffer) => inbox.put(payload))
  await client.subscribe(channel)
  return inbox
}

/** POSTs a notification, and gives the status and the body of the answer. */
export async function notify(
  { url }: { url: string },
  topic: string,
  message: unknown,
): Promise<{ status: number; body: string }> {
  const response = await fetch(`${url}/api/notification`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ topic, message }),
  })
  return { status: response.status, body: await response.text() }
}

/** The value of one metric without labels; rejects when there is none. */
export async function metric({ url }: { url: string }, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const value = new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]
  if (value === undefined) throw new Error(`There is no ${name} in /metrics:\n${text.slice(0, 2_000)}`)
  return Number(value)
}
