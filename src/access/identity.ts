/** Who a client is, as whoever authenticated it says. */

export interface Identity {
  /** Undefined for an anonymous client. */
  readonly user: string | undefined
  readonly groups?: readonly string[] | undefined
  /** What rules may ask for: the claims of a token, or the fields that a callback answered. JSON values. */
  readonly claims?: Readonly<Record<string, unknown>> | undefined
  /** Seconds since 1970; undefined if it does not end by itself. */
  readonly expiresAt?: number | undefined
  /** The `jti` of a JWT, by which it can be revoked. */
  readonly tokenId?: string | undefined
}

export const ANONYMOUS: Identity = { user: undefined }
