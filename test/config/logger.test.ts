import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Logs with a logger of this format in a process of its own, since it writes to standard error; gives the output. */
function logged(format: 'json' | 'pretty' | 'auto', statements: string, isTerminal = false): string {
  const script = `
    import { createLogger } from './src/logger.ts'
    const log = createLogger({ level: 'info', format: '${format}' }, { isTerminal: ${isTerminal}, hasColours: false })
    ${statements}`
  const { stdout, stderr, status } = spawnSync('node_modules/.bin/bun', ['-e', script], { cwd: root, encoding: 'utf8' })
  expect({ stdout, status }, stderr).toEqual({ stdout: '', status: 0 })
  return stderr
}

describe('createLogger', () => {
  it('writes one JSON object per line, from its level on, before the process may exit', () => {
    const lines = logged(
      'json',
      `log.debug({}, 'no'); log.info({ port: 1 }, 'one'); log.error({}, 'two'); process.exit(0)`,
    )
    const records = lines
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown)
    expect(records).toEqual([
      expect.objectContaining({ level: 'info', port: 1, msg: 'one', time: expect.stringMatching(/^\d{4}-.*Z$/) }),
      expect.objectContaining({ level: 'error', msg: 'two' }),
    ])
  })

  it('writes text for people when told, and when automatic only to a terminal', () => {
    const statement = `log.info({ port: 1 }, 'one')`
    expect(logged('pretty', statement)).toMatch(/^\[[\d:.]+\] INFO: one \{"port":1\}\n$/)
    expect(logged('auto', statement, true)).toMatch(/INFO: one/)
    expect(logged('auto', statement, false)).toMatch(/^\{"level":"info"/)
  })

  it.each(['json', 'pretty'] as const)('hides credentials at every shallow depth: %s', (format) => {
    const output = logged(
      format,
      `const secrets = { passcode: 'hunter2', password: 'hunter2', authorization: 'hunter2', token: 'hunter2', kept: 'kept' }
       log.info(secrets, 'zero')
       log.info({ a: secrets }, 'one')
       log.info({ a: { b: secrets } }, 'two')
       log.info({ a: { b: { c: secrets } } }, 'three')
       log.info({ err: Object.assign(new Error('x'), secrets) }, 'error')`,
    )
    expect(output).not.toContain('hunter2')
    expect(output.match(/kept"?: ?"kept"/g)).toHaveLength(5)
  })

  it('writes an error under `error` with its text and stack', () => {
    const record = JSON.parse(logged('json', `log.error({ error: new TypeError('broken') }, 'failed')`)) as unknown
    expect(record).toMatchObject({ error: { type: 'TypeError', message: 'broken', stack: expect.any(String) } })
  })
})
