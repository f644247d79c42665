/** Owns the order of costly work: a little of it at a time, a bounded queue, and a place in it for everybody. */

interface Job {
  readonly source: string
  start(): void
  refuse(error: Error): void
}

export interface WorkQueueOptions {
  readonly maxRunning: number
  readonly maxWaiting: number
}

export class WorkQueue {
  readonly #options: WorkQueueOptions
  /** In the order in which they came. */
  readonly #waiting: Job[] = []
  #running = 0

  constructor(options: WorkQueueOptions) {
    this.#options = options
  }

  /**
   * Returns what the work comes to, when it is its turn. When the queue is full, whoever has most in it loses the last of that:
   * one source alone cannot shut out the others.
   *
   * Errors: rejects with `full()`, and with `left()` when `signal` is aborted while it waits.
   */
  async run<T>(
    work: () => Promise<T>,
    { source, signal, full, left }: { source: string; signal: AbortSignal; full: () => Error; left: () => Error },
  ): Promise<T> {
    if (signal.aborted) throw left()
    if (this.#running < this.#options.maxRunning) this.#running++
    else await this.#turn(source, signal, full, left)
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      // It takes over this place: nobody can come between.
      if (next) next.start()
      else this.#running--
    }
  }

  async #turn(source: string, signal: AbortSignal, full: () => Error, left: () => Error): Promise<void> {
    let leave: (() => void) | undefined
    const turn = new Promise<void>((resolve, reject) => {
      const job: Job = { source, start: resolve, refuse: reject }
      this.#waiting.push(job)
      leave = () => {
        this.#remove(job)
        reject(left())
      }
      signal.addEventListener('abort', leave, { once: true })
    })
    if (this.#waiting.length > this.#options.maxWaiting) this.#remove(this.#mostGreedy())?.refuse(full())
    try {
      await turn
    } finally {
      if (leave) signal.removeEventListener('abort', leave)
    }
  }

  #remove(job: Job | undefined): Job | undefined {
    const index = job ? this.#waiting.indexOf(job) : -1
    return index < 0 ? undefined : this.#waiting.splice(index, 1)[0]
  }

  /** The last job of the source with most of them. */
  #mostGreedy(): Job | undefined {
    const jobs = new Map<string, { count: number; last: Job }>()
    for (const job of this.#waiting) {
      jobs.set(job.source, { count: (jobs.get(job.source)?.count ?? 0) + 1, last: job })
    }
    return [...jobs.values()].reduce((most, each) => (each.count >= most.count ? each : most)).last
  }
}
