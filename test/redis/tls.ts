/** Certificates of a CA made for the test, for the bridge and for Redis; and a Redis behind TLS, which may ask its clients for one. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, type TLSSocket } from 'node:tls'

export interface Certificates {
  readonly ca: string
  /** For localhost, 127.0.0.1 and redis.example. */
  readonly server: Pair
  /** As that, and another one. */
  readonly renewed: Pair
  readonly client: Pair
  /** By a CA that nobody knows. */
  readonly stranger: Pair
  /** One more server, with these names alone. */
  named(name: string, ...names: readonly string[]): Pair
  remove(): void
}

/** Paths of PEM files. */
export interface Pair {
  readonly cert: string
  readonly key: string
}

/** Makes them with the openssl command. */
export function makeCertificates(): Certificates {
  const directory = mkdtempSync(join(tmpdir(), 'stomp-bridge-tls-'))
  const path = (name: string): string => join(directory, name)
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' })
  const ca = (name: string): void =>
    openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
      '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.pem`) // prettier-ignore
  const signed = (name: string, by: string, extensions: string): Pair => {
    openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', `/CN=${name}`,
      '-keyout', `${name}.key`, '-out', `${name}.csr`) // prettier-ignore
    writeFileSync(path(`${name}.ext`), extensions)
    openssl('x509', '-req', '-in', `${name}.csr`, '-CA', `${by}.pem`, '-CAkey', `${by}.key`, '-CAcreateserial', '-days', '2',
      '-extfile', `${name}.ext`, '-out', `${name}.pem`) // prettier-ignore
    return { cert: path(`${name}.pem`), key: path(`${name}.key`) }
  }
  ca('ca')
  ca('other-ca')
  const names = 'subjectAltName=DNS:localhost,DNS:redis.example,IP:127.0.0.1\n'
  return {
    ca: path('ca.pem'),
    server: signed('server', 'ca', names),
    renewed: signed('renewed', 'ca', names),
    client: signed('client', 'ca', 'extendedKeyUsage=clientAuth\n'),
    stranger: signed('stranger', 'other-ca', 'extendedKeyUsage=clientAuth\n'),
    named: (name, ...names) => signed(name, 'ca', `subjectAltName=${names.map((each) => `DNS:${each}`).join()}\n`),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  }
}

export interface TlsFront {
  readonly port: number
  /** Names that clients asked for, by SNI. */
  readonly names: readonly string[]
  /** Connections so far, whatever became of them. */
  attempts(): number
  close(): Promise<void>
}

/** TLS in front of a Redis, for servers that are built without it. Asks for client certificates as `tls-auth-clients` does. */
export async function startTlsFront(
  redisPort: number,
  certificates: Certificates,
  asksClients: boolean,
): Promise<TlsFront> {
  const { ca, server: pair } = certificates
  const names: string[] = []
  const sockets = new Set<TLSSocket>()
  const options = { ca: readFileSync(ca), cert: readFileSync(pair.cert), key: readFileSync(pair.key) }
  const server = createServer({ ...options, requestCert: asksClients, rejectUnauthorized: asksClients }, (socket) => {
    if (typeof socket.servername === 'string') names.push(socket.servername)
    sockets.add(socket)
    const redis = connect(redisPort, '127.0.0.1')
    for (const end of [socket, redis]) {
      end.on('error', () => {})
      end.on('close', () => {
        sockets.delete(socket)
        socket.destroy()
        redis.destroy()
      })
    }
    socket.pipe(redis).pipe(socket)
  })
  let attempts = 0
  server.on('connection', () => attempts++)
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    names,
    attempts: () => attempts,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
