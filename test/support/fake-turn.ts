/** Lets everything that is ready happen: promises settle, gathered frames leave. No time passes. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
