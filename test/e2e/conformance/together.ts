/** For cases that mostly wait: all of a group begin at the same time, and each still passes or fails by itself. */
import { beforeAll, it } from 'vitest'

type Declare = (name: string, run: () => Promise<unknown>) => void

/** Declares the cases that the callback names, in a group that begins when its turn comes. */
export function together(declare: (it: Declare) => void): void {
  const starts: (() => void)[] = []
  beforeAll(() => starts.forEach((start) => start()))
  declare((name, run) => {
    let outcome: Promise<unknown> | undefined
    starts.push(() => {
      outcome = run()
      outcome.catch(() => {}) // its own case reports it, later
    })
    it(name, async () => void (await outcome))
  })
}
