import { describe, expect, it } from 'vitest'
import { encodeFrame, type FrameToEncode } from '../../frames/index.ts'
import { Connection } from '../../web-debugger/stomp/connection.ts'
import { createProfile, type Profile } from '../../web-debugger/stomp/profile.ts'
import { sockJsUrl } from '../../web-debugger/stomp/sockjs-socket.ts'
import { FakePage } from './fake-page.ts'

function start(profile: Partial<Profile> = {}) {
  const page = new FakePage()
  const given = { ...createProfile('http://localhost/stomp?x=1'), isSockJs: true, ...profile }
  const connection = new Connection('c', given, page)
  connection.connect()
  const notes = () =>
    Array.from({ length: connection.log.size }, (_, i) => connection.log.at(i)!)
      .filter(({ kind }) => kind === 'note')
      .map(({ raw }) => String(raw))
  return { page, connection, notes }
}

const connectedFrame: FrameToEncode = { command: 'CONNECTED', headers: [['version', '1.2']] }
const inFrame = (...messages: string[]) => `a${JSON.stringify(messages)}`

async function connected(profile: Partial<Profile> = {}) {
  const stage = start(profile)
  const { socket } = stage.page
  socket.open()
  socket.receive('o')
  await Promise.resolve()
  socket.receive(inFrame(encodeFrame(connectedFrame, undefined) as string))
  return { ...stage, socket }
}

describe('a connection with SockJS', () => {
  it('opens a session of its own below the URL, and offers no sub-protocol', () => {
    const { page, notes } = start({ subProtocol: 'custom', customSubProtocols: 'x' })
    expect(page.socket.url).toMatch(/^ws:\/\/localhost\/stomp\/\d{3}\/[a-z0-9]{8,}\/websocket\?x=1$/)
    expect(page.socket.protocols).toEqual([])
    expect(notes()).toEqual(['Opening ws://localhost/stomp?x=1 with SockJS'])
    const values = [0.5, 0.1, 0.2]
    expect(sockJsUrl('ws://h/', () => values.shift()!)).toMatch(/^ws:\/\/h\/500\/[a-z0-9]+\/websocket$/)
  })

  it('is open with the open frame, and speaks STOMP in frames', async () => {
    const { page, connection } = start()
    page.socket.open()
    await Promise.resolve()
    expect(page.socket.sent).toEqual([])
    page.socket.receive('o')
    await Promise.resolve()
    expect(JSON.parse(page.socket.sent[0] as string)).toEqual([expect.stringMatching(/^CONNECT\n/)])
    page.socket.receive('h')
    page.socket.receive(inFrame(encodeFrame(connectedFrame, undefined) as string))
    expect(connection.state.value).toBe('connected')
    page.socket.receive('nonsense')
    page.socket.receive('a{"no":"array"}')
    expect(connection.state.value).toBe('connected')
  })

  it('is told why it was closed, also where the WebSocket does not say it', async () => {
    const { socket, connection, notes } = await connected({ isReconnecting: false })
    socket.receive('c[1008,"Login was refused"]')
    socket.end(1006)
    expect(connection.state.value).toBe('closed')
    expect(notes().at(-1)).toBe('Closed: Login was refused (code 1008)')
  })

  it('sends raw text in frames, and nothing that is no text', async () => {
    const { page, connection, notes } = start({ mode: 'raw' })
    page.socket.open()
    page.socket.receive('o')
    expect(connection.state.value).toBe('connected')
    expect(connection.sendRaw('"hi"\n')).toBe(true)
    expect(connection.sendRaw(new TextEncoder().encode('ž'))).toBe(true)
    expect(connection.sendRaw(Uint8Array.of(0, 255))).toBe(false)
    expect(page.socket.sent).toEqual(['["\\"hi\\"\\n"]', '["ž"]'])
    expect(notes().at(-1)).toBe('Not sent: SockJS carries text only, and this is no UTF-8')
    await Promise.resolve()
  })
})
