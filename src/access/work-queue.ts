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
  /** By source, that whose turn is next first; each in the order in which its jobs came. */
  readonly #waiting = new Map<string, Job[]>()
  #count = 0
  #running = 0

  constructor(options: WorkQueueOptions) {
    this.#options = options
  }

  /**
   * Returns what the work comes to, when it is its turn; sources take turns. When the queue is full, whoever has most in it
   * loses the last of that: one source alone can neither shut out the others nor hold them up.
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
      const next = this.#next()
      // It takes over this place: nobody can come between.
      if (next) next.start()
      else this.#running--
    }
  }

  async #turn(source: string, signal: AbortSignal, full: () => Error, left: () => Error): Promise<void> {
    let leave: (() => void) | undefined
    const turn = new Promise<void>((resolve, reject) => {
      const job: Job = { source, start: resolve, refuse: reject }
      this.#add(job)
      leave = () => {
        this.#remove(job)
        reject(left())
      }
      signal.addEventListener('abort', leave, { once: true })
    })
    if (this.#count > this.#options.maxWaiting) this.#remove(this.#mostGreedy())?.refuse(full())
    try {
      await turn
    } finally {
      if (leave) signal.removeEventListener('abort', leave)
    }
  }

  #add(job: Job): void {
    const jobs = this.#waiting.get(job.source)
    if (jobs) jobs.push(job)
    else this.#waiting.set(job.source, [job])
    this.#count++
  }

  /** Takes the first job of the source whose turn it is, which then comes last. */
  #next(): Job | undefined {
    const [first] = this.#waiting
    if (!first) return undefined
    const [source, jobs] = first
    const job = this.#remove(jobs[0])
    if (this.#waiting.delete(source)) this.#waiting.set(source, jobs)
    return job
  }

  #remove(job: Job | undefined): Job | undefined {
    if (!job) return undefined
    const jobs = this.#waiting.get(job.source)
    if (!jobs?.includes(job)) return undefined
    jobs.splice(jobs.indexOf(job), 1)
    if (jobs.length === 0) this.#waiting.delete(job.source)
    this.#count--
    return job
  }

  /** The last job of the source with most of them. */
  #mostGreedy(): Job | undefined {
    return [...this.#waiting.values()].reduce((most, jobs) => (jobs.length >= most.length ? jobs : most), []).at(-1)
  }
}
