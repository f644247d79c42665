/** CONNECT and CONNECTED: who may begin, on which version both agree, and what a refused client is told. */
import { describe, expect, it } from 'vitest'
import { VERSIONS, type Version } from '../../../frames/index.ts'
import { bodyText, frameText, type StompPeer } from '../../support/stomp-peer.ts'
import { waitFor } from '../../support/wait.ts'
import { expectError, TIMES, unique, type Stage } from './stage.ts'
import { together } from './together.ts'

export function connecting(stage: Stage): void {
  describe('CONNECT', () => {
    it.each(VERSIONS)('#36 #37 #38 is answered with version, session and server in %s', async (version) => {
      const peer = await stage.open()
      const { headers } = await peer.stompConnect({ 'accept-version': version, host: 'localhost' })
      expect(headers.get('version')).toBe(version)
      expect(headers.get('session')).toMatch(/^\S+$/)
      expect(headers.get('server')).toMatch(/^stomp-bridge\/\d+\.\d+\.\d+\S*$/)
    })

    it('#38 gives every session another name', async () => {
      const peers = await Promise.all([stage.open(), stage.open(), stage.open()])
      const answers = await Promise.all(peers.map((peer) => peer.stompConnect()))
      expect(new Set(answers.map(({ headers }) => headers.get('session'))).size).toBe(3)
    })

    it.each(VERSIONS)('#31 may be spelled STOMP in %s', async (version) => {
      const peer = await stage.open()
      peer.send(frameText('STOMP', { 'accept-version': version, host: 'localhost' }))
      await peer.expect('CONNECTED', { version })
      await stage.fence(peer)
    })

    it('#33 without accept-version begins a 1.0 session', async () => {
      const peer = await stage.open()
      await peer.stompConnect({})
      // 1.0 knows no escapes, no NACK, and needs no id
      peer.send(frameText('SUBSCRIBE', { destination: `/topic/${unique()}`, receipt: 'a\\tb' }))
      await peer.receipt('a\\tb')
      peer.send(frameText('NACK', { 'message-id': '1' }))
      await expectError(peer, 'unknown-command')
    })

    it.each<[string, Version]>([
      ['1.0,1.1,2.0', '1.1'],
      ['2.0,1.1,1.0', '1.1'],
      ['1.2,1.1,1.0', '1.2'],
      ['1.0,1.1,1.2', '1.2'],
      ['1.1,1.0', '1.1'],
      ['1.2,1.0', '1.2'],
      ['1.3,x,1.0', '1.0'],
      ['1.0, 1.1', '1.1'],
    ])('#34 with accept-version %s begins a session of %s', async (acceptVersion, version) => {
      const peer = await stage.open()
      const { headers } = await peer.stompConnect({ 'accept-version': acceptVersion })
      expect(headers.get('version')).toBe(version)
    })

    it('#17 #34 goes by the first of two accept-version headers', async () => {
      const peer = await stage.open()
      peer.send('CONNECT\naccept-version:1.1\naccept-version:1.2\n\n\0')
      await peer.expect('CONNECTED', { version: '1.1' })
      peer.send(frameText('BEGIN', { transaction: 'a\\rb' }))
      await expectError(peer, 'bad-escape')
    })

    it.each(['2.0', '1.3,3', '', '12', 'v1.2'])(
      '#35 #40 with accept-version "%s" is refused',
      async (acceptVersion) => {
        const peer = await stage.open()
        peer.send(frameText('CONNECT', { 'accept-version': acceptVersion, host: 'localhost' }))
        const error = await expectError(peer, 'unsupported-version')
        expect(error.headers.get('version')).toBe('1.0,1.1,1.2')
        expect(error.headers.get('content-type')).toMatch(/^text\/plain/)
        for (const version of VERSIONS) expect(bodyText(error)).toContain(version)
      },
    )

    it.each(VERSIONS)('#39 is accepted without host in %s', async (version) => {
      const peer = await stage.open()
      await peer.stompConnect({ 'accept-version': version })
      await stage.fence(peer)
    })

    it('#39 is accepted with any host', async () => {
      const peer = await stage.open()
      await peer.stompConnect({ 'accept-version': '1.2', host: 'no-such-host.example.org' })
      await stage.fence(peer)
    })

    it('#41 may carry login and passcode, which no log shows, whatever happens', async () => {
      const secret = `secret-${unique()}`
      const credentials = { login: 'somebody', passcode: secret }
      const lines = Object.entries(credentials).map(([name, value]) => `${name}:${value}\n`)
      await stage.connect('1.2', credentials)
      for (const [input, code] of [
        [frameText('CONNECT', { 'accept-version': '9.9', ...credentials }), 'unsupported-version'],
        [frameText('CONNECT', { 'accept-version': '1.2', 'heart-beat': secret, ...credentials }), 'bad-heart-beat'],
        [`CONNECT\n${lines.join('')}${secret}\n\n\0`, 'bad-header'],
        [frameText('CONNECT', { 'accept-version': '1.2', ...credentials }, secret), 'body-not-allowed'],
      ] as const) {
        const peer = await stage.open()
        peer.send(input)
        await expectError(peer, code)
        expect(peer.text).not.toContain(secret)
      }
      const marker = unique()
      const last = await stage.connect()
      last.send(frameText(marker))
      await expectError(last, 'unknown-command')
      await stage.bridge.waitForLog((record) => JSON.stringify(record).includes(marker))
      expect(stage.bridge.stdout()).not.toContain(secret)
      expect(stage.bridge.stderr()).not.toContain(secret)
    })

    it.each(['CONNECT', 'STOMP'])('#42 a second time, as %s, is an error', async (command) => {
      for (const version of VERSIONS) {
        const peer = await stage.connect(version)
        peer.send(frameText(command, { 'accept-version': version, host: 'localhost' }))
        await expectError(peer, 'already-connected')
      }
    })

    it.each(VERSIONS)('#43 #98 gets no RECEIPT in %s', async (version) => {
      const peer = await stage.connect(version, { receipt: 'connect' })
      await stage.fence(peer)
    })

    it('#20 #28 keeps colons and backslashes of its headers as they are', async () => {
      for (const version of VERSIONS) {
        const peer = await stage.connect(version, { login: 'a:b\\tc\\', passcode: '\\' })
        await stage.fence(peer)
      }
    })

    it('#28 CONNECTED is not escaped', async () => {
      const peer = await stage.connect()
      expect(peer.text).toMatch(/^CONNECTED\n/)
      expect(peer.text).not.toContain('\\')
    })

    it('#3 may come with CR LF', async () => {
      for (const version of VERSIONS) {
        const peer = await stage.open()
        peer.send(`CONNECT\r\naccept-version:${version}\r\nhost:localhost\r\n\r\n\0`)
        await peer.expect('CONNECTED', { version })
        await stage.fence(peer)
      }
    })

    it('#5 may follow EOLs', async () => {
      const peer = await stage.open()
      peer.send('\n\r\n\n')
      await peer.stompConnect()
    })

    it.each(['SEND', 'SUBSCRIBE', 'UNSUBSCRIBE', 'ACK', 'NACK', 'BEGIN', 'COMMIT', 'ABORT', 'DISCONNECT', 'NONSENSE'])(
      '#32 must come first, not %s',
      async (command) => {
        const peer = await stage.open()
        peer.send(frameText(command, { destination: '/topic/x', id: '1', transaction: '1', receipt: 'r1' }))
        await expectError(peer, 'connect-required', { receipt: 'r1' })
      },
    )

    it('#1 #32 is not connect', async () => {
      for (const command of ['connect', 'Connect', 'stomp']) {
        const peer = await stage.open()
        peer.send(frameText(command, { 'accept-version': '1.2' }))
        await expectError(peer, 'connect-required')
      }
    })

    it('#10 must not have a body', async () => {
      const peer = await stage.open()
      peer.send(frameText('CONNECT', { 'accept-version': '1.2' }, 'body'))
      await expectError(peer, 'body-not-allowed')
    })

    it.each([
      ['a first frame of another kind', 'SEND\nreceipt:a:b\\c\n\n\0'],
      ['an unknown first command', 'SE\\ND:X\n\n\0'],
      ['a version', 'CONNECT\naccept-version:9:\\n\n\n\0'],
      ['a heart-beat', 'CONNECT\naccept-version:1.2\nheart-beat:a:b\\,\n\n\0'],
      ['a header line', 'CONNECT\nhost\\\n\n\0'],
      ['a content-length', 'CONNECT\ncontent-length:\\:1\n\n\0'],
    ])('#29 #40 is refused for %s in headers that need no escaping', async (_what, input) => {
      const peer = await stage.open()
      peer.send(input)
      await peer.expect('ERROR')
      const [head = ''] = peer.text.split('\n\n')
      const lines = head.split('\n').slice(1)
      expect(lines.length).toBeGreaterThanOrEqual(2)
      for (const line of lines) expect(line).toMatch(/^[^:\\\r]+:[^:\\\r]*$/)
      await peer.closed
      expect(peer.afterError).toBe(0)
    })

    it('#44 #119 and everything up to DISCONNECT may come at once', async () => {
      for (const version of VERSIONS) {
        const channel = unique()
        const ear = await stage.listen(`app:${channel}`)
        const peer = await stage.open()
        peer.send(
          frameText('CONNECT', { 'accept-version': version }) +
            frameText('SEND', { destination: `/app/${channel}`, receipt: '1' }, 'fast') +
            frameText('DISCONNECT', { receipt: '2' }),
        )
        await peer.expect('CONNECTED', { version })
        await peer.receipt('1')
        await peer.receipt('2')
        expect(await ear.next()).toBe('"fast"')
      }
    })

    it('#30 what comes at once with it is read by the rules of the version agreed', async () => {
      const peer = await stage.open()
      peer.send(
        frameText('CONNECT', { 'accept-version': '1.1,1.2' }) +
          frameText('BEGIN', { transaction: 't', receipt: 'a\\rb' }),
      )
      await peer.expect('CONNECTED', { version: '1.2' })
      await peer.receipt('a\rb')
      const older = await stage.open()
      older.send(
        frameText('CONNECT', { 'accept-version': '1.1' }) + frameText('BEGIN', { transaction: 't', receipt: 'a\\rb' }),
      )
      await older.expect('CONNECTED', { version: '1.1' })
      await expectError(older, 'bad-escape')
    })

    it('#44 and a disconnect at once, a hundred times, leave nothing behind', async () => {
      const before = await stage.metric('sessions')
      const connect = frameText('CONNECT', { 'accept-version': '1.2' })
      await Promise.all(
        Array.from({ length: 100 }, async (_none, i) => {
          const peer = await stage.open()
          if (i % 4 === 0) peer.send(connect + frameText('DISCONNECT'))
          else if (i % 4 === 1) peer.send(connect)
          else if (i % 4 === 2) peer.send(connect.slice(0, i % connect.length))
          if (i % 4 > 0 && i % 8 < 4) await peer.abort()
          else if (i % 4 > 0) peer.close()
          await peer.closed
        }),
      )
      await waitFor(async () => (await stage.metric('sessions')) <= before)
      await stage.fence(await stage.connect())
    })
  })
}

export function connectTimeouts(stage: Stage): void {
  /** Opens a connection, does something else than CONNECT, and expects to be refused in time. */
  const timeOut = async (useUp: (peer: StompPeer) => void) => {
    const openedAt = performance.now()
    const peer = await stage.open()
    const timer = setInterval(() => peer.isClosed || useUp(peer), 100)
    try {
      await expectError(peer, 'connect-timeout')
      const tookMs = (await peer.closed).atMs - openedAt
      expect(tookMs).toBeGreaterThanOrEqual(TIMES.connectTimeoutMs)
      expect(tookMs).toBeLessThan(3 * TIMES.connectTimeoutMs)
    } finally {
      clearInterval(timer)
    }
  }

  describe('CONNECT timeout', () =>
    together((it) => {
      it('#32 #40 ends a connection on which nothing comes', () => timeOut(() => {}))
      it('#32 #40 ends a connection on which CONNECT never ends', () => timeOut((peer) => peer.send('C')))
      it('#5 #32 #40 is not put off by EOLs', () => timeOut((peer) => peer.send('\n')))
    }))
}
