/** What a frame says of who its client is: CONNECT, and SEND to renew what has been said. Never logged. */
import type { Frame } from '../../frames/index.ts'
import type { Credentials } from '../access/authenticator.ts'
import { bearerToken } from '../access/bearer.ts'
import type { Handshake } from '../access/handshake.ts'

export class FrameCredentials implements Credentials {
  readonly handshake: Handshake
  readonly #frame: Frame
  /** Made for who asks for it. */
  #controller: AbortController | undefined
  #isAborted = false

  constructor(frame: Frame, handshake: Handshake) {
    this.#frame = frame
    this.handshake = handshake
  }

  get token(): string | undefined {
    const { headers, body } = this.#frame
    const bearer = bearerToken(headers.get('Authorization') ?? headers.get('authorization'))
    // CONNECT has no body; in another frame it may be the token.
    return bearer ?? this.passcode ?? (body.length > 0 ? new TextDecoder().decode(body) : undefined)
  }

  get login(): string | undefined {
    return this.#frame.headers.get('login')
  }

  get passcode(): string | undefined {
    return this.#frame.headers.get('passcode')
  }

  header(name: string): string | undefined {
    return this.#frame.headers.get(name)
  }

  get remoteAddress(): string {
    return this.handshake.remoteAddress
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#isAborted) this.#controller.abort()
    return this.#controller.signal
  }

  abort(): void {
    this.#isAborted = true
    this.#controller?.abort()
  }
}
