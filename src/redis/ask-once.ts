/** Questions to servers, each on a connection of its own that ends with the answer. */
import type { Redis } from 'ioredis'
import { nodeText, type RedisNode } from '../config.ts'
import { Connection } from './connection.ts'
import type { RedisOptions } from './options.ts'
import { errorText } from './replies.ts'

/** Resolves to what `ask` makes of the server. Rejects with what the server or the network said, or that it took too long. */
export function askOnce<T>(options: RedisOptions, name: string, ask: (client: Redis) => Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const end = (settle: () => void): void => {
      clearTimeout(timer)
      settle()
      connection.close()
    }
    const late = (): void => end(() => reject(new Error(`no answer within ${options.connectTimeoutMs} ms`)))
    const timer = setTimeout(late, options.connectTimeoutMs)
    const connection = new Connection(options, name, {
      onReady() {
        ask(connection.client).then(
          (answer) => end(() => resolve(answer)),
          (error: unknown) => end(() => reject(error instanceof Error ? error : new Error(String(error)))),
        )
      },
      onFailure: (cause) => end(() => reject(new Error(cause))),
      onClosed: () => {},
      onUnwantedPassword: () => {},
    })
    connection.start()
  })
}

/**
 * Asks all at once. Resolves to the best of the answers as soon as a majority has answered, or else all that will. Rejects with what
 * each said, if none has an answer.
 */
export function askMost<T>(
  nodes: readonly RedisNode[],
  ask: (node: RedisNode) => Promise<T>,
  rank: (answer: T) => number,
): Promise<T> {
  const answers: T[] = []
  const failures: string[] = []
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const isDecided = answers.length * 2 > nodes.length
      if (!isDecided && answers.length + failures.length < nodes.length) return
      if (answers.length > 0) resolve(answers.reduce((best, each) => (rank(each) > rank(best) ? each : best)))
      else reject(new Error(failures.sort().join('; ')))
    }
    for (const node of nodes) {
      ask(node)
        .then(
          (answer) => void answers.push(answer),
          (error: unknown) => void failures.push(`${nodeText(node)}: ${errorText(error)}`),
        )
        .finally(look)
    }
  })
}
