/**
 * Questions that are open: who still owes an answer, and the parts of long answers as they come. Owned by the cluster,
 * which sends them and hands in what comes back.
 */
import type { Clock } from '../clock.ts'
import type { NodeMessage } from './messages.ts'

/** How long silence is waited for, in milliseconds: for the answer, then for each further part. */
export const ANSWER_TIMEOUT_MS = 1000
/** And for all of it. */
const WHOLE_TIMEOUT_MS = 10_000
/** Items of one answer that are taken. */
const MAX_ITEMS = 1_000_000
/** Questions that may be open at once. */
const MAX_OPEN = 1000

/** What one node says: one value, and a list of any length. Not checked yet. */
export interface RawAnswer {
  readonly head: unknown
  readonly items: readonly unknown[]
}

export interface RawAnswers {
  readonly byNode: ReadonlyMap<string, RawAnswer>
  /** Nodes that should have answered and did not. */
  readonly missing: readonly string[]
}

/** The id of a question whose answers nobody waits for. */
export const NO_QUESTION = 0

interface Question {
  readonly waitsFor: Set<string>
  readonly answers: Map<string, RawAnswer>
  /** Those that have begun: the parts so far. */
  readonly begun: Map<string, { readonly items: unknown[]; parts: number }>
  readonly missing: string[]
  readonly askedAt: number
  timer: unknown
  readonly resolve: (answers: RawAnswers) => void
  readonly reject: (error: Error) => void
}

export class Questions {
  readonly #clock: Clock
  readonly #onSilent: (node: string, askedAt: number) => void
  readonly #open = new Map<number, Question>()
  #lastId = NO_QUESTION

  /** `onSilent`: called with each node that did not answer in time. */
  constructor(clock: Clock, onSilent: (node: string, askedAt: number) => void) {
    this.#clock = clock
    this.#onSilent = onSilent
  }

  get isFull(): boolean {
    return this.#open.size >= MAX_OPEN
  }

  /** Begin to wait for these nodes, at least one; answers of others are taken as long as it is open. */
  open(nodes: Iterable<string>): { readonly id: number; readonly answers: Promise<RawAnswers> } {
    const id = ++this.#lastId
    const answers = new Promise<RawAnswers>((resolve, reject) => {
      const question: Question = {
        waitsFor: new Set(nodes),
        answers: new Map(),
        begun: new Map(),
        missing: [],
        askedAt: this.#clock.now(),
        timer: undefined,
        resolve,
        reject,
      }
      this.#open.set(id, question)
      this.#wait(id, question)
    })
    return { id, answers }
  }

  /** A part has come. */
  take({ from, question: id, part, isLast, head, items }: NodeMessage & { type: 'answer' }): void {
    const question = this.#open.get(id)
    if (!question || question.answers.has(from)) return
    let answer = question.begun.get(from)
    if (!answer) question.begun.set(from, (answer = { items: [], parts: 0 }))
    // One was lost, or this is no honest node.
    if (part !== answer.parts || answer.items.length + items.length > MAX_ITEMS) return this.#fail(id, question, from)
    answer.parts++
    for (const item of items) answer.items.push(item)
    if (isLast) {
      question.answers.set(from, { head, items: answer.items })
      this.#done(id, question, from)
    } else if (question.waitsFor.has(from)) this.#wait(id, question)
  }

  /** This node is gone: it owes nothing. */
  left(node: string): void {
    for (const [id, question] of this.#open) this.#done(id, question, node)
  }

  rejectAll(error: Error): void {
    for (const id of [...this.#open.keys()]) this.reject(id, error)
  }

  reject(id: number, error: Error): void {
    const question = this.#open.get(id)
    if (!question) return
    this.#close(id, question)
    question.reject(error)
  }

  /** Nobody else is going to answer. */
  settle(id: number): void {
    const question = this.#open.get(id)
    if (!question) return
    this.#close(id, question)
    question.resolve({ byNode: question.answers, missing: question.missing })
  }

  #fail(id: number, question: Question, node: string): void {
    if (question.waitsFor.has(node)) question.missing.push(node)
    this.#done(id, question, node)
  }

  #done(id: number, question: Question, node: string): void {
    question.begun.delete(node)
    if (question.waitsFor.delete(node) && question.waitsFor.size === 0) this.settle(id)
  }

  #wait(id: number, question: Question): void {
    this.#clock.clearTimeout(question.timer)
    const delayMs = Math.min(ANSWER_TIMEOUT_MS, question.askedAt + WHOLE_TIMEOUT_MS - this.#clock.now())
    question.timer = this.#clock.setTimeout(() => {
      question.missing.push(...question.waitsFor)
      for (const node of question.waitsFor) this.#onSilent(node, question.askedAt)
      this.settle(id)
    }, delayMs)
  }

  #close(id: number, question: Question): void {
    this.#clock.clearTimeout(question.timer)
    this.#open.delete(id)
  }
}
