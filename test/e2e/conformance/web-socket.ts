/** What is special about WebSocket: sub-protocols, message borders, text and binary, close codes. */
import { Buffer } from 'node:buffer'
import { request } from 'node:http'
import { describe, expect, it } from 'vitest'
import { VERSIONS, type Version } from '../../../frames/index.ts'
import { frameText, type StompPeer } from '../../support/stomp-peer.ts'
import { expectError, expectMessage, unique, type Stage } from './stage.ts'

interface Handshake {
  readonly status: number | undefined
  /** Undefined if the header is not there. */
  readonly protocol: string | undefined
}

/** Only the handshake: a client library hides what it does not like. */
function handshake(url: string, offered: string | readonly string[] | undefined): Promise<Handshake> {
  return new Promise((resolve, reject) => {
    const headers = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      ...(offered === undefined ? {} : { 'sec-websocket-protocol': offered }),
    }
    const upgrade = request(url.replace(/^ws/, 'http'), { headers: headers as Record<string, string | string[]> })
    upgrade.on('upgrade', (response, socket) => {
      socket.destroy()
      resolve({ status: response.statusCode, protocol: response.headers['sec-websocket-protocol'] })
    })
    upgrade.on('response', (response) => {
      response.resume()
      resolve({ status: response.statusCode, protocol: response.headers['sec-websocket-protocol'] })
    })
    upgrade.on('error', reject)
    upgrade.end()
  })
}

