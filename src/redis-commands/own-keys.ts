/**
 * Puts the keys of a command below a prefix. Where they are the server says: it names the keys of any command, and here they
 * are found among its words. Whatever is found, the server is asked again about what comes of it: not one key is another's.
 */
import type { CommandServer } from './command-server.ts'

/**
 * Returns the words with each key below the prefix; undefined if there is no key, or if it cannot be told which words they
 * are. All are octets. Rejects as {@link CommandServer.keysOf}.
 */
export async function withOwnKeys(
  server: Pick<CommandServer, 'keysOf'>,
  words: readonly string[],
  prefix: string,
): Promise<string[] | undefined> {
  const keys = await server.keysOf(words)
  if (keys.length === 0) return undefined
  const places = await placesOf(server, words, keys)
  const own = words.map((word, at) => (places.has(at) ? prefix + word : word))
  const found = await server.keysOf(own)
  const isRight = found.length === keys.length && found.every((key) => key.startsWith(prefix))
  return isRight && sameTexts(found, keys, prefix) ? own : undefined
}

/** Which words are keys. One that is as long as a key, and none, is found out by asking with another in its place. */
async function placesOf(
  server: Pick<CommandServer, 'keysOf'>,
  words: readonly string[],
  keys: readonly string[],
): Promise<ReadonlySet<number>> {
  const places = new Set<number>()
  for (const key of new Set(keys)) {
    const candidates = words.flatMap((word, at) => (at > 0 && word === key ? [at] : []))
    const isClear = candidates.length === keys.filter((each) => each === key).length
    for (const at of candidates) if (isClear || (await isKeyAt(server, words, at))) places.add(at)
  }
  return places
}

async function isKeyAt(server: Pick<CommandServer, 'keysOf'>, words: readonly string[], at: number): Promise<boolean> {
  const mark = `${words.join('')}#` // longer than any of them: none is the same
  try {
    return (await server.keysOf(words.with(at, mark))).includes(mark)
  } catch {
    return false // a number or a keyword stood there
  }
}

function sameTexts(found: readonly string[], keys: readonly string[], prefix: string): boolean {
  const texts = found.map((key) => key.slice(prefix.length)).sort()
  return texts.join('\0') === [...keys].sort().join('\0')
}
