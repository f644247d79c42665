/** What a person reads of a connection that was refused or not to be had. */
import { ClientErrorCode, type ClientError } from '../stomp-client/index.ts'
import { visible } from './message-text.ts'

/** Returns one line. */
export function failureText(error: ClientError, server: string): string {
  switch (error.code) {
    case ClientErrorCode.UNREACHABLE: {
      // A WebSocket does not say which of these it is.
      const untrusted = server.startsWith('wss:') ? ' its certificate is not trusted here,' : ''
      return `Cannot connect to ${server}: nobody answers there,${untrusted} or it is no WebSocket that lets you in`
    }
    case ClientErrorCode.TIMEOUT:
      return `${server}: ${oneLine(error.message)}`
    case ClientErrorCode.UNKNOWN:
      return `${server} refuses: ${oneLine(reasonOf(error))}${VIRTUAL_HOST.test(error.body) ? ' (try --vhost /)' : ''}`
    default:
      return `${server} refuses: ${oneLine(error.message)} (${visible(error.code)})`
  }
}

/** Returns one line about a connection that was closed without an ERROR frame. `what`: what the server has done. */
export function lossText(
  server: string,
  loss: { closeCode: number | undefined; reason: string },
  what: string,
): string {
  const { closeCode, reason } = loss
  if (closeCode === undefined) return `The connection to ${server} is lost`
  return `${server} ${what}${reason === '' ? '' : `: ${oneLine(reason)}`} (code ${closeCode})`
}

/** As RabbitMQ says it. */
const VIRTUAL_HOST = /\b(virtual host|vhost)\b/i

/** Other servers put into the header what kind of trouble it is, and into the body which. */
function reasonOf({ message, body }: ClientError): string {
  const more = body.trim()
  return more === '' || more === message ? message : `${message}: ${more}`
}

/** It is the server's own text. */
function oneLine(text: string): string {
  return visible(text.trim().replace(/\s*\n\s*/g, '; ')).slice(0, 500)
}
