/** What the documents name is there: files, headings, commands, settings, variables, metrics and codes. */
import { existsSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { describe, expect, it } from 'vitest'
import { FrameErrorCode } from '../../frames/index.ts'
import { COMMIT_VARIABLE, configJsonSchema, CONFIG_FILE_VARIABLE, describeSettings } from '../../src/config.ts'
import { schemaAt } from '../../src/config/settings.ts'
import { ERRORS } from '../../src/errors.ts'
import { HTTP_ERRORS } from '../../src/http/json-error.ts'
import { metricTable } from '../../scripts/docs/metric-table.ts'
import { anchors, linkTargets, markdownFiles, ROOT, type MarkdownFile } from './markdown-files.ts'

const files = markdownFiles()
/** A change log names what there was. */
const current = files.filter(({ path }) => path !== 'CHANGELOG.md')

/** Runs a check over files. Returns what is wrong, each with its file. */
function problems(of: readonly MarkdownFile[], find: (file: MarkdownFile) => Iterable<string>): string[] {
  return of.flatMap((file) => [...find(file)].map((problem) => `${file.path}: ${problem}`))
}

/** Returns the first group of every match. */
function found(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map((match) => match[1]!)
}

describe('the documents', () => {
  it('are the ones that there should be', () => {
    const paths = files.map(({ path }) => path)
    const topics = [
      'addressing',
      'architecture',
      'client',
      'backend',
      'configuration',
      'debugger',
      'doors',
      'embedding',
      'operations',
    ]
    for (const name of [...topics, 'performance', 'protocol', 'routes', 'security'])
      expect(paths).toContain(`docs/${name}.md`)
    for (const name of ['README', 'CHANGELOG', 'CONTRIBUTING', 'SECURITY']) expect(paths).toContain(`${name}.md`)
  })

  it('lead only to files and headings that exist', () => {
    expect(problems(files, brokenLinks)).toEqual([])
  })

  it('are reached from the README', () => {
    const start = files.find(({ path }) => path === 'README.md')!
    const linked = new Set(linkTargets(start).map((target) => target.split('#')[0]))
    const documents = files.map(({ path }) => path).filter((path) => /^(docs\/)?[\w-]+\.md$/.test(path))
    expect(documents.filter((path) => path !== 'README.md' && !linked.has(path))).toEqual([])
  })

  it('name only npm scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object }
    const names = ({ text }: MarkdownFile) => [
      ...found(text, /\bnpm\s+run\s+(?:--silent\s+)?([a-z][\w:-]*)/g),
      ...found(text, /\bnpm\s+(start|test)\b/g),
    ]
    expect(names(files.find(({ path }) => path === 'README.md')!)).toContain('start')
    expect(problems(files, (file) => names(file).filter((name) => !Object.hasOwn(scripts, name)))).toEqual([])
  })

  it('name only settings that exist', () => {
    const sections = Object.keys(configJsonSchema()['properties'] as object).join('|')
    const pattern = new RegExp(`\`((?:${sections})\\.[A-Za-z.]+)\``, 'g')
    expect(found('`server.port` and `server.nope`', pattern).filter(isUnknownSetting)).toEqual(['server.nope'])
    expect(problems(current, ({ text }) => found(text, pattern).filter(isUnknownSetting))).toEqual([])
  })

  it('name only environment variables that exist', () => {
    const known = new Set([CONFIG_FILE_VARIABLE, COMMIT_VARIABLE, ...describeSettings().map(({ env }) => env)])
    const names = ({ text }: MarkdownFile) => found(text, /\b(STOMP_BRIDGE_[A-Z_]*[A-Z])\b/g)
    expect(problems(current, (file) => names(file).filter((name) => !known.has(name)))).toEqual([])
  })

  it('name only metrics that exist', async () => {
    const known = new Set(found(await metricTable(), /`(stomp_bridge_\w+)/g))
    expect(known).toContain('stomp_bridge_sessions')
    const names = ({ text }: MarkdownFile) => found(text, /\b(stomp_bridge_\w+)/g)
    expect(problems(current, (file) => names(file).filter((name) => !known.has(name)))).toEqual([])
  })

  it('name only error codes that exist', () => {
    const known = new Set<string>([
      ...Object.keys(ERRORS),
      ...Object.keys(HTTP_ERRORS),
      ...Object.values(FrameErrorCode),
    ])
    const names = ({ text }: MarkdownFile) => found(text, /\b(?:ERROR|[45]\d\d)\s+`([a-z-]+)`/g)
    expect(names(files.find(({ path }) => path === 'docs/protocol.md')!)).toContain('heart-beat-timeout')
    expect(problems(current, (file) => names(file).filter((name) => !known.has(name)))).toEqual([])
  })

  it('name only files of the sources that exist', () => {
    const names = ({ text }: MarkdownFile) =>
      found(text, /`((?:src|frames|test|scripts|bench|docs|web-debugger|examples|\.ci|\.github)\/[\w./-]*)`/g)
    expect(names(files.find(({ path }) => path === 'docs/architecture.md')!)).toContain('src/bridge.ts')
    expect(problems(current, (file) => names(file).filter((name) => !existsSync(join(ROOT, name))))).toEqual([])
  })
})

describe('the README', () => {
  it('is short enough to be read', () => {
    const { text } = files.find(({ path }) => path === 'README.md')!
    expect(text.split('\n').length).toBeLessThanOrEqual(200)
  })
})

describe('the anchors of headings', () => {
  it('are those of GitHub', () => {
    const text = '# One & two\n## `code.md`\n## One & two\n```sh\n# no heading\n```\n### Über [uns](x.md)\n'
    expect([...anchors({ path: 'x.md', text })]).toEqual(['one--two', 'codemd', 'one--two-1', 'über-uns'])
  })
})

function* brokenLinks(file: MarkdownFile): Generator<string> {
  for (const target of linkTargets(file)) {
    if (/^(https?|mailto):/.test(target)) continue
    const [path = '', anchor] = target.split('#')
    const full = path === '' ? file.path : posix.join(posix.dirname(file.path), path)
    if (!existsSync(join(ROOT, full))) yield `${target} is not there`
    else if (anchor !== undefined && !anchorsOf(full)?.has(anchor)) yield `${target} has no such heading`
  }
}

function anchorsOf(path: string): Set<string> | undefined {
  const file = files.find((each) => each.path === path)
  return file && anchors(file)
}

/** `redis.tls` names a group, which is as good. */
function isUnknownSetting(path: string): boolean {
  return schemaAt(path.split('.')) === undefined
}
