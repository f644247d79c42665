import { ReplyError } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { publishFailure, redirectIn } from '../../src/redis/replies.ts'

describe('a failure to publish', () => {
  const failureOf = (text: string) => {
    const reply = new ReplyError(text)
    return publishFailure(reply).name
  }

  it.each([
    'NOPERM this user has no permissions to run the command',
    'WRONGTYPE Operation against a key holding the wrong kind of value',
    "@user_script: 1: The user executing the script can't run this command or subcommand",
    // Redis 6.2, where a script does not catch it
    'ERR Error running script (call to f_0ff73566): @user_script:12: WRONGTYPE Operation against a key',
    "ERR Error running script (call to f_0ff73566): @user_script:1: @user_script: 1: The user executing the script can't access",
  ])('is a refusal where somebody has to change something: %s', (text) => {
    expect(failureOf(text)).toBe('BusRefusedError')
  })

  it.each([
    'LOADING Redis is loading the dataset in memory',
    'ERR Error running script (call to f_0ff73566): @user_script:1: ERR value is not an integer',
    'ERR WRONGTYPE is only mentioned',
  ])('passes: %s', (text) => {
    expect(failureOf(text)).toBe('BusUnavailableError')
  })

  it.each([
    "OOM command not allowed when used memory > 'maxmemory'.",
    "OOM command not allowed when used memory > 'maxmemory'. script: on @user_script:1.",
    'MISCONF Redis is configured to save RDB snapshots, but it is currently unable to persist to disk.',
    'NOREPLICAS Not enough good replicas to write.',
    // Redis 6.2: where a script does not catch it, and where it does
    "ERR Error running script (call to f_0ff73566): @user_script:1: @user_script: 1: -OOM command not allowed when used memory > 'maxmemory'.",
    "@user_script: 1: -OOM command not allowed when used memory > 'maxmemory'.",
  ])('says that nothing is stored now: %s', (text) => {
    expect(failureOf(text)).toBe('NotStoredError')
  })

  it('says that a queue is full', () => {
    expect(failureOf('QUEUEFULL A queue holds as many messages as it may')).toBe('QueueFullError')
  })
})

describe('a redirection', () => {
  it.each([
    ['MOVED 3999 10.0.0.7:6381', { kind: 'moved', slot: 3999, address: '10.0.0.7:6381' }],
    ['ASK 1 node-2.test:7000', { kind: 'ask', slot: 1, address: 'node-2.test:7000' }],
    ['MOVED 1 ::2:7000', { kind: 'moved', slot: 1, address: '[::2]:7000' }],
    ['MOVED 1 :7000', { kind: 'moved', slot: 1, address: 'said.test:7000' }],
    ['MOVED 1 ?:7000', { kind: 'moved', slot: 1, address: 'said.test:7000' }],
    ['TRYAGAIN Multiple keys request during rehashing of slot', { kind: 'later' }],
    ['MOVED away', undefined],
  ])('%j leads to %j', (text, redirect) => {
    expect(redirectIn(new ReplyError(text), 'said.test')).toEqual(redirect)
  })
})
