/**
 * The certificates of the listeners: reads them from their files, says what is wrong with them, and reads them again
 * when they change. Knows no listener: whoever shows them is told of a new one.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { stat } from 'node:fs/promises'
import type { Clock } from './clock.ts'
import type { Log } from './log.ts'
import { readSettingFile } from './setting-file.ts'
import type { Certificate } from './socket.ts'

/** Where a certificate is. */
export interface CertificateFiles {
  readonly certFile: string
  readonly keyFile: string
}

/** The same as a section of the configuration has it: both, or neither. */
export interface TlsSection {
  readonly certFile?: string | undefined
  readonly keyFile?: string | undefined
}

/** A certificate that can be used, and what it says of itself. */
export interface ReadCertificate {
  readonly pem: Certificate
  readonly subject: string
  readonly validFrom: Date
  readonly validTo: Date
}

/** How often the files are looked at, in milliseconds: not every file system tells of a change. */
const LOOK_EVERY_MS = 2000
/** Somebody should know this long before a certificate expires, in milliseconds. */
const EXPIRES_SOON_MS = 7 * 86_400_000
const BLOCK = /-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs

/** Returns where the certificate is; undefined where the listener has none. */
export function certificateFiles({ certFile, keyFile }: TlsSection): CertificateFiles | undefined {
  return certFile === undefined || keyFile === undefined ? undefined : { certFile, keyFile }
}

/**
 * Reads a certificate and its key. `at` is the section of the configuration, such as `server.tls`.
 *
 * Errors: throws one line if a file cannot be read or holds something else, or if the two do not belong together.
 */
export function readCertificate({ certFile, keyFile }: CertificateFiles, at: string): ReadCertificate {
  const cert = readSettingFile(certFile, `${at}.certFile`).toString()
  const key = readSettingFile(keyFile, `${at}.keyFile`).toString()
  const [first] = certificatesIn(cert, `${at}.certFile: "${certFile}"`)
  const { subject, validFrom, validTo } = first
  let isPair: boolean
  try {
    isPair = first.checkPrivateKey(createPrivateKey(key))
  } catch (cause) {
    const text = 'holds no private key in PEM that can be read without a passphrase'
    throw new Error(`${at}.keyFile: "${keyFile}" ${text}`, { cause })
  }
  if (!isPair) throw new Error(`${at}.keyFile: "${keyFile}" is not the key of the first certificate in "${certFile}"`)
  return {
    pem: { cert, key },
    subject: subject?.replaceAll('\n', ', ') ?? '',
    validFrom: new Date(validFrom),
    validTo: new Date(validTo),
  }
}

/** Returns what clients or people should know of how long it is valid, as one line; undefined if all is well. `nowMs`: since 1970. */
export function validityProblem({ validFrom, validTo }: ReadCertificate, nowMs: number): string | undefined {
  if (nowMs > validTo.getTime()) return `the certificate has expired on ${day(validTo)}: clients refuse it`
  if (nowMs < validFrom.getTime()) return `the certificate is not valid before ${day(validFrom)}: clients refuse it`
  if (nowMs > validTo.getTime() - EXPIRES_SOON_MS) return `the certificate expires on ${day(validTo)}`
  return undefined
}

/** What was found wrong, and what should be thought over; one line each. */
export interface CheckedCertificates {
  readonly problems: readonly string[]
  readonly warnings: readonly string[]
}

/** Reads the certificates of these sections, for `check-config`. */
export function checkCertificates(sections: Readonly<Record<string, TlsSection>>): CheckedCertificates {
  const warnings: string[] = []
  const problems: string[] = []
  for (const [at, tls] of Object.entries(sections)) {
    const files = certificateFiles(tls)
    if (!files) continue
    try {
      const validity = validityProblem(readCertificate(files, at), Date.now())
      if (validity !== undefined) warnings.push(`${at}: ${validity}`)
    } catch (error) {
      problems.push((error as Error).message)
    }
  }
  return { problems, warnings }
}

