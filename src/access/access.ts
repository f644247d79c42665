/** Who comes in, and what may they do: the questions that the doors ask. The answer without configuration is "anyone, anything". */
import type { Credentials } from './authenticator.ts'
import { ANONYMOUS, type Identity } from './identity.ts'

export interface Access {
  /** True if it lets anyone do anything; the start-up banner then warns. */
  readonly isOpen: boolean
  /** Undefined refuses it: ERROR `not-authenticated`, close 1008. Errors: ProtocolError `too-many-attempts`, `auth-unavailable`, thrown or as a rejection. */
  authenticate(credentials: Credentials): Identity | undefined | Promise<Identity | undefined>
  maySubscribe(identity: Identity, destination: string): boolean
  maySend(identity: Identity, destination: string): boolean
}

/** No rules: as the Spring simple broker without security. */
export const openAccess: Access = {
  isOpen: true,
  authenticate: () => ANONYMOUS,
  maySubscribe: () => true,
  maySend: () => true,
}
