/** Where a bridge listens, and with which certificates. What is done with a connection is not known here. */
import { certificateFiles, CertificateWatch, readCertificate, type TlsSection } from './certificates.ts'
import { systemClock } from './clock.ts'
import type { Log } from './log.ts'
import type { Certificate, Listener } from './socket.ts'

export const CLOSED_EARLY = 'The bridge was closed while it was starting'

export class BridgeListeners {
  readonly #log: Log
  readonly #listeners: Listener[] = []
  readonly #watches: CertificateWatch[] = []
  #isClosing = false

  constructor(log: Log) {
    this.#log = log
  }

  /**
   * Listens with the certificate of a section of the configuration, where it has one, and goes on with each that comes
   * after it. `at` names the section.
   * Errors: rejects with that of `listen`, if the certificate cannot be used, or if the bridge has been closed meanwhile.
   */
  async listen(
    at: string,
    tls: TlsSection,
    listen: (certificate: Certificate | undefined) => Promise<Listener>,
  ): Promise<Listener> {
    const files = certificateFiles(tls)
    const current = files && readCertificate(files, at)
    const listener = await listen(current?.pem)
    if (this.#isClosing) {
      await listener.close()
      throw new Error(CLOSED_EARLY)
    }
    this.#listeners.push(listener)
    if (files && current) {
      const use = (certificate: Certificate): void => listener.useCertificate(certificate)
      this.#watches.push(new CertificateWatch(files, { at, current, clock: systemClock, log: this.#log }, use))
    }
    return listener
  }

  /** No listener comes any more, and no certificate. */
  beginClosing(): void {
    this.#isClosing = true
    for (const watch of this.#watches) watch.close()
  }

  stopAccepting(): void {
    for (const listener of this.#listeners) listener.stopAccepting()
  }

  async close(): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.close()))
  }
}
