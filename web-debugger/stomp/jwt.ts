/** What a JSON Web Token says of itself. Nothing is checked here: no signature, no issuer, no time. RFC 7519. */

export interface TokenFacts {
  /** Milliseconds since 1970; undefined if it does not say. */
  readonly expiresAtMs: number | undefined
}

/** Undefined if the text is no such token. */
export function readToken(text: string): TokenFacts | undefined {
  const parts = text.trim().split('.')
  if (parts.length !== 3) return undefined
  const claims = decodeObject(parts[1]!)
  if (!claims || !decodeObject(parts[0]!)) return undefined
  const { exp } = claims
  const isDate = typeof exp === 'number' && Math.abs(exp) < 1e12
  return { expiresAtMs: isDate ? exp * 1000 : undefined }
}

function decodeObject(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const binary = atob(part.replace(/-/g, '+').replace(/_/g, '/'))
    const bytes = Uint8Array.from(binary, (unit) => unit.charCodeAt(0))
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    // No Base64, or no JSON: then it is no token of this kind.
    return undefined
  }
}
