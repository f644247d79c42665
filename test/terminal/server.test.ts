import { describe, expect, it, vi } from 'vitest'
import type { ServerOptions } from '../../src/terminal/options.ts'
import { findServer, type Secrets } from '../../src/terminal/server.ts'
import { toFragment } from '../../web-debugger/stomp/profile-link.ts'
import { writeProfiles } from '../../web-debugger/stomp/profile-file.ts'
import { createProfile } from '../../web-debugger/stomp/profile.ts'

const NONE: ServerOptions = {
  url: undefined,
  profile: undefined,
  profileName: undefined,
  login: undefined,
  virtualHost: undefined,
  connectHeaders: {},
}
const NO_SECRETS: Secrets = { passcode: undefined, token: undefined }
const openSocket = vi.fn()
const rabbit = { ...createProfile('ws://rabbit:15674/ws'), name: 'rabbit', host: '/', login: 'guest' }
const local = { ...createProfile('ws://localhost:8080/stomp'), name: 'local', version: '1.1' as const }
const file = () => writeProfiles([rabbit, local])
const find = (options: Partial<ServerOptions>, read: (path: string) => string = file, secrets = NO_SECRETS) =>
  findServer({ ...NONE, ...options }, secrets, read, { openSocket })

describe('findServer', () => {
  it('puts login, secrets and headers into CONNECT, and none of them into the name', () => {
    const url = 'ws://h/stomp?ticket=s3cret'
    const { name, clientOptions } = find({ url, login: 'alice', connectHeaders: { k: 'v' } }, file, {
      passcode: 'pw',
      token: 't0ken',
    })
    expect(name).toBe('ws://h/stomp')
    expect(clientOptions.brokerURL).toBe(url)
    expect(clientOptions.credentials?.()).toEqual({
      connectHeaders: { host: 'h', login: 'alice', passcode: 'pw', Authorization: 'Bearer t0ken', k: 'v' },
    })
  })

  it('takes a profile of a file by its name, and options beat it', () => {
    const { clientOptions } = find({ profile: 'p.json', profileName: 'rabbit', virtualHost: 'other' })
    expect(clientOptions.brokerURL).toBe('ws://rabbit:15674/ws')
    expect(clientOptions.credentials?.()).toEqual({ connectHeaders: { host: 'other', login: 'guest' } })
  })

  it('offers the sub-protocols of the profile', () => {
    const { clientOptions } = find({ profile: 'p.json', profileName: 'local' })
    clientOptions.webSocketFactory?.('ignored', ['v12.stomp'])
    expect(openSocket).toHaveBeenCalledWith('ws://localhost:8080/stomp', ['v11.stomp'])
    expect(clientOptions.stompjs?.stompVersions?.supportedVersions()).toBe('1.1')
  })

  it('takes the link to a connection', () => {
    const profile = `http://localhost:8080/debugger/#${toFragment(rabbit)}`
    expect(find({ profile }, () => expect.unreachable('no file is read')).name).toBe('ws://rabbit:15674/ws')
  })

  it.each([
    ['no profile', { profile: 'p.json' }, '{}', 'There is no profile in "p.json"'],
    ['no JSON', { profile: 'p.json' }, 'x', 'There is no profile in "p.json"'],
    ['several', { profile: 'p.json' }, file(), 'which profile of "p.json" you mean: "rabbit", "local"'],
    ['another name', { profile: 'p.json', profileName: 'x' }, file(), '"rabbit", "local"'],
    ['a cut link', { profile: 'http://h/#profile=eyJ1' }, '', 'cut off'],
    ['a raw WebSocket', { profile: 'p.json' }, JSON.stringify({ ...local, mode: 'raw' }), 'these commands speak STOMP'],
    ['no URL', { profile: 'p.json' }, JSON.stringify({ url: 'ftp://x' }), 'cannot be used'],
  ])('says in one line what is wrong: %s', (_what, options, text, problem) => {
    expect(() => find(options, () => text)).toThrow(problem)
  })
})
