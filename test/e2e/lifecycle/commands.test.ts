/** What the command line does beside serving: help, settings, version, schema, and a look at the configuration. */
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { directoryWith } from '../../support/command.ts'
import { runtime } from '../../support/runtime.ts'
import { run, version } from './support.ts'

describe(`a bridge process on ${runtime}`, () => {
  describe('asked for something else', () => {
    it('prints help, settings, version and the JSON Schema, and exits with 0', async () => {
      const outcomes = await Promise.all(
        [['--help'], ['help', 'settings'], ['--version'], ['version'], ['config-schema']].map((args) => run(args)),
      )
      for (const { code, stderr } of outcomes) expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      const [help, settings, option, word, schema] = outcomes.map(({ stdout }) => stdout)
      expect(help).toContain('check-config')
      expect(settings).toContain('STOMP_BRIDGE_LIMITS_MAX_FRAME_BYTES')
      expect([option, word]).toEqual([`${version}\n`, `${version}\n`])
      expect(JSON.parse(schema!)).toHaveProperty('properties.server')
    })

    it('says in one line which option or command it does not know, and exits with 2', async () => {
      const outcomes = await Promise.all(
        [['--prot', '1'], ['--port'], ['sreve'], ['serve', 'twice']].map((args) => run(args)),
      )
      for (const { code, stdout, stderr } of outcomes) {
        expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
        expect(stderr).toMatch(/^[^\n]+\n$/)
      }
      expect(outcomes[0]!.stderr).toContain('--prot')
    })

    it('checks its configuration without starting', async () => {
      const cwd = await directoryWith({
        'bridge.yaml': 'server: { path: /ws }\n',
        'other.json': '{"tcp":{"enabled":true}}',
      })
      const [found, given] = await Promise.all([
        run(['check-config'], { cwd, env: { PORT: '9000' } }),
        run(['check-config', '--config', 'other.json'], { cwd }),
      ])
      expect(found).toEqual({ code: 0, stdout: 'OK: bridge.yaml; overridden: server.port (PORT)\n', stderr: '' })
      expect(given).toEqual({ code: 0, stdout: 'OK: other.json\n', stderr: '' })
      const traces = { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' }
      expect(await run(['check-config', '-c', 'other.json'], { cwd, env: traces })).toEqual({
        code: 0,
        stdout: 'OK: other.json\nWarning: OTEL_EXPORTER_OTLP_ENDPOINT must be a URL such as http://collector:4318\n',
        stderr: '',
      })
      const missing = await run(['check-config', '-c', 'no.yaml'], { cwd })
      expect(missing).toMatchObject({ code: 1, stdout: '' })
      expect(missing.stderr).toMatch(/^[^\n]*"no.yaml"[^\n]*\n$/)
      const tls = { STOMP_BRIDGE_SERVER_TLS_CERT_FILE: 'no-such.crt', STOMP_BRIDGE_SERVER_TLS_KEY_FILE: 'no-such.key' }
      for (const command of ['check-config', 'serve']) {
        const { code, stdout, stderr } = await run([command], { cwd, env: tls })
        expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
        expect(stderr).toMatch(/^[^\n]*server\.tls\.certFile: cannot read "no-such\.crt": it does not exist\n$/)
      }
      const directory = await run(['serve', '-c', '.'], { cwd })
      expect(directory).toEqual({
        code: 1,
        stdout: '',
        stderr: 'Cannot read the configuration file ".": it is a directory\n',
      })
    })

    it('prints the configuration in effect, without secrets, so that it can be used again', async () => {
      const cwd = await directoryWith()
      const env = {
        REDIS_URL: 'redis://bob:hunter2@redis.example:6380/3',
        STOMP_BRIDGE_REDIS_PASSWORD: 'hunter3',
        STOMP_BRIDGE_LIMITS_MAX_FRAME_BYTES: '70000',
      }
      const { code, stdout, stderr } = await run(['print-config'], { cwd, env })
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout).not.toMatch(/hunter|bob/)
      expect(stdout).toMatch(
        /^# Secrets .*\n# +redis.url: REDIS_URL\n# +redis.password: STOMP_BRIDGE_REDIS_PASSWORD\n\w/,
      )
      const printed = parse(stdout) as { limits: unknown; server: unknown }
      expect(printed).toMatchObject({ limits: { maxFrameBytes: 70_000 }, server: { port: 8080, host: '127.0.0.1' } })

      const again = await directoryWith({ 'bridge.yaml': stdout })
      expect(await run(['check-config'], { cwd: again })).toMatchObject({ code: 0, stderr: '' })
      expect((await run(['print-config'], { cwd: again })).stdout).toBe(stdout)
    })
  })
})
