/** The same thing from a terminal: what a form of the backend side does, as a command to copy. Pure. */

/** Quotes an argument for a POSIX shell. */
export function shellQuote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

export function curlNotification(root: string, topic: string, message: unknown): string {
  const body = JSON.stringify({ topic, message })
  return `curl ${shellQuote(`${root}/api/notification`)} -H 'content-type: application/json' -d ${shellQuote(body)}`
}

export function redisPublish(channel: string, payload: string): string {
  return `redis-cli PUBLISH ${shellQuote(channel)} ${shellQuote(payload)}`
}

export function redisSubscribe(channel: string): string {
  return `redis-cli SUBSCRIBE ${shellQuote(channel)}`
}
