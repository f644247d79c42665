/**
 * Clients that are many: each follows one destination by STOMP, JSON frames or events, remembers where it was as the
 * contract says, and hands over what comes. Light, so that thousands fit into one process; text only.
 */
import { createParser } from 'eventsource-parser'
import WebSocket from 'ws'
import type { Place } from './stage.ts'

/** Where a follower was. */
export interface Known extends Place {
  /** Of the last event, where it reads events: it says it all. */
  readonly id?: string | undefined
}

export interface Came extends Known {
  readonly body: string
}

/** What a marker has said. */
export interface Told extends Known {
  readonly count: number
  readonly recovered: boolean | undefined
  readonly missed: number | undefined
}

export interface FollowerEvents {
  onMessage(message: Came): void
  onMarker(marker: Told): void
  /** It has the marker, and its subscription was confirmed where the protocol does that. */
  onLive?(): void
  /** The connection is gone, whoever ended it, or could not be made. Once. */
  onGone(reason: string): void
}

export interface Link {
  /** Ends it without a word. */
  cut(): void
}

export const DOORS = ['stomp', 'raw', 'sse'] as const
export type DoorName = (typeof DOORS)[number]

/** Connects and subscribes; `place`: from there on, otherwise from now on, or without asking. `wsUrl` and so on are of any bridge. */
export function follow(
  door: DoorName,
  url: string,
  destination: string,
  place: Known | 'nothing' | undefined,
  events: FollowerEvents,
): Link {
  return { stomp: followStomp, raw: followRaw, sse: followSse }[door](url, destination, place, events)
}

/** One frame of STOMP as text. */
export interface TextFrame {
  readonly command: string
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

/** Frames in one WebSocket message. The bodies here have no NUL. */
export function framesIn(text: string): TextFrame[] {
  const frames: TextFrame[] = []
  for (const part of text.split('\0')) {
    const frame = part.replace(/^\n+/, '')
    if (frame === '') continue
    const end = frame.indexOf('\n\n')
    const [command = '', ...lines] = frame.slice(0, end).split('\n')
    const headers = new Map<string, string>()
    for (const line of lines) {
      const colon = line.indexOf(':')
      const name = line.slice(0, colon)
      if (!headers.has(name)) headers.set(name, line.slice(colon + 1).replaceAll('\\c', ':'))
    }
    frames.push({ command, headers, body: frame.slice(end + 2) })
  }
  return frames
}

/** A connection with STOMP, after CONNECTED; `onGone` is called once. */
export function openStomp(
  url: string,
  onFrame: (frame: TextFrame, send: (text: string) => void) => void,
  onGone: (reason: string) => void,
): Link {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/stomp`, { perMessageDeflate: false })
  const gone = once(onGone)
  const send = (text: string): void => socket.send(text)
  socket.on('open', () => send('CONNECT\naccept-version:1.2\nheart-beat:0,0\n\n\0'))
  socket.on('message', (data: Buffer) => {
    for (const frame of framesIn(data.toString())) onFrame(frame, send)
  })
  socket.on('error', (error) => gone(error.message))
  socket.on('close', (code) => gone(`closed with ${code}`))
  return { cut: () => socket.terminate() }
}

export function askHeaders(place: Place | 'nothing' | undefined): string {
  if (place === 'nothing') return ''
  return place ? `since:${place.offset}\nepoch:${place.epoch}\n` : 'last:0\n'
}

function followStomp(
  url: string,
  destination: string,
  place: Place | 'nothing' | undefined,
  events: FollowerEvents,
): Link {
  return openStomp(
    url,
    ({ command, headers, body }, send) => {
      if (command === 'CONNECTED') {
        send(`SUBSCRIBE\nid:0\ndestination:${destination}\nreceipt:live\n${askHeaders(place)}\n\0`)
      } else if (command === 'RECEIPT') events.onLive?.()
      else if (command === 'ERROR') events.onGone(`ERROR ${headers.get('code')}`)
      else if (headers.get('event') === 'position') {
        const recovered = headers.get('recovered')
        events.onMarker({
          offset: headers.get('offset')!,
          epoch: headers.get('epoch')!,
          count: Number(headers.get('count')),
          recovered: recovered === undefined ? undefined : recovered === 'true',
          missed: headers.has('missed') ? Number(headers.get('missed')) : undefined,
        })
      } else events.onMessage({ body, offset: headers.get('offset')!, epoch: headers.get('epoch')! })
    },
    once(events.onGone),
  )
}

function queryOf(place: Place | 'nothing' | undefined): string {
  if (place === 'nothing') return ''
  return place ? `since=${place.offset}&epoch=${encodeURIComponent(place.epoch)}` : 'last=0'
}

interface JsonFrame extends Told {
  readonly event?: string
  readonly headers: Record<string, string>
  readonly body: string
}

function followRaw(
  url: string,
  destination: string,
  place: Place | 'nothing' | undefined,
  events: FollowerEvents,
): Link {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/raw${destination}?frame=json&${queryOf(place)}`, {
    perMessageDeflate: false,
  })
  const gone = once(events.onGone)
  socket.on('message', (data: Buffer) => {
    const frame = JSON.parse(data.toString()) as JsonFrame
    if (frame.event === 'position') {
      events.onMarker(frame)
      events.onLive?.()
    } else events.onMessage({ body: frame.body, offset: frame.headers['offset']!, epoch: frame.headers['epoch']! })
  })
  socket.on('error', (error) => gone(error.message))
  socket.on('close', (code) => gone(`closed with ${code}`))
  return { cut: () => socket.terminate() }
}

function followSse(
  url: string,
  destination: string,
  place: Known | 'nothing' | undefined,
  events: FollowerEvents,
): Link {
  const abort = new AbortController()
  const gone = once(events.onGone)
  const query = queryOf(place)
  const id = place === 'nothing' ? undefined : place?.id
  const headers: Record<string, string> = id === undefined ? {} : { 'last-event-id': id }
  const read = async (): Promise<void> => {
    const response = await fetch(`${url}/sse${destination}?${query}`, { signal: abort.signal, headers })
    if (response.status !== 200) throw new Error(`status ${response.status}`)
    const parser = createParser({
      onEvent: ({ event, data, id = '' }) => {
        if (event === 'position') {
          events.onMarker({ ...(JSON.parse(data) as Told), id })
          events.onLive?.()
        } else if (event === 'message') {
          // Opaque to readers; here it shows the order too.
          const [offset = '', epoch = ''] = id.split('@')
          events.onMessage({ body: data, offset, epoch, id })
        }
      },
    })
    const decoder = new TextDecoder()
    for await (const chunk of response.body!) parser.feed(decoder.decode(chunk as Uint8Array, { stream: true }))
  }
  read().then(
    () => gone('the stream ended'),
    (error: unknown) => gone(String(error)),
  )
  return { cut: () => abort.abort() }
}

function once(call: (reason: string) => void): (reason: string) => void {
  let isDone = false
  return (reason) => {
    if (!isDone) call(reason)
    isDone = true
  }
}
