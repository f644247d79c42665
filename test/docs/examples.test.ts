/** The examples in the documents are right: settings are accepted, programs have no type errors. */
import { join } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { explainRules } from '../../src/access-answers.ts'
import { explainCommand } from '../../src/access-commands.ts'
import { parseCommandLine } from '../../src/command-line.ts'
import { parseConfig, type ConfigInput } from '../../src/config.ts'
import { codeBlocks, markdownFiles, readMarkdown, ROOT } from './markdown-files.ts'

/** Examples of other programs' files. */
const FOREIGN_YAML = /^(on|jobs):/m

describe('the examples', () => {
  const blocks = markdownFiles().flatMap((file) => codeBlocks(file).map((block) => ({ ...block, path: file.path })))

  const settings = blocks.filter(({ language, code }) => language === 'yaml' && !FOREIGN_YAML.test(code))
  it.each(settings)('of settings in $path are accepted: $code', ({ code }) => {
    expect(() => parseConfig(parse(code) as ConfigInput)).not.toThrow()
  })

  it.each(blocks.filter(({ language }) => language === 'json'))('of JSON in $path are JSON: $code', ({ code }) => {
    expect(() => JSON.parse(code) as unknown).not.toThrow()
  })

  it.each(['docs/embedding.md', 'docs/backend.md'])('of %s have no type errors', { timeout: 60_000 }, (path) => {
    const programs = codeBlocks(readMarkdown(path)).filter(({ language }) => language === 'ts')
    expect(programs.length).toBeGreaterThan(3)
    expect(typeErrors(programs.map(({ code }) => code))).toEqual([])
  })

  it('of docs/client.md have no type errors in a page', { timeout: 60_000 }, () => {
    const programs = codeBlocks(readMarkdown('docs/client.md')).filter(({ language }) => language === 'ts')
    expect(programs.length).toBeGreaterThan(3)
    const page = { lib: ['lib.es2023.d.ts', 'lib.dom.d.ts'] }
    expect(
      typeErrors(
        programs.map(({ code }) => code),
        page,
      ),
    ).toEqual([])
  })

  it('of docs/security.md are explained as it says', () => {
    const blocks = codeBlocks(readMarkdown('docs/security.md'))
    const rules = blocks.find(({ code }) => code.includes('{claims.tenant}'))!
    const config = parseConfig(parse(rules.code) as ConfigInput)
    const questions = blocks.flatMap(({ code }) => [
      ...code.matchAll(/^npm start -- (explain [^#\n]+?) *(?:#.*)?\n# ((?:Allowed|Denied): .*)$/gm),
    ])
    expect(questions.length).toBeGreaterThan(2)
    for (const [, command = '', answer] of questions) {
      const asked = parseCommandLine(command.replaceAll("'", '').split(' '))
      if ('problem' in asked) throw new Error(asked.problem)
      const { output } = explainCommand(config, asked.someone!, asked.words!, explainRules)
      expect(output.replace(/ rule \d+,/, ''), command).toBe(`${answer}\n`)
    }
  })

  it('would be found wrong otherwise', { timeout: 60_000 }, () => {
    const wrong = "import { createBridge } from 'stomp-bridge'\ncreateBridge({ config: 1 })\n"
    expect(typeErrors([wrong])).toEqual([expect.stringContaining('example-1.ts:2')])
  })
})

/** Checks programs as files in docs/, from where the package's own name leads to its sources. */
function typeErrors(programs: readonly string[], more: ts.CompilerOptions = {}): string[] {
  const configFile = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (path) => ts.sys.readFile(path))
  const { options: own } = ts.parseJsonConfigFileContent(configFile.config, ts.sys, ROOT)
  const options = { ...own, ...more }
  const texts = new Map(programs.map((code, i) => [join(ROOT, `docs/example-${i + 1}.ts`), `${code}\nexport {}\n`]))
  const host = ts.createCompilerHost(options)
  const { fileExists, readFile, getSourceFile } = host
  host.fileExists = (path) => texts.has(path) || fileExists(path)
  host.readFile = (path) => texts.get(path) ?? readFile(path)
  host.getSourceFile = (path, languageVersion, ...rest) => {
    const text = texts.get(path)
    return text === undefined
      ? getSourceFile(path, languageVersion, ...rest)
      : ts.createSourceFile(path, text, languageVersion)
  }
  const program = ts.createProgram([...texts.keys()], options, host)
  return [...texts.keys()].flatMap((path) => {
    const file = program.getSourceFile(path)
    return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map((diagnostic) => {
      const line = file!.getLineAndCharacterOfPosition(diagnostic.start ?? 0).line + 1
      return `${path.slice(ROOT.length)}:${line} ${ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n')}`
    })
  })
}
