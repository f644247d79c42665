/** Who is it, and what may it do: the questions that sessions and HTTP ask. The answer without configuration is "anyone, anything". */

/** What a client said of itself. Never logged. */
export interface Credentials {
  readonly login: string | undefined
  readonly passcode: string | undefined
  /** Any header of the CONNECT frame. */
  header(name: string): string | undefined
  readonly remoteAddress: string
}

export interface Identity {
  /** Undefined for an anonymous client. */
  readonly user: string | undefined
}

export interface Authenticator {
  /** True if it lets anyone do anything; the start-up banner then warns. */
  readonly isOpen: boolean
  /** Undefined refuses the connection: ERROR `not-authenticated`, close 1008. */
  authenticate(credentials: Credentials): Identity | undefined | Promise<Identity | undefined>
  maySubscribe(identity: Identity, destination: string): boolean
  maySend(identity: Identity, destination: string): boolean
}

const ANONYMOUS: Identity = { user: undefined }

/** No rules: as the Spring simple broker without security. */
export const openAuthenticator: Authenticator = {
  isOpen: true,
  authenticate: () => ANONYMOUS,
  maySubscribe: () => true,
  maySend: () => true,
}
