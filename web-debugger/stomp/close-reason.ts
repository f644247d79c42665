/** Why a connection is not there, in words, with what to do. */
import type { Close } from './tapped-socket.ts'

export interface CloseContext {
  readonly url: string
  /** The STOMP session, or the WebSocket where there is no STOMP, was there before. */
  readonly wasConnected: boolean
  /** The WebSocket itself was open. */
  readonly wasOpen: boolean
  /** An attempt before this one was connected, with the same settings. */
  readonly hasWorked: boolean
  readonly isStomp: boolean
  /** A credential that the URL brought: a server that refuses it opens no WebSocket, and browsers do not tell why. */
  readonly inUrl?: 'ticket' | 'used ticket' | 'token' | undefined
}

/** Meanings of close codes. RFC 6455, 7.4.1, and the registry of WebSocket close codes; 4500 as this bridge and Spring use it. */
const MEANINGS: Readonly<Record<number, string>> = {
  1000: 'The server closed the connection normally.',
  1001: 'The server is going away: it is stopping, or restarting.',
  1002: 'The server found the WebSocket protocol broken.',
  1003: 'The server does not take this kind of data. Some take no binary messages.',
  1005: 'The server closed the connection and gave no reason.',
  1007: 'The server was sent text that is not UTF-8.',
  1008: 'The server refused: its policy does not allow this.',
  1009: 'The message was too large for the server. Send a smaller one, or raise the limit there.',
  1010: 'The server lacks a WebSocket extension.',
  1011: 'The server had an error of its own. Its log says more.',
  1012: 'The server is restarting.',
  1013: 'The server has too much to do. Try again later.',
  1014: 'A proxy got no proper answer from the server behind it.',
  4500: 'The server gave this client up: it was too slow to take what it is subscribed to.',
}

/** A ticket opens one connection. */
export const TICKET_IS_USED =
  'The ticket in the URL has been used, and a ticket opens one connection only: get a new one, and put it into the URL.'

export function describeClose(close: Close, context: CloseContext): string {
  const { url, wasConnected, wasOpen, hasWorked, inUrl } = context
  if (close.code === 1006 && !wasOpen && hasWorked) {
    const or = inUrl === 'token' ? ', or it refuses the token in the URL' : ''
    return `The server does not answer any more at ${url}: it is stopped, or restarting, or the network is gone${or}.`
  }
  if (close.code === 1006 && !wasOpen) return unreachable(context)
  if (close.code === 1006) {
    return wasConnected
      ? 'The connection broke: the server, or something on the way, is gone without a word.'
      : 'The server dropped the connection before it answered CONNECT.'
  }
  const meaning = MEANINGS[close.code] ?? unknownMeaning(close.code)
  return close.reason === '' ? `${meaning} (code ${close.code})` : `${meaning} It says: ${close.reason} (${close.code})`
}

function unknownMeaning(code: number): string {
  return code >= 4000
    ? 'The server closed the connection, with a code of its own making: its documentation says what it means.'
    : 'The server closed the connection.'
}

function unreachable({ url, isStomp, inUrl }: CloseContext): string {
  if (inUrl === 'used ticket') return `No WebSocket could be opened at ${url}. ${TICKET_IS_USED}`
  const hints = ['that the server runs', 'that the path is right', 'that it allows connections from this page’s origin']
  if (inUrl === 'ticket') hints.unshift('that the ticket is new (it is good once, and for about a minute)')
  if (inUrl === 'token') hints.unshift('that the token is right, and has not expired')
  if (isStomp) hints.push('that it knows one of the sub-protocols offered (old servers want none)')
  return `No WebSocket could be opened at ${url}. Check ${hints.slice(0, -1).join(', ')}, and ${hints.at(-1)}.`
}

/** What the constructor of WebSocket threw, in words. */
export function describeRefusal(error: unknown, url: string): string {
  const name = error instanceof Error ? error.name : ''
  if (name === 'SecurityError') {
    return `The browser does not allow ${url} from a page that came over https. Use wss://, or open this page over http.`
  }
  // Of sub-protocols it accepts what the profile does.
  if (name === 'SyntaxError') return `The browser does not accept this URL: ${url}`
  return `The browser could not open ${url}: ${error instanceof Error ? error.message : String(error)}`
}
