import { describe, expect, it } from 'vitest'
import { readSendOptions, readTailOptions } from '../../src/terminal/options.ts'

const NOW = Date.parse('2026-01-31T12:00:00Z')
const tail = (line: string) => readTailOptions(line.split(' '), NOW)
const send = (line: string) => readSendOptions(line.split(' '))

describe('readTailOptions', () => {
  it.each([
    ['localhost:8080', 'ws://localhost:8080/stomp'],
    ['http://localhost:8080/debugger#profile=x', 'ws://localhost:8080/debugger'],
    ['https://example.com', 'wss://example.com/stomp'],
    ['wss://example.com/ws?a=b', 'wss://example.com/ws?a=b'],
    ['[::1]:8080/ws', 'ws://[::1]:8080/ws'],
  ])('understands %s', (given, url) => {
    expect(tail(`${given} /topic/x`)).toMatchObject({ url, destinations: ['/topic/x'] })
  })

  it.each([
    ['--since 10m', { sinceTime: NOW - 600_000 }],
    ['--since 2h', { sinceTime: NOW - 7_200_000 }],
    ['--since 2026-01-31', { sinceTime: Date.parse('2026-01-31') }],
    ['--since 2026-01-31T11:59:59.5Z', { sinceTime: NOW - 500 }],
    ['--since 1700-4/18446744073709551615', { position: { epoch: '1700-4', offset: '18446744073709551615' } }],
    ['--since e/1700000000000-3', { position: { epoch: 'e', offset: '1700000000000-3' } }],
    ['--last 0', { last: 0 }],
    ['', {}],
  ])('begins where "%s" says', (option, from) => {
    expect(readTailOptions(['h', '/t', ...option.split(' ').filter(Boolean)], NOW)).toMatchObject({ from })
  })

  it('takes headers as they are, but for one space, and several destinations', () => {
    const argv = [
      'h',
      '/topic/a',
      '/topic/b',
      '-H',
      'selector: a:b',
      '--header=x:  y',
      '-n',
      '3',
      '--timeout',
      '0.5',
      '--ack',
    ]
    expect(
      readTailOptions([...argv, '--json', '--login', 'a', '--vhost', '/', '--connect-header', 'k: v'], NOW),
    ).toEqual({
      url: 'ws://h/stomp',
      profile: undefined,
      profileName: undefined,
      login: 'a',
      virtualHost: '/',
      connectHeaders: { k: 'v' },
      destinations: ['/topic/a', '/topic/b'],
      headers: { selector: 'a:b', x: ' y' },
      from: {},
      count: 3,
      timeoutMs: 500,
      format: 'json',
      acknowledges: true,
    })
  })

  it('takes every word for a destination where a profile has the URL', () => {
    expect(tail('--profile p.json /topic/x')).toMatchObject({
      url: undefined,
      profile: 'p.json',
      destinations: ['/topic/x'],
    })
  })

  it.each([
    ['', '"h" needs'],
    ['/topic/x --since yesterday', '--since must be an age'],
    ['/topic/x --since 2026-99-99', '--since must be an age'],
    ['/topic/x --since 1h --last 3', 'not both'],
    ['/topic/x --last -1', '--last needs a value'],
    ['/topic/x --last=-1', '--last must be a whole number'],
    ['/topic/x --count 0', '--count must be a whole number, at least 1'],
    ['/topic/x --timeout 0', '--timeout must be'],
    ['/topic/x -H novalue', "--header must be 'name: value'"],
    ['/topic/x -H a:1 --header=a:2', '--header gives "a" twice'],
    ['/topic/x -H ack:client', '--header cannot be "ack"'],
    ['/topic/x --json --verbose', 'give one of them'],
    ['/topic/x --jsno', 'Did you mean "--json"?'],
  ])('says what is wrong with "h %s"', (line, problem) => {
    const argv = ['h', ...line.split(' ').filter(Boolean)]
    expect(readTailOptions(argv, NOW)).toEqual({
      problem: expect.stringContaining(problem.replace('"h" needs', '"tail" needs a DESTINATION')) as string,
    })
  })

  it.each(['ftp://host/x', 'ws://', 'ws://a b'])('does not take %s for a URL', (url) => {
    expect(readTailOptions([url, '/topic/x'], NOW)).toEqual({ problem: expect.stringContaining('no URL') as string })
  })
})

describe('readSendOptions', () => {
  it('reads the body from the line, or from standard input', () => {
    expect(readSendOptions(['h', '/app/x', 'Hello you', '--content-type', 'text/plain'])).toMatchObject({
      destination: '/app/x',
      body: 'Hello you',
      headers: { 'content-type': 'text/plain' },
      timeoutMs: 15_000,
    })
    expect(send('h /app/x -')).toMatchObject({ body: undefined, isLines: false })
    expect(send('h /app/x --lines')).toMatchObject({ body: undefined, isLines: true })
    expect(readSendOptions(['h', '/app/x', ''])).toMatchObject({ body: '' })
    expect(readSendOptions(['h', '/app/x', '--', '--json'])).toMatchObject({ body: '--json' })
  })

  it('leaves the destination to the word that it is', () => {
    expect(send('h /app/x b -H destination:/topic/y')).toEqual({
      problem: '--header cannot be "destination": the command itself says what that is.',
    })
  })

  it.each([
    ['h', '"send" needs a DESTINATION'],
    ['h /app/x a b', 'put it into quotes'],
    ['h /app/x a --lines', '--lines reads standard input'],
    ['h /app/x --json', 'Unknown option "--json"'],
  ])('says what is wrong with "%s"', (line, problem) => {
    expect(send(line)).toEqual({ problem: expect.stringContaining(problem) as string })
  })
})
