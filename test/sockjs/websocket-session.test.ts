import { describe, expect, it } from 'vitest'
import { SLOT_MS, SockJsStage } from './stage.ts'

const open = () => {
  const stage = new SockJsStage()
  const client = stage.webSocket()
  return { stage, client, speaker: stage.speakers[0]! }
}

describe('a session over a WebSocket', () => {
  it('begins with the open frame', () => {
    const { client, speaker } = open()
    expect(client.socket.sent).toEqual(['o'])
    expect(speaker.socket).toMatchObject({ transport: 'sockjs-websocket', remoteAddress: '192.0.2.7' })
  })

  it('packs what is sent, and what is sent at once into one frame', () => {
    const { client, speaker } = open()
    speaker.socket.send('a"\n')
    speaker.socket.sendAll(['b', new TextEncoder().encode('ž')])
    expect(client.socket.sent.slice(1)).toEqual(['a["a\\"\\n"]', 'a["b","ž"]'])
  })

  it('unpacks what comes, text as its bytes too, and ignores what is empty', () => {
    const { client, speaker } = open()
    client.send('')
    client.send('["a","b"]')
    client.send(new TextEncoder().encode('["ž"]'))
    client.send('[]')
    client.send('"c"')
    expect(speaker.received.join('|')).toBe('ab|ž|c')
  })

  it('ends without a frame when what comes is no payload, and reads nothing more', () => {
    const { client, speaker } = open()
    client.send('["a')
    client.send('["b"]')
    speaker.socket.send('late')
    speaker.socket.close(1001, 'late')
    expect(client.socket.sent).toEqual(['o'])
    expect(client.socket.closes).toEqual([{ code: 1002, reason: 'Broken JSON encoding.' }])
    expect(speaker.received).toEqual([])
    client.close(1002)
    expect(speaker.closings).toEqual([[1002, '']])
  })

  it('has a heart-beat every 25 s, and none when it is over', () => {
    const { stage, client, speaker } = open()
    stage.clock.advance(24_900)
    expect(client.socket.sent).toEqual(['o'])
    stage.clock.advance(100 + SLOT_MS)
    expect(client.socket.sent).toEqual(['o', 'h'])
    stage.clock.advance(25_000 + SLOT_MS)
    expect(client.socket.sent).toEqual(['o', 'h', 'h'])
    speaker.socket.close(1000, '')
    stage.clock.advance(60_000)
    expect(client.socket.sent).toEqual(['o', 'h', 'h', 'c[1000,""]'])
    client.close()
    expect(stage.clock.pending).toBe(0)
  })

  it('says why it is closed, and closes the WebSocket with the same', () => {
    const { client, speaker } = open()
    speaker.socket.close(1001, 'Going "away"')
    speaker.socket.close(1002, 'again')
    expect(client.socket.sent).toEqual(['o', 'c[1001,"Going \\"away\\""]'])
    expect(client.socket.closes).toEqual([{ code: 1001, reason: 'Going "away"' }])
  })

  it('passes on what is below it: pauses, pings, what is unsent, groups, the end', () => {
    const { stage, client, speaker } = open()
    const { socket } = speaker
    socket.pause()
    expect(client.socket.isPaused).toBe(true)
    socket.resume()
    expect(client.socket.isPaused).toBe(false)
    socket.ping()
    client.pong()
    expect([client.socket.pings, speaker.pongs]).toEqual([1, 1])
    client.socket.bufferedBytes = 5
    client.socket.drains = 6
    expect([socket.bufferedBytes, socket.drains]).toEqual([5, 6])
    socket.join('g')
    socket.fanout.write('g', ['a', 'b'])
    expect(client.socket.sent).toEqual(['o', 'a["a","b"]'])
    expect(stage.network.websocket.written).toEqual([{ group: 'g', messages: ['a["a","b"]'] }])
    socket.leave('g')
    socket.sendBinary()
    socket.terminate()
    expect([client.socket.isBinary, client.socket.terminations]).toEqual([false, 1])
    client.end()
    client.close(1006)
    expect([speaker.ends, speaker.closings]).toEqual([1, [[1006, '']]])
  })

  it('shares its fan-out with the others over the same', () => {
    const stage = new SockJsStage()
    stage.webSocket()
    stage.webSocket()
    const [one, two] = stage.speakers
    expect(one!.socket.fanout).toBe(two!.socket.fanout)
  })
})
