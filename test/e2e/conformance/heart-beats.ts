/** Heart-beats both ways, on a bridge with short intervals. */
import { describe, expect } from 'vitest'
import { VERSIONS } from '../../../frames/index.ts'
import { frameText, type StompPeer } from '../../support/stomp-peer.ts'
import { waitFor } from '../../support/wait.ts'
import { expectError, TIMES, unique, type Stage } from './stage.ts'
import { together } from './together.ts'

const { outgoingMs, incomingMs, toleranceFactor } = TIMES
const PATIENCE_MS = incomingMs * toleranceFactor
const ESCAPING = VERSIONS.filter((version) => version !== '1.0')
const MALFORMED = [
  '',
  'x',
  '1',
  '1,',
  ',1',
  ',',
  '1,2,3',
  '-1,0',
  '0,-1',
  '1.5,0',
  '1e3,0',
  '0x1,0',
  'a,b',
  '1;2',
  '∞,0',
]

/** Does something over and over until the other thing is done. */
async function meanwhile<T>(everyMs: number, repeat: () => void, done: Promise<T>): Promise<T> {
  const timer = setInterval(repeat, everyMs)
  return done.finally(() => clearInterval(timer))
}

export function heartBeats(stage: Stage): void {
  /** Some time, counted by the beats that the bridge sends to somebody else. */
  const severalIntervals = async (): Promise<void> => {
    const clock = await stage.connect('1.2', { 'heart-beat': '0,1' })
    await clock.beats(Math.ceil((3 * PATIENCE_MS) / outgoingMs) + 1)
  }

  describe('heart-beat', () =>
    together((it) => {
      for (const value of MALFORMED) {
        it(`#46 "${value}" is refused`, async () => {
          const peer = await stage.open()
          peer.send(frameText('CONNECT', { 'accept-version': '1.2', 'heart-beat': value }))
          await expectError(peer, 'bad-heart-beat')
        })
      }

      for (const value of ['00,007', '4294967296,99999999999999999999']) {
        it(`#46 "${value}" is taken`, async () => {
          await stage.fence(await stage.connect('1.2', { 'heart-beat': value }))
        })
      }

      for (const version of ESCAPING) {
        it(`#46 #48 is offered in CONNECTED in ${version}, asked for or not`, async () => {
          for (const headers of [{}, { 'heart-beat': '0,0' }, { 'heart-beat': '10000,10000' }]) {
            const peer = await stage.open()
            peer.send(frameText('CONNECT', { 'accept-version': version, ...headers }))
            await peer.expect('CONNECTED', { 'heart-beat': `${outgoingMs},${incomingMs}` })
          }
        })
      }

      for (const [who, version, headers] of [
        ['a client that says nothing', '1.2', {}],
        ['a client that says nothing', '1.1', {}],
        ['a client that says 0,0', '1.2', { 'heart-beat': '0,0' }],
        ['a client that says 0,0', '1.1', { 'heart-beat': '0,0' }],
        ['a client that knows none, whatever it says', '1.0', { 'heart-beat': '100,100' }],
      ] as const) {
        it(`#47 #49 #50 binds neither side for ${who} in ${version}`, async () => {
          const peer = await stage.connect(version, headers)
          await severalIntervals()
          expect(peer.heartBeats).toHaveLength(0)
          await stage.fence(peer)
        })
      }

      for (const version of ESCAPING) {
        it(`#50 #51 #52 comes at least every interval agreed in ${version}`, async () => {
          const peer = await stage.open()
          const startedAt = performance.now()
          await peer.stompConnect({ 'accept-version': version, 'heart-beat': '0,100' })
          const count = 5
          await peer.beats(count)
          // On the whole, so that one pause of this machine is no failure: each has a quarter of its interval to spare.
          expect(peer.heartBeats[count - 1]! - startedAt).toBeLessThanOrEqual(count * outgoingMs)
          expect(peer.frames).toHaveLength(1)
          expect(peer.text.replace(/^.*\0/s, '')).toMatch(/^\n+$/)
          // On a WebSocket each is a text message of its own, the only form in which older clients know it.
          if (stage.isWebSocket) expect(peer.messages.slice(1)).toEqual(peer.heartBeats.map(() => '\n'))
        })
      }

      it('#50 is as rare as the client wishes', async () => {
        const peer = await stage.connect('1.2', { 'heart-beat': `0,${4 * outgoingMs}` })
        const connectedAt = performance.now()
        await peer.beats(1)
        expect(peer.heartBeats[0]! - connectedAt).toBeGreaterThan(2 * outgoingMs)
        expect(peer.heartBeats[0]! - connectedAt).toBeLessThanOrEqual(4 * outgoingMs)
      })

      it('#50 does not come to a client that wants none, though it sends some', async () => {
        const peer = await stage.connect('1.2', { 'heart-beat': '100,0' })
        await meanwhile(100, () => peer.send('\n'), severalIntervals())
        expect(peer.heartBeats).toHaveLength(0)
        await stage.fence(peer)
      })

      it('#49 is not asked of a client that can send none, though it wants some', async () => {
        const peer = await stage.connect('1.2', { 'heart-beat': '0,100' })
        await severalIntervals()
        await stage.fence(peer)
      })

      for (const version of ESCAPING) {
        it(`#49 #54 #55 a client that is silent too long is closed in ${version}`, async () => {
          const peer = await stage.open()
          const startedAt = performance.now()
          await peer.stompConnect({ 'accept-version': version, 'heart-beat': '1,0' })
          await expectError(peer, 'heart-beat-timeout')
          const tookMs = (await peer.closed).atMs - startedAt
          expect(tookMs).toBeGreaterThanOrEqual(PATIENCE_MS)
          expect(tookMs).toBeLessThan(3 * PATIENCE_MS)
        })
      }

      it('#49 #54 a client that promised less often has longer', async () => {
        const cxMs = 2 * incomingMs
        const peer = await stage.open()
        const startedAt = performance.now()
        await peer.stompConnect({ 'accept-version': '1.2', 'heart-beat': `${cxMs},0` })
        await expectError(peer, 'heart-beat-timeout')
        expect((await peer.closed).atMs - startedAt).toBeGreaterThanOrEqual(cxMs * toleranceFactor)
      })

      it('#55 #115 what a silent client had is released', async () => {
        const peer = await stage.connect('1.2', { 'heart-beat': '1,0' })
        await stage.subscribe(peer, '/topic/greetings', { id: '1' })
        expect(await stage.listeners('GREETING_CHANNEL_INBOUND')).toBe(1)
        await expectError(peer, 'heart-beat-timeout')
        await waitFor(async () => (await stage.listeners('GREETING_CHANNEL_INBOUND')) === 0)
      })

      for (const [what, sendSome] of [
        ['LFs', (peer) => peer.send('\n')],
        ['CR LFs', (peer) => peer.send('\r\n')],
        ['binary LFs', (peer) => peer.send(Uint8Array.of(10))],
        ['frames', (peer) => peer.send(frameText('UNSUBSCRIBE', { id: 'none' }))],
        ['the bytes of one frame', (peer, turn) => peer.send('SEND\nx:'.charAt(turn) || 'x')],
      ] satisfies [string, (peer: StompPeer, turn: number) => void][]) {
        it(`#5 #49 #53 a client that sends nothing but ${what} lives on`, async () => {
          const peer = await stage.connect('1.2', { 'heart-beat': '100,0' })
          let turn = 0
          await meanwhile(100, () => sendSome(peer, turn++), severalIntervals())
          expect(peer.isClosed).toBe(false)
          expect(peer.frames).toHaveLength(1)
        })
      }

      it('#51 #53 goes on beside messages', async () => {
        const destination = `/topic/${unique()}`
        const peer = await stage.connect('1.2', { 'heart-beat': '0,100' })
        await stage.subscribe(peer, destination, { id: '1' })
        const sender = await stage.connect()
        const before = peer.messages.length
        await meanwhile(50, () => sender.send(frameText('SEND', { destination }, 'x')), severalIntervals())
        // A message counts as a beat, so none is needed beside them; but something has come in every interval.
        expect(peer.messages.length - before).toBeGreaterThanOrEqual(Math.floor((3 * PATIENCE_MS) / outgoingMs))
        expect(peer.isClosed).toBe(false)
      })

      if (!stage.isWebSocket) return

      it('#56 a client that only pings is closed as silent', async () => {
        const peer = await stage.connect('1.2', { 'heart-beat': '100,0' })
        await meanwhile(100, () => peer.ping(), expectError(peer, 'heart-beat-timeout'))
      })
    }))
}
