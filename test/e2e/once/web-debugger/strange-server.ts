/**
 * A STOMP 1.2 server that does what a test wants of it: falls silent, closes at once, refuses as other servers do, or
 * speaks SockJS only.
 * Else it is as dull as can be: it confirms, and delivers nothing.
 */
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { WebSocketServer, type WebSocket } from 'ws'
import { decodeFrames, encodeFrame, HEART_BEAT, type Command, type Frame } from '../../../../frames/index.ts'
import { Inbox } from '../../../support/clients/inbox.ts'

export interface Refusal {
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** It does not close after the ERROR, though STOMP wants it. */
  readonly isOpenAfter?: boolean
}

export interface StrangeOptions {
  /** How often a heart-beat comes; 0 is never. */
  readonly heartBeatMs?: number
  /** Headers of CONNECTED, in place of the usual ones or beside them. */
  readonly connected?: Readonly<Record<string, string>>
  /** Returns what the ERROR says that the frame gets; undefined if it is welcome. */
  readonly refuse?: (frame: Frame) => Refusal | undefined
  /** As Spring has it at the path of an endpoint with SockJS: anything else is turned away. */
  readonly isSockJs?: boolean
  /** Is told when a session has begun. */
  readonly onSession?: (socket: WebSocket) => void
}

export interface StrangeServer {
  /** `127.0.0.1:PORT` */
  readonly host: string
  /** What clients said, heart-beats left out. */
  readonly received: Inbox<Frame>
  /** From now on nothing comes from it, nobody is told, and nobody new gets in. */
  fallSilent(): void
  /** It takes new connections again; the old ones stay silent. */
  recover(): void
}

/** Runs as long as the test. */
export async function startStrangeServer(options: StrangeOptions = {}): Promise<StrangeServer> {
  const { heartBeatMs = 0, connected, refuse = () => undefined, isSockJs = false, onSession } = options
  const received = new Inbox<Frame>('frame to the strange server')
  const silent = new WeakSet<WebSocket>()
  let isAway = false
  const server = new WebSocketServer({
    host: '127.0.0.1',
    port: 0,
    handleProtocols: () => 'v12.stomp',
    verifyClient: ({ req }: { req: IncomingMessage }) =>
      !isAway && (!isSockJs || /\/\d{3}\/\w+\/websocket$/.test(req.url ?? '')),
  })
  const beat = setInterval(
    () => {
      for (const client of server.clients) if (!silent.has(client)) client.send(HEART_BEAT)
    },
    heartBeatMs || 2 ** 30,
  )
  onTestFinished(() => {
    clearInterval(beat)
    for (const client of server.clients) client.terminate()
    server.close()
  })
  server.on('connection', (socket) => {
    const say = (command: Command, headers: Readonly<Record<string, string>>, body = '') => {
      const frame = encodeFrame({ command, headers: Object.entries(headers), body }, '1.2')
      socket.send(isSockJs ? `a${JSON.stringify([frame])}` : frame)
    }
    if (isSockJs) socket.send('o')
    const answer = (frame: Frame) => {
      const refusal = refuse(frame)
      const receipt = frame.headers.get('receipt')
      if (refusal) {
        say('ERROR', refusal.headers, refusal.body)
        if (!refusal.isOpenAfter) socket.close(1002)
      } else if (frame.command === 'CONNECT') {
        say('CONNECTED', { version: '1.2', 'heart-beat': `${heartBeatMs},0`, ...connected })
        onSession?.(socket)
      } else if (receipt !== undefined) say('RECEIPT', { 'receipt-id': receipt })
    }
    socket.on('message', (data: Buffer) => {
      const text = isSockJs ? (JSON.parse(data.toString()) as string[]).join('') : data
      for (const frame of decodeFrames(text, '1.2')) {
        received.put(frame)
        if (!silent.has(socket)) answer(frame)
      }
    })
  })
  await once(server, 'listening')
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    fallSilent: () => {
      isAway = true
      for (const client of server.clients) {
        silent.add(client)
        // Nor does it answer a close.
        client.pause()
      }
    },
    recover: () => {
      isAway = false
    },
  }
}
