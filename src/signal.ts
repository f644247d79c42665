/** A promise that somebody else settles. */
export interface Signal {
  readonly promise: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

export function newSignal(): Signal {
  let resolve!: () => void
  let reject!: (error: Error) => void
  const promise = new Promise<void>((settle, fail) => {
    resolve = settle
    reject = fail
  })
  return { promise, resolve, reject }
}
