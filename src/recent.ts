/**
 * Answers to the texts that were asked about lately. The broker asks for the route of each destination that clients
 * send to: one that comes again is found at once, and any number of new ones take a bounded piece of memory.
 */
import { Buffer } from 'node:buffer'

export class Recent<Answer> {
  readonly #answers = new Map<string, Answer>()
  readonly #maxTexts: number
  readonly #answerTo: (text: string) => Answer

  /** `answerTo` is asked for what is not known. What it throws is passed on, and not remembered. */
  constructor(maxTexts: number, answerTo: (text: string) => Answer) {
    this.#maxTexts = maxTexts
    this.#answerTo = answerTo
  }

  get size(): number {
    return this.#answers.size
  }

  get(text: string): Answer {
    return this.#answers.get(text) ?? this.#learn(text)
  }

  /** What was learnt no longer holds. */
  clear(): void {
    this.#answers.clear()
  }

  #learn(text: string): Answer {
    // A header's value is a piece of the text that came in, and would keep all of that in memory.
    const copy = Buffer.from(text).toString()
    const answer = this.#answerTo(copy)
    // To drop the oldest alone, each use would have to be noted, which costs more than to begin anew now and then.
    if (this.#answers.size >= this.#maxTexts) this.#answers.clear()
    this.#answers.set(copy, answer)
    return answer
  }
}
