import { describe, expect, it } from 'vitest'
import { parseCommandLine } from '../../src/command-line.ts'

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
    ['explain subscribe /topic/x', { command: 'explain', words: ['subscribe', '/topic/x'], someone: {} }],
    [
      'explain --user alice --groups a,b --claims {"r":1} send /app/x',
      {
        command: 'explain',
        words: ['send', '/app/x'],
        someone: { user: 'alice', groups: ['a', 'b'], claims: { r: 1 } },
      },
    ],
    [
      'explain --user=a -c x.yaml send /x',
      { command: 'explain', configFile: 'x.yaml', words: ['send', '/x'], someone: { user: 'a' } },
    ],
    ['check-token', { command: 'check-token' }],
    ['check-token abc', { command: 'check-token', words: ['abc'] }],
    ['gen-token --user a --ttl 60', { command: 'gen-token', someone: { user: 'a' }, ttlSeconds: 60 }],
    ['gen-token --user=-a --groups=a,', { command: 'gen-token', someone: { user: '-a', groups: ['a'] } }],
    ['gen-api-key shop', { command: 'gen-api-key', words: ['shop'] }],
    ['hash-password', { command: 'hash-password' }],
    ['healthcheck ready', { command: 'healthcheck', words: ['ready'] }],
    ['help explain', { command: 'help', topic: 'explain' }],
    ['explain --help', { command: 'help', topic: 'explain' }],
    ['tail h /topic/x --host', { command: 'tail', words: ['h', '/topic/x', '--host'], options: {} }],
    ['send h /x -- -h', { command: 'send', words: ['h', '/x', '--', '-h'], options: {} }],
    ['tail h -h', { command: 'help', topic: 'tail', options: {} }],
    ['help send', { command: 'help', topic: 'send' }],
    ['--workers 4', { command: 'serve', options: { workers: '4' } }],
  ])('"%s"', (line, expected) => {
    expect(parseCommandLine(line.split(' ').filter(Boolean))).toEqual({ options: NO_OPTIONS, ...expected })
  })

  it.each([
    ['--port 1 tail h', 'The options of "tail" follow its name: see "help tail".'],
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
    ['explain', '"explain" needs ACTION: see "help explain".'],
    ['explain subscribe', '"explain" needs DESTINATION: see "help explain".'],
    ['explain subscribe /x /y', '"explain" takes no argument "/y".'],
    ['explain --groups a subscribe /x', '--groups needs --user: nobody else has any.'],
    ['explain --claims {} subscribe /x', '--claims needs --user: nobody else has any.'],
    ['explain --user a --claims [] subscribe /x', `--claims must be an object in JSON, such as '{"role": "admin"}'.`],
    ['explain --user a --claims x subscribe /x', `--claims must be an object in JSON, such as '{"role": "admin"}'.`],
    ['explain --user a --ttl 3 subscribe /x', '"explain" takes no option --ttl.'],
    ['serve --user a', '"serve" takes no option --user.'],
    ['gen-token', '"gen-token" needs --user.'],
    ['gen-token --user a --ttl 0', '--ttl must be a whole number of seconds, at least 1, not "0".'],
    ['gen-token --user a --ttl 1.5', '--ttl must be a whole number of seconds, at least 1, not "1.5".'],
    [`hash-password ${'x'.repeat(41)}`, '"hash-password" takes no argument "xxxxxxxx…".'],
    [
      'help me',
      'There is no help on "me", only on settings, explain, check-token, gen-token, gen-api-key, hash-password, tail, send, healthcheck.',
    ],
  ])('"%s" is refused in one line', (line, problem) => {
    expect(parseCommandLine(line.split(' '))).toEqual({ problem })
  })
})
