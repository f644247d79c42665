/**
 * What is never shown, saved or exported unless somebody asks for it: values of headers and URL parameters by their
 * names, tokens among the sub-protocols, and the body of a frame that brings a new token.
 */
import { RecordKind, toBytes, toText, type FrameRecord, type RecordParts, type WireData } from './frame-record.ts'

export const MASK = '••••••'

/** Where a new token is sent to: in a header, or as the body. */
export const RENEW_DESTINATION = '/bridge/renew'

const SECRET_NAME =
  /^(pass(code|word|wd)|secret|(proxy-)?authorization|(set-)?cookie|([a-z-]*[-_])?(token|jwt|ticket|api[-_]?key)|apikey)$/i

/** Names that are secret; `also` are those that a profile uses for its token. */
export function isSecretName(name: string, also: readonly string[] = []): boolean {
  return SECRET_NAME.test(name) || also.some((other) => other !== '' && other.toLowerCase() === name.toLowerCase())
}

/** The URL without what is secret in it: a password before the host, parameters such as `token`. */
export function maskUrl(url: string, also: readonly string[] = []): string {
  return changeUrlSecrets(url, also, () => MASK)
}

export function stripUrl(url: string, also: readonly string[] = []): string {
  return changeUrlSecrets(url, also, () => '')
}

function changeUrlSecrets(url: string, also: readonly string[], change: () => string): string {
  const withoutPassword = url.replace(/^([a-z]+:\/\/[^/?#@:]*):[^/?#@]*@/i, (_all, start: string) => {
    const changed = change()
    return changed === '' ? `${start}@` : `${start}:${changed}@`
  })
  const parameters = withoutPassword.replace(/([?&])([^=&#]+)=([^&#]*)/g, (all, mark: string, name: string) => {
    if (!isSecretName(name, also)) return all
    const changed = change()
    return changed === '' ? mark : `${mark}${name}=${changed}`
  })
  return parameters.replace(/([?&])&+/g, '$1').replace(/[?&]+(#|$)/, '$1')
}

/** A sub-protocol that is a token: browsers can say nothing else in a handshake. */
const BEARER_PROTOCOL = /^(\s*bearer\.)(.+)$/i

/** The names of sub-protocols without the token that one of them may be. */
export function maskSubProtocols(names: readonly string[]): string[] {
  return names.map((name) => name.replace(BEARER_PROTOCOL, `$1${MASK}`))
}

export function isSecretSubProtocol(name: string): boolean {
  return BEARER_PROTOCOL.test(name)
}

/** A frame's head begins with a command alone on its line; the last line may be cut off. */
const HEAD = /^[\r\n]*[A-Z]{3,12}\r?\n(?:[^\r\n]+(?:\r?\n|$))*/

/** The text of frames, or of a part of one, with secret header values hidden. */
export function maskText(text: string, also: readonly string[] = []): string {
  // Whoever types frames by hand may put several into one message.
  return text
    .split('\0')
    .map((frame) => maskFrame(frame, also))
    .join('\0')
}

function maskFrame(text: string, also: readonly string[]): string {
  const head = HEAD.exec(text)?.[0]
  if (head === undefined) return text
  const masked = head.replace(/^([^:\r\n]+):([^\r\n]*)/gm, (line, name: string) =>
    isSecretName(name.trim(), also) ? `${name}:${MASK}` : line,
  )
  const rest = text.slice(head.length)
  return masked + (isRenewal(head) ? rest.replace(/^(\r?\n)[^]+$/, `$1${MASK}`) : rest)
}

const RENEWAL = new RegExp(`^\\s*SEND\\r?\\n(?:.*\\r?\\n)*?destination:${RENEW_DESTINATION}\\r?(?:\\n|$)`)

function isRenewal(head: string): boolean {
  return RENEWAL.test(head)
}

/** The parts of a record; the body hidden if that is a secret. */
export function hideSecretBody(record: FrameRecord, parts: RecordParts): RecordParts {
  const isSecret = record.command === 'SEND' && record.destination === RENEW_DESTINATION && parts.body.length > 0
  return isSecret ? { ...parts, body: toBytes(MASK), text: MASK } : parts
}

const latin1 = new TextDecoder('latin1')

/** The data of a record as it may be shown. */
export function maskRaw(record: FrameRecord, also: readonly string[] = []): WireData {
  const { raw, kind } = record
  if (kind === RecordKind.heartBeat || kind === RecordKind.note) return raw
  if (typeof raw === 'string') return maskText(raw, also)
  // A character of this encoding is a byte: so long is the head, and the body stays what it is.
  const headLength = HEAD.exec(latin1.decode(raw))?.[0].length ?? 0
  const head = toText(raw.subarray(0, headLength))
  if (isRenewal(head)) return toBytes(maskText(toText(raw), also))
  const masked = maskFrame(head, also)
  if (masked === head) return raw
  const start = toBytes(masked)
  const bytes = new Uint8Array(start.length + raw.length - headLength)
  bytes.set(start)
  bytes.set(raw.subarray(headLength), start.length)
  return bytes
}