export function webSocketBinding(stage: Stage): void {
  describe('sub-protocol', () => {
    it.each<[offered: string | readonly string[] | undefined, answered: string | undefined]>([
      ['v12.stomp, v11.stomp, v10.stomp', 'v12.stomp'],
      ['v12.stomp,v11.stomp,v10.stomp', 'v12.stomp'],
      ['v10.stomp, v11.stomp, v12.stomp', 'v12.stomp'],
      ['v11.stomp', 'v11.stomp'],
      ['V12.STOMP', 'V12.STOMP'],
      ['mqtt, v11.stomp', 'v11.stomp'],
      [['mqtt', 'v12.stomp'], 'v12.stomp'],
      [undefined, undefined],
      ['mqtt', undefined],
      ['mqtt, graphql-ws', undefined],
      ['stomp', undefined],
      ['v12.stompx', undefined],
    ])('#118 %j is answered by %s', async (offered, answered) => {
      expect(await handshake(stage.bridge.wsUrl, offered)).toEqual({ status: 101, protocol: answered })
    })

    it.each<readonly [readonly string[], Version]>([
      [['v12.stomp', 'v11.stomp', 'v10.stomp'], '1.2'],
      [['v10.stomp'], '1.2'],
      [['v12.stomp'], '1.0'],
      [['v11.stomp', 'v12.stomp'], '1.1'],
      [[], '1.2'],
    ])('#45 %j does not decide: the headers of CONNECT agree on %s', async (protocols, version) => {
      const peer = await stage.open({ protocols })
      expect(protocols.length === 0 ? [''] : protocols).toContain(peer.protocol)
      await peer.stompConnect({ 'accept-version': version })
      await stage.fence(peer)
      expect(peer.frames[0]!.headers.get('version')).toBe(version)
    })

    it('#118 that is unknown does not keep a client out', async () => {
      const peer = await stage.open({ headers: { 'Sec-WebSocket-Protocol': 'mqtt' } })
      expect(peer.protocol).toBe('')
      await peer.stompConnect()
      await stage.fence(peer)
    })
  })

  describe('WebSocket message', () => {
    /** A session as bytes, and what has to come of it. */
    const session = (version: Version) => {
      const name = unique()
      const eol = version === '1.2' ? '\r\n' : '\n'
      const text =
        `CONNECT\r\naccept-version:${version}\r\n\r\n\0\n` +
        `SUBSCRIBE${eol}destination:/topic/${name}${eol}id:1${eol}receipt:ü${eol}${eol}\0` +
        `SEND${eol}destination:/topic/${name}${eol}content-length:9${eol}${eol}€\0😀\n\0${eol}` +
        `DISCONNECT${eol}receipt:2${eol}${eol}\0`
      const check = async (peer: StompPeer) => {
        await peer.expect('CONNECTED', { version })
        await peer.receipt('ü')
        // DISCONNECT does not wait for what the bus brings back.
        let frame = await peer.frame()
        if (frame.command === 'MESSAGE') {
          expect(Buffer.from(frame.body).toString()).toBe('€\0😀\n')
          frame = await peer.frame()
        }
        expect(frame.headers.get('receipt-id')).toBe('2')
        peer.terminate()
      }
      return { bytes: Buffer.from(text), check }
    }

    it.each(VERSIONS)(
      '#119 #120 may end at every octet of a session in %s, inside a character too',
      async (version) => {
        const { length } = session(version).bytes
        const offsets = Array.from({ length: length - 1 }, (_none, i) => i + 1)
        const batch = 40 // connections at a time
        for (let from = 0; from < offsets.length; from += batch) {
          await Promise.all(
            offsets.slice(from, from + batch).map(async (offset) => {
              const { bytes, check } = session(version)
              const peer = await stage.open()
              peer.send(bytes.subarray(0, offset))
              peer.send(bytes.subarray(offset))
              await check(peer)
            }),
          )
        }
      },
    )

    it.each(VERSIONS)('#119 may hold one octet, or one character, in %s', async (version) => {
      for (const isText of [false, true]) {
        const { bytes, check } = session(version)
        const peer = await stage.open()
        const pieces = isText ? [...bytes.toString()] : [...bytes].map((byte) => Uint8Array.of(byte))
        for (const piece of pieces) peer.send(piece)
        await check(peer)
      }
    })

    it('#119 may hold a whole session, or nothing', async () => {
      const { bytes, check } = session('1.2')
      const peer = await stage.open()
      peer.send('')
      peer.send(new Uint8Array(0))
      peer.send(bytes)
      await check(peer)
    })

    it('#119 may hold hundreds of frames', async () => {
      const name = unique()
      const ear = await stage.listen(`app:${name}`)
      const peer = await stage.connect()
      const count = 1000
      let text = ''
      for (let i = 0; i < count; i++)
        text += `${frameText('SEND', { destination: `/app/${name}`, receipt: `${i}` }, `${i}`)}\n`
      peer.send(text)
      for (let i = 0; i < count; i++) await peer.receipt(`${i}`)
      expect(await ear.waiting()).toBe(count)
    })

    it.each(VERSIONS)('#120 may be text or binary in turn, within a frame too, in %s', async (version) => {
      const { bytes, check } = session(version)
      const peer = await stage.open()
      // Text can be cut only between characters.
      const characters = [...bytes.toString()]
      for (let i = 0, turn = 0; i < characters.length; i += 7, turn++) {
        const piece = characters.slice(i, i + 7).join('')
        peer.send(turn % 2 === 0 ? piece : Buffer.from(piece))
      }
      await check(peer)
    })

    it.each(VERSIONS)('#119 may come in fragments in %s, which cut where they like', async (version) => {
      const { bytes, check } = session(version)
      const peer = await stage.open()
      const parts = []
      for (let i = 0; i < bytes.length; i += 5) parts.push(bytes.subarray(i, i + 5))
      peer.sendFragments(parts)
      await check(peer)
    })

    it('#120 that is binary may cut a character of a body anywhere', async () => {
      const destination = `/topic/${unique()}`
      const peer = await stage.watch('1.2', destination)
      const body = 'ü€😀'.repeat(20)
      const frame = Buffer.from(frameText('SEND', { destination, 'content-type': 'text/plain' }, body))
      const bodyStart = frame.indexOf('\n\n') + 2
      for (let cut = bodyStart; cut < bodyStart + 12; cut++) {
        peer.send(frame.subarray(0, cut))
        peer.send(frame.subarray(cut))
        await expectMessage(peer, body)
        expect(typeof peer.messages.at(-1)).toBe('string')
      }
    })

    it.each([
      ['stompjs 2.3.3', 16 * 1024],
      ['@stomp/stompjs with splitLargeFrames', 8 * 1024],
    ])('#119 may be a piece of a large frame, as %s cuts it', async (_client, size) => {
      const destination = `/topic/${unique()}`
      const peer = await stage.watch('1.1', destination)
      const body = Array.from({ length: 6000 }, (_none, i) => `${i} ü€;`)
        .join('')
        .slice(0, 40_000)
      const frame = frameText('SEND', { destination, 'content-length': `${Buffer.byteLength(body)}` }, body)
      for (let turn = 0; turn < 3; turn++) {
        for (let i = 0; i < frame.length; i += size) peer.send(frame.slice(i, i + size))
        await expectMessage(peer, body)
      }
    })

    it('#123 that is larger than any frames can be is closed with 1009', async () => {
      const peer = await stage.connect()
      peer.send('\n'.repeat(16 * 65_536 + 1))
      expect((await peer.closed).code).toBe(1009)
      expect(peer.frames).toHaveLength(1)
    })

    it('#119 may be as large as sixteen of the largest frames', async () => {
      const peer = await stage.connect()
      peer.send('\n'.repeat(16 * 65_536))
      await stage.fence(peer)
    })

    it('#104 #123 with a fault is answered by ERROR and close code 1002, and the code of the client is echoed else', async () => {
      const [bad, good] = await Promise.all([stage.connect(), stage.connect()])
      bad.send(frameText('NONSENSE'))
      await expectError(bad, 'unknown-command', { closeCode: 1002 })
      expect((await bad.closed).reason).toContain('NONSENSE')
      good.close(3210)
      expect((await good.closed).code).toBe(3210)
    })
  })
}
