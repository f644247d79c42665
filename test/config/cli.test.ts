import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import {
  checkedConfig,
  helpText,
  parseCommandLine,
  printedConfig,
  settingsText,
  unreadableFile,
} from '../../src/cli.ts'
import { describeSettings, parseConfig } from '../../src/config.ts'

const NO_OPTIONS = { port: undefined, host: undefined }

describe('parseCommandLine', () => {
  it.each([
    ['', { command: 'serve' }],
    ['serve', { command: 'serve' }],
    ['check-config', { command: 'check-config' }],
    ['print-config', { command: 'print-config' }],
    ['config-schema', { command: 'config-schema' }],
    ['version', { command: 'version' }],
    ['help', { command: 'help' }],
    ['help settings', { command: 'help', topic: 'settings' }],
    ['--help', { command: 'help' }],
    ['-h', { command: 'help' }],
    ['serve --help', { command: 'help' }],
    ['--version', { command: 'version' }],
    ['-v', { command: 'version' }],
    ['-vh', { command: 'help' }],
    ['--config x.yaml', { command: 'serve', configFile: 'x.yaml' }],
    ['check-config -c x.yaml', { command: 'check-config', configFile: 'x.yaml' }],
    ['--config=x.yaml serve', { command: 'serve', configFile: 'x.yaml' }],
    ['--port 9000 --host ::1', { command: 'serve', options: { port: '9000', host: '::1' } }],
    ['--port=9000', { command: 'serve', options: { port: '9000', host: undefined } }],
    ['--workers 4', { command: 'serve', options: { workers: '4' } }],
  ])('"%s"', (line, expected) => {
    expect(parseCommandLine(line.split(' ').filter(Boolean))).toEqual({ options: NO_OPTIONS, ...expected })
  })

  it.each([
    ['--prot 9000', 'Unknown option "--prot". Did you mean "--port"?'],
    ['-x', 'Unknown option "-x". See --help.'],
    ['--colour=red', 'Unknown option "--colour". See --help.'],
    ['--no-config', 'Unknown option "--no-config". Did you mean "--config"?'],
    ['--constructor', 'Unknown option "--constructor". See --help.'],
    ['--config', '--config needs a value.'],
    ['-c', '-c needs a value.'],
    ['--config=', '--config needs a value.'],
    ['--config --port 3', '--config needs a value.'],
    ['--help=yes', '--help takes no value.'],
    ['chek-config', 'Unknown command "chek-config". Did you mean "check-config"?'],
    ['start', 'Unknown command "start". See --help.'],
    ['check-config bridge.yaml', '"check-config" takes no argument "bridge.yaml".'],
    ['help me', 'There is no help on "me"; try "help settings".'],
  ])('"%s" is refused in one line', (line, problem) => {
    expect(parseCommandLine(line.split(' '))).toEqual({ problem })
  })
})

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
    expect(help).toContain('STOMP_BRIDGE_CONFIG')
    expect(help).toContain('(default: 8080)')
    expect(help.startsWith('stomp-bridge 1.2.3')).toBe(true)
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
    expect(checkedConfig({ file, env: {} })).toBe('OK: bridge.yaml\n')
    expect(checkedConfig({ env: {} })).toBe('OK: built-in defaults, no configuration file\n')
    expect(checkedConfig({ file, env: { REDIS_URL: 'redis://:hunter2@host' }, options: { port: '1' } })).toBe(
      'OK: bridge.yaml; overridden: redis.url (REDIS_URL), server.port (--port)\n',
    )
  })
})
