/** The same thing from a terminal: what a form of the backend side does, as a command to copy. Pure. */

/** Quotes an argument for a POSIX shell. */
export function shellQuote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

/** `takesKey`: with an API key, which stands in a variable: a command is copied, and remembered by the shell. */
export function curlNotification(root: string, topic: string, message: unknown, takesKey = false): string {
  const body = JSON.stringify({ topic, message })
  const key = takesKey ? ' -H "Authorization: Bearer $STOMP_BRIDGE_API_KEY"' : ''
  return `curl ${shellQuote(`${root}/api/notification`)}${key} -H 'content-type: application/json' -d ${shellQuote(body)}`
}

export function redisPublish(channel: string, payload: string): string {
  return `redis-cli PUBLISH ${shellQuote(channel)} ${shellQuote(payload)}`
}

export function redisSubscribe(channel: string): string {
  return `redis-cli SUBSCRIBE ${shellQuote(channel)}`
}
