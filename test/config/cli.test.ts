import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { checkedConfig, helpText, printedConfig, settingsText, unreadableFile } from '../../src/cli.ts'
import { HELP_ON } from '../../src/help-topics.ts'
import { describeSettings, loadConfig, parseConfig, type ConfigSources } from '../../src/config.ts'

describe('helpText', () => {
  const help = helpText('1.2.3')

  it('names every command, option and short variable, and the rule for the others', () => {
    for (const word of ['serve', 'check-config', 'print-config', 'config-schema', 'help settings', 'version']) {
      expect(help).toMatch(new RegExp(`^  ${word} `, 'm'))
    }
    for (const word of ['-c, --config FILE', '--port N', '--host H', '--workers N', '-h, --help', '-v, --version']) {
      expect(help).toContain(word)
    }
    for (const word of ['PORT', 'HOST', 'REDIS_URL', 'LOG_LEVEL'])
      expect(help).toMatch(new RegExp(`^  ${word} +\\S`, 'm'))
    expect(help).toContain('limits.maxFrameBytes is STOMP_BRIDGE_LIMITS_MAX_FRAME_BYTES')
    expect(help).toContain('OTEL_EXPORTER_OTLP_ENDPOINT where traces go')
    expect(help).toContain('STOMP_BRIDGE_CONFIG')
    expect(help).toContain('(default: 8080)')
    expect(help.startsWith('stomp-bridge 1.2.3')).toBe(true)
  })

  it('is there on every command around access', () => {
    for (const [name, text] of Object.entries(HELP_ON)) {
      expect(text).toMatch(new RegExp(`^stomp-bridge ${name}\\b`))
      for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100)
      expect(help).toContain(name)
    }
  })

  it('fits on one screen of 100 columns', () => {
    const lines = help.split('\n')
    expect(lines.length).toBeLessThanOrEqual(45)
    for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(100)
  })
})

describe('settingsText', () => {
  it('has every setting with its variable', () => {
    const text = settingsText()
    for (const { path, env } of describeSettings()) {
      expect(text).toContain(`${path}`)
      expect(text).toContain(`${env}:`)
    }
    expect(text).toContain('server.port (default: 8080)\n')
    expect(text).toContain('    PORT or STOMP_BRIDGE_SERVER_PORT: a whole number from 0 to 65535\n')
  })
})

describe('printedConfig', () => {
  it('is YAML that gives the same configuration again', () => {
    const config = parseConfig({
      server: { port: 9000 },
      routes: { inbound: [{ channel: 'a:{b}', destination: '/topic/{b}' }] },
    })
    expect(parseConfig(parse(printedConfig(config)))).toEqual(config)
  })

  it('has no secrets', () => {
    const text = printedConfig(parseConfig({ redis: { url: 'redis://user:hunter2@host', password: 'hunter2' } }))
    expect(text).not.toContain('hunter2')
    expect(text).toContain('url: redis://***@host\n')
  })

  it('says which secrets have to be filled in, and by which variables; without a secret nothing', () => {
    const token = 'sixteen-letters-x'
    const noteOf = (input: object) => printedConfig(parseConfig(input)).split('server:')[0]
    expect(noteOf({ redis: { url: 'redis://user:hunter2@host', password: 'hunter2' }, debugger: { token } })).toBe(
      '# Secrets are shown as ***. Before you use this file, fill them in, or set these variables, which beat the file:\n' +
        '#   debugger.token: STOMP_BRIDGE_DEBUGGER_TOKEN\n' +
        '#   redis.url: REDIS_URL\n' +
        '#   redis.password: STOMP_BRIDGE_REDIS_PASSWORD\n',
    )
    expect(noteOf({ redis: { url: 'redis://host' } })).toBe('')
    expect(noteOf({})).toBe('')
  })
})

describe('printedConfig of access', () => {
  it('says which secrets of its lists have to be filled in', () => {
    const text = printedConfig(
      parseConfig({ access: { apiKeys: [{ name: 'shop', key: 'hunter2-hunter2', scopes: ['read'] }] } }),
    )
    expect(text).not.toContain('hunter2')
    expect(text).toContain('#   access.apiKeys[0].key: in the file, or with its whole list\n')
    expect(text).toContain('key: "***"')
  })
})

describe('unreadableFile', () => {
  it.each([
    ['ENOENT', 'it does not exist'],
    ['ENOTDIR', 'it does not exist'],
    ['EISDIR', 'it is a directory'],
    ['EACCES', 'this user may not read it'],
    ['EPERM', 'this user may not read it'],
    ['EIO', 'the system says EIO'],
    [undefined, 'the system says no reason'],
  ])('says why in words: %s', (code, reason) => {
    expect(unreadableFile('a.yaml', code)).toBe(`Cannot read the configuration file "a.yaml": ${reason}`)
  })
})

describe('checkedConfig', () => {
  it('names the file and what was overridden', () => {
    const file = { path: 'bridge.yaml', text: '' }
    const checked = (sources: ConfigSources) => checkedConfig(sources, loadConfig(sources))
    expect(checked({ file, env: {} })).toBe('OK: bridge.yaml\n')
    expect(checked({ env: {} })).toBe('OK: built-in defaults, no configuration file\n')
    expect(checked({ file, env: { REDIS_URL: 'redis://:hunter2@host' }, options: { port: '1' } })).toBe(
      'OK: bridge.yaml; overridden: redis.url (REDIS_URL), server.port (--port)\n',
    )
  })
})
