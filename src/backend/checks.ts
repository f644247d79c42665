/** Checks of arguments: each error says what was asked for, what is wrong with it, and what it must be. */

/** Errors: throws a TypeError that begins with `what` unless the value is text, and not empty. */
export function requireText(what: string, name: string, value: unknown): asserts value is string {
  if (typeof value !== 'string' || value === '') throw new TypeError(`${what}: ${name} must be text, and not empty`)
}

/** Errors: throws a RangeError that begins with `what` unless the value is a whole number within these bounds. */
export function requireWhole(what: string, name: string, value: unknown, min: number, max: number): void {
  if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return
  throw new RangeError(`${what}: ${name} must be a whole number from ${min} to ${max}, not ${String(value)}`)
}

/** Errors: throws a TypeError that begins with `what` unless the value is a function. */
export function requireFunction(what: string, name: string, value: unknown): void {
  if (typeof value !== 'function') throw new TypeError(`${what}: ${name} must be a function`)
}

/** Returns a value as JSON. Errors: throws a TypeError that begins with `what` if JSON cannot hold it. */
export function toJson(what: string, name: string, value: unknown): string {
  let json: string | undefined
  try {
    // a typed array would become an object with a number for each octet
    json = ArrayBuffer.isView(value) ? undefined : JSON.stringify(value)
  } catch (error) {
    throw new TypeError(`${what}: ${name} must be text or a JSON value`, { cause: error })
  }
  if (json === undefined) throw new TypeError(`${what}: ${name} must be text or a JSON value`)
  return json
}

/** Returns a name as an error shows it. */
export function shown(name: unknown): string {
  const text = String(name)
  return `"${(text.length > 80 ? `${text.slice(0, 77)}...` : text).replace(/\p{Cc}/gu, '?')}"`
}
