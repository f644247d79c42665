/** Why the bridge does not do what was asked of it with an API key, and what to do, for people. Pure. */
import type { ApiError } from './client.ts'

/** `hasKey`: was a key sent? */
export function refusalWords({ status, code, message }: ApiError, hasKey: boolean): string {
  switch (status) {
    case 401:
      return hasKey
        ? 'The bridge does not know this API key. Keys are in access.apiKeys of its configuration.'
        : 'This needs an API key of the bridge: enter one.'
    case 403:
      return code === 'not-authorized'
        ? `The key is right, but not enough: ${withStop(message)} Enter one that has it, or add the scope in the configuration.`
        : message
    case 404:
      if (code === 'no-queue') return withStop(message)
      return 'This bridge does not offer that. It does with access in its configuration; who has subscribed, also with presence.'
    case 429:
      return 'Too many wrong keys came from this address. Wait a minute, then try again.'
    case 503:
      return `The bridge cannot do it now: ${withStop(message)} Try again in a moment.`
    default:
      return message
  }
}

/** Does it stay so until somebody changes something? Then asking again only makes it worse. */
export function isLastingRefusal({ status }: ApiError): boolean {
  return status >= 400 && status < 500
}

function withStop(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`
}
