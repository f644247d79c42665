/**
 * The last hour of one process, in a small ring: a page can draw it that was not open all the time. Samples are taken at
 * full ten seconds, so that those of several processes can be added up.
 */
import type { Clock } from '../clock.ts'
import type { Sample, SamplesView } from './schema.ts'

export const EVERY_SECONDS = 10
const EVERY_MS = EVERY_SECONDS * 1000
/** An hour. */
const MAX_SAMPLES = 360

export interface SamplesDeps {
  readonly clock: Clock
  /** Milliseconds since 1970. */
  readonly dateNow: () => number
  take(): Omit<Sample, 'at'>
}

export class Samples {
  readonly #deps: SamplesDeps
  /** Oldest first. */
  readonly #samples: Sample[] = []
  #timer: unknown

  constructor(deps: SamplesDeps) {
    this.#deps = deps
  }

  start(): void {
    const { clock, dateNow } = this.#deps
    this.#timer = clock.setTimeout(() => this.#sample(), EVERY_MS - (dateNow() % EVERY_MS))
  }

  close(): void {
    this.#deps.clock.clearTimeout(this.#timer)
  }

  view(): SamplesView {
    return { everySeconds: EVERY_SECONDS, samples: [...this.#samples] }
  }

  #sample(): void {
    const at = slotOf(this.#deps.dateNow())
    // The clock on the wall may have been set back.
    while (this.#samples.length > 0 && this.#samples.at(-1)!.at >= at) this.#samples.pop()
    this.#samples.push({ at, ...this.#deps.take() })
    if (this.#samples.length > MAX_SAMPLES) this.#samples.shift()
    this.start()
  }
}

/** Returns the samples of several processes as one: those of the same time are added up, and of delays the longest counts. */
export function mergeSamples(views: readonly SamplesView[]): SamplesView {
  const merged = new Map<number, Sample>()
  for (const sample of views.flatMap(({ samples }) => samples)) {
    const other = merged.get(sample.at)
    merged.set(sample.at, other ? added(other, sample) : sample)
  }
  const samples = [...merged.values()].sort((a, b) => a.at - b.at).slice(-MAX_SAMPLES)
  return { everySeconds: EVERY_SECONDS, samples }
}

function added(a: Sample, b: Sample): Sample {
  return {
    at: a.at,
    sessions: a.sessions + b.sessions,
    subscriptions: a.subscriptions + b.subscriptions,
    unsentBytes: a.unsentBytes + b.unsentBytes,
    memoryBytes: a.memoryBytes + b.memoryBytes,
    published: a.published + b.published,
    received: a.received + b.received,
    delivered: a.delivered + b.delivered,
    errors: a.errors + b.errors,
    loopDelaySeconds: Math.max(a.loopDelaySeconds, b.loopDelaySeconds),
  }
}

/** A timer may come a little early or late. */
function slotOf(ms: number): number {
  return Math.round(ms / EVERY_MS) * EVERY_MS
}
