/**
 * Lua scripts in Redis. A script is called by its digest; Redis forgets them when it starts anew, and is then given the
 * text again. Knows commands, nothing of what the scripts do.
 */
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { PublishQueue } from './publish-queue.ts'

export interface Script {
  readonly text: string
  readonly digest: string
}

/** Sends one command. */
export type Send = (name: string, ...args: (string | number | Buffer)[]) => Promise<unknown>

/** What goes with a call. */
export interface ScriptCall {
  readonly keys: readonly string[]
  readonly args: readonly (string | Uint8Array)[]
  /** In a Cluster, where there are no keys: what decides on the slot. */
  readonly slotOf?: string
}

export function newScript(text: string): Script {
  return { text, digest: createHash('sha1').update(text).digest('hex') }
}

/** Calls of one script that take effect in the order in which they are made. */
export interface ScriptRunner {
  /** Resolves to the answer of the script. Rejects as the bus does when it publishes. */
  run(call: ScriptCall): Promise<unknown>
}

/** Runs a script whose order among other commands does not matter. Resolves and rejects as `send`. */
export async function runScript(commands: { readonly send: Send }, script: Script, call: ScriptCall): Promise<unknown> {
  const args = call.args.map((each) => (typeof each === 'string' ? each : Buffer.from(each)))
  const rest = [call.keys.length, ...call.keys, ...args]
  try {
    return await commands.send('EVALSHA', script.digest, ...rest)
  } catch (error) {
    if (!isUnknownScript(error)) throw error
    return commands.send('EVAL', script.text, ...rest)
  }
}

interface Waiting {
  readonly call: ScriptCall
  readonly resolve: (answer: Promise<unknown>) => void
}

/** Calls of one script that take effect in the order in which they are made, also while Redis has to be given its text. */
export class OrderedScript implements ScriptRunner {
  readonly #queue: PublishQueue
  readonly #script: Script
  /** The connection by which the text was given last: behind another one may be another server, or one that was started anew. */
  #connection = -1
  /** While the text is on its way: calls that were refused, and those that were made since; undefined as long as Redis knows it. */
  #waiting: { readonly refused: Waiting[]; readonly later: Waiting[] } | undefined

  constructor(queue: PublishQueue, script: Script) {
    this.#queue = queue
    this.#script = script
  }

  /** Resolves to the answer of the script. Rejects as {@link PublishQueue.command}. */
  run(call: ScriptCall): Promise<unknown> {
    if (this.#waiting) return wait(this.#waiting.later, call)
    // If each waited for its own refusal, the first ones would be overtaken as soon as another node has given the text.
    return this.#queue.connection === this.#connection ? this.#send(call) : this.#teach(call)
  }

  /** Loads the text before the first call, so that no call has to wait for it. Rejects as `give`. */
  async load(give: (text: string) => Promise<unknown>): Promise<void> {
    const { connection } = this.#queue
    await give(this.#script.text)
    this.#connection = connection
  }

  /** The call goes with the text; those that are made meanwhile wait for it. */
  #teach(call: ScriptCall): Promise<unknown> {
    this.#connection = this.#queue.connection
    this.#waiting = { refused: [], later: [] }
    const answer = this.#command('EVAL', this.#script.text, call)
    const goOn = (): void => this.#goOn()
    answer.then(goOn, goOn)
    return answer
  }

  #send(call: ScriptCall): Promise<unknown> {
    return this.#command('EVALSHA', this.#script.digest, call).catch((error: unknown) => {
      if (!isUnknownScript(error)) throw error
      // All that was sent before this one had its answer is refused too, in order: it comes here before the text is answered.
      return this.#waiting ? wait(this.#waiting.refused, call) : this.#teach(call)
    })
  }

  #goOn(): void {
    const { refused, later } = this.#waiting!
    this.#waiting = undefined
    for (const { call, resolve } of [...refused, ...later]) resolve(this.run(call))
  }

  #command(name: string, script: string, { keys, args }: ScriptCall): Promise<unknown> {
    return this.#queue.command([name, script, String(keys.length), ...keys, ...args])
  }
}

function wait(list: Waiting[], call: ScriptCall): Promise<unknown> {
  return new Promise((resolve) => list.push({ call, resolve }))
}

function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT')
}
