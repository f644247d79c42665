/**
 * Owns how the text of a configuration file becomes plain settings: YAML, or JSON, which YAML includes. It says where
 * the syntax is wrong; what the settings mean is not known here.
 */
import { LineCounter, parseDocument } from 'yaml'
import { isGroup, type Group } from './group.ts'
import type { ConfigProblem } from './problems.ts'

/** A configuration file as it was read. */
export interface ConfigFile {
  /** For messages only. */
  readonly path: string
  readonly text: string
}

/** Returns the settings of a file; `content` is undefined when the file cannot be read as settings. */
export function parseFile({ path, text }: ConfigFile): { content: Group | undefined; problems: ConfigProblem[] } {
  const lineCounter = new LineCounter()
  const document = parseDocument(withoutNpmBanner(text), { lineCounter, prettyErrors: false })
  const problems = [...document.errors, ...document.warnings].map((fault) => {
    const { line, col } = lineCounter.linePos(fault.pos[0])
    return { path: '', origin: path, line: `${path}: line ${line}, column ${col}: ${fault.message}` }
  })
  if (problems.length > 0) return { content: undefined, problems }

  try {
    const content = givenSettings(document.toJS()) ?? {}
    if (!isGroup(content)) throw new TypeError('must be a group of settings')
    // Editors put the name of their schema here.
    const { $schema: _, ...settings } = content
    return { content: settings, problems: [] }
  } catch (error) {
    // yaml finds unknown and exploding aliases only here.
    return { content: undefined, problems: [{ path: '', origin: path, line: `${path}: ${(error as Error).message}` }] }
  }
}

/**
 * `npm start -- print-config > bridge.yaml` puts npm's banner (`> stomp-bridge@… start`) on top of the file. As comments
 * its lines do no harm, and the others keep their numbers.
 */
function withoutNpmBanner(text: string): string {
  return text.replace(/^\s*(?:> .*\n)+/, (banner) => banner.replace(/^> /gm, '# > '))
}

/**
 * Returns the settings without nulls: a key with nothing after it, as when all below is commented out, is not given. But
 * nothing becomes open by that: an empty `access` is there, and in its lists, where a rule without `groups:` would be for
 * everyone, nulls stay, to be refused.
 */
export function givenSettings(value: unknown): unknown {
  const given = withoutNulls(value)
  if (!isGroup(value) || !isGroup(given) || value['access'] === undefined) return given
  if (!isGroup(value['access'])) return { ...given, access: value['access'] ?? {} }
  const access = Object.entries(value['access'])
    .filter(([, each]) => each !== null && each !== undefined)
    .map(([key, each]) => [key, Array.isArray(each) ? (each as unknown) : withoutNulls(each)])
  return { ...given, access: Object.fromEntries(access) as Group }
}

function withoutNulls(value: unknown): unknown {
  if (value === null) return undefined
  if (Array.isArray(value)) return value.map((item: unknown) => (item === null ? null : withoutNulls(item)))
  if (!isGroup(value)) return value
  const given = Object.entries(value).filter(([, each]) => each !== null && each !== undefined)
  return Object.fromEntries(given.map(([key, each]) => [key, withoutNulls(each)]))
}
