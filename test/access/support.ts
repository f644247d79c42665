/** What the tests of logins share: credentials, an HTTP server that answers as told, signed tokens. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK, type JWTHeaderParameters } from 'jose'
import { onTestFinished } from 'vitest'
import type { Credentials } from '../../src/access/authenticator.ts'
import { bareHandshake } from '../../src/access/handshake.ts'

export interface CredentialParts extends Partial<Omit<Credentials, 'handshake'>> {
  readonly headers?: Record<string, string>
  readonly path?: string
}

export function credentials({ headers, path = '/ws', ...parts }: CredentialParts = {}): Credentials {
  const { remoteAddress = '192.0.2.1' } = parts
  return {
    token: parts.passcode,
    login: undefined,
    passcode: undefined,
    remoteAddress,
    handshake: { ...bareHandshake(remoteAddress), path, headers: new Headers(headers) },
    signal: new AbortController().signal,
    header: () => undefined,
    ...parts,
  }
}

export interface Asked {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface TestServer {
  readonly url: string
  readonly asked: Asked[]
  /** How it answers from now on. */
  answer: (asked: Asked, response: ServerResponse) => unknown
}

/** A real server on a free port, until the test is over. */
export async function startServer(answer: TestServer['answer'] = json(200, {})): Promise<TestServer> {
  const asked: Asked[] = []
  const http = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (chunk) => (body += chunk))
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      asked.push({ method, url, headers, body })
      void server.answer(asked.at(-1)!, response)
    })
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    http.closeAllConnections()
    http.close()
  })
  const server = { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, asked, answer }
  return server
}

export function json(status: number, value: unknown, headers: Record<string, string> = {}): TestServer['answer'] {
  return (_asked, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value))
  }
}

export interface TestKey {
  readonly privateKey: CryptoKey
  readonly publicKey: CryptoKey
  readonly jwk: JWK
}

export async function makeKey(kid?: string, algorithm = 'RS256'): Promise<TestKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true })
  const jwk = await exportJWK(publicKey)
  return { privateKey, publicKey, jwk: kid === undefined ? jwk : { ...jwk, kid } }
}

/** The time in the tests, in seconds since 1970. */
export const NOW = 1_800_000_000

export function sign(
  payload: Record<string, unknown>,
  key: CryptoKey | Uint8Array,
  header: Partial<JWTHeaderParameters> = {},
): Promise<string> {
  return new SignJWT(payload).setProtectedHeader({ alg: 'RS256', ...header }).sign(key)
}

/** Any three parts as they stand. */
export function rawToken(header: unknown, payload: unknown, signature = 'AAAA'): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part(header)}.${part(payload)}.${signature}`
}

/** What a rejection or a throw was. */
export async function errorOf(work: () => unknown): Promise<unknown> {
  try {
    await work()
  } catch (error) {
    return error
  }
  throw new Error('It did not fail')
}
