/** Keeps so many clients there: each lives for a while, and when one has gone another comes. */
import { HEART_BEAT_MS, SoakSession, type Leaving, type Life } from './session.ts'

const TOPICS = 50
const QUEUES = 5
/** Of all that come: those that ask for history, and those that work on a queue. */
const HISTORY_SHARE = 0.2
const QUEUE_SHARE = 0.1
const MEAN_LIFE_SECONDS = 60
/** At most so many come in a second, so that a start is no storm. */
const MAX_COMING = 500
/** Of a second, how many of them send something. */
const SENDING_SHARE = 0.02
/** Twice as often as promised: a tick may be late. */
const BEAT_EVERY_SECONDS = HEART_BEAT_MS / 2000
const BODY = JSON.stringify({ text: 'x'.repeat(100) })

/** Of a client, in seconds since the beginning. */
interface Place {
  readonly cameAt: number
  readonly leavesAt: number
}

export class Crowd {
  readonly ended: Record<Leaving, number> = { disconnect: 0, drop: 0, 'half-open': 0 }
  readonly errors = new Map<string, number>()
  came = 0
  messages = 0
  readonly #port: number
  readonly #size: number
  readonly #open = new Map<SoakSession, Place>()
  #second = 0
  #isEnding = false

  constructor(port: number, size: number) {
    this.#port = port
    this.#size = size
  }

  get size(): number {
    return this.#open.size
  }

  /** Call it once a second. */
  tick(): void {
    this.#second++
    const missing = this.#isEnding ? 0 : Math.min(MAX_COMING, this.#size - this.#open.size)
    for (let i = 0; i < missing; i++) this.#come()
    for (const [session, { cameAt, leavesAt }] of this.#open) {
      if (leavesAt === this.#second) session.leave()
      if ((this.#second - cameAt) % BEAT_EVERY_SECONDS === 0) session.beat()
      if (Math.random() < SENDING_SHARE) session.send(BODY)
    }
  }

  /** Nobody comes any more, and who is there goes. */
  end(): void {
    this.#isEnding = true
    for (const session of this.#open.keys()) session.leave()
  }

  drop(): void {
    for (const session of this.#open.keys()) session.drop()
  }

  #come(): void {
    this.came++
    const session = new SoakSession(this.#port, newLife(), (gone) => {
      this.#open.delete(gone)
      this.ended[gone.leaving]++
      this.messages += gone.messages
      // Of one that is silent the bridge says so, as it should.
      const { error } = gone
      if (error !== undefined) this.errors.set(error, (this.errors.get(error) ?? 0) + 1)
    })
    this.#open.set(session, { cameAt: this.#second, leavesAt: this.#second + session.lastsSeconds })
  }
}

function newLife(): Life {
  const wantsHistory = Math.random() < HISTORY_SHARE
  const topic = Math.floor(Math.random() * TOPICS)
  const chance = Math.random()
  return {
    destination: wantsHistory ? `/topic/kept/${topic}` : `/topic/soak/${topic}`,
    wantsHistory,
    queue: Math.random() < QUEUE_SHARE ? `/queue/soak-${Math.floor(Math.random() * QUEUES)}` : undefined,
    // Many are short and a few long, as visits are.
    lastsSeconds: 1 + Math.ceil(-Math.log(1 - Math.random()) * MEAN_LIFE_SECONDS),
    leaving: chance < 0.6 ? 'disconnect' : chance < 0.85 ? 'drop' : 'half-open',
  }
}
