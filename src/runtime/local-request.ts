/** One request over HTTP to a server on this machine; on `node:http`, which all three runtimes have. */
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'

export interface LocalAnswer {
  readonly status: number
  readonly body: string
}

/**
 * Asks and reads the whole answer. A certificate may be anybody's: it names the server as others call it, and what is
 * sent is no secret.
 *
 * Errors: rejects when nobody answers in time, with a reason for people.
 */
export function requestLocally(url: string, timeoutMs: number): Promise<LocalAnswer> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs)
    const fail = (error: Error) => reject(signal.aborted ? new Error(`waited ${timeoutMs} ms`) : error)
    const options = { signal, agent: false, rejectUnauthorized: false } as const
    const request = url.startsWith('https:') ? httpsRequest(url, options) : httpRequest(url, options)
    request.on('error', fail).on('response', (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => (body += text))
      response.on('error', fail).on('end', () => resolve({ status: response.statusCode ?? 0, body }))
    })
    request.end()
  })
}
