/** Who a client is. */

export interface Identity {
  /** Undefined for an anonymous client. */
  readonly user: string | undefined
}

export const ANONYMOUS: Identity = { user: undefined }