/** Tells of a certificate that has changed, until it is closed. */
export class CertificateWatch {
  readonly #files: CertificateFiles
  readonly #at: string
  readonly #clock: Clock
  readonly #log: Log
  readonly #use: (certificate: Certificate) => void
  #current: ReadCertificate
  /** What the files looked like when they were read last. */
  #seen: string | undefined
  /** Why what is there cannot be used, as of the last look; it may be half written. */
  #problem: string | undefined
  #isProblemLogged = false
  #validity: string | undefined
  #timer: unknown
  #isClosed = false

  /** `use` is called with each new one; what it throws is logged, and the old one counts as in use. */
  constructor(
    files: CertificateFiles,
    options: { at: string; current: ReadCertificate; clock: Clock; log: Log },
    use: (certificate: Certificate) => void,
  ) {
    this.#files = files
    this.#at = options.at
    this.#current = options.current
    this.#clock = options.clock
    this.#log = options.log
    this.#use = use
    this.#checkValidity()
    this.#arm()
  }

  close(): void {
    this.#isClosed = true
    this.#clock.clearTimeout(this.#timer)
  }

  #arm(): void {
    if (this.#isClosed) return
    this.#timer = this.#clock.setTimeout(() => void this.look().finally(() => this.#arm()), LOOK_EVERY_MS)
  }

  /** Reads again if a file has changed since it was read. Never rejects. */
  async look(): Promise<void> {
    const { certFile, keyFile } = this.#files
    const looks = (await Promise.all([looksOf(certFile), looksOf(keyFile)])).join(' ')
    if (this.#isClosed) return
    this.#checkValidity()
    // What could not be used is tried again, whatever it looks like: it may have become readable.
    if (looks === this.#seen && this.#problem === undefined) return
    this.#seen = looks
    try {
      this.#take(readCertificate(this.#files, this.#at))
    } catch (error) {
      this.#failed((error as Error).message)
    }
  }

  #take(found: ReadCertificate): void {
    const { pem, subject, validTo } = found
    const { pem: current } = this.#current
    if (pem.cert !== current.cert || pem.key !== current.key) {
      this.#use(pem)
      this.#current = found
      this.#log.info({ setting: this.#at, subject, validTo: validTo.toISOString() }, 'A new certificate is in use')
      this.#checkValidity()
    } else if (this.#isProblemLogged) {
      this.#log.info({ setting: this.#at, subject }, 'The certificate files can be used again')
    }
    this.#problem = undefined
    this.#isProblemLogged = false
  }

  /** The two files are hardly ever written at once: what is still wrong at the next look is told, once. */
  #failed(problem: string): void {
    const isStill = this.#problem !== undefined
    this.#problem = problem
    if (!isStill || this.#isProblemLogged) return
    this.#isProblemLogged = true
    this.#log.error({ setting: this.#at, problem }, 'The new certificate cannot be used: the one before stays')
  }

  #checkValidity(): void {
    const validity = validityProblem(this.#current, Date.now())
    if (validity !== undefined && validity !== this.#validity) {
      this.#log.warn({ setting: this.#at, validity }, 'Look after the certificate')
    }
    this.#validity = validity
  }
}

/** Another text when the file is another one, or has been written. */
async function looksOf(file: string): Promise<string> {
  try {
    const { ino, size, mtimeMs } = await stat(file)
    return `${ino}:${size}:${mtimeMs}`
  } catch {
    return 'none' // reading says why
  }
}

/** Returns the certificate and those of the authorities behind it. `place` begins the error. */
function certificatesIn(text: string, place: string): [X509Certificate, ...X509Certificate[]] {
  try {
    const [first, ...more] = (text.match(BLOCK) ?? []).map((block) => new X509Certificate(block))
    if (first) return [first, ...more]
  } catch (cause) {
    throw new Error(`${place} holds a certificate that cannot be read`, { cause })
  }
  throw new Error(`${place} holds no certificate in PEM`)
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10)
}
