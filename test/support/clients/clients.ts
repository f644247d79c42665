/** The clients that the end-to-end tests run: each as its users set it up, and in the other ways it can speak. */
import { Versions } from '@stomp/stompjs'
import type { StompClient } from './client.ts'
import { connectStompit } from './stompit.ts'
import { connectStompjs2 } from './stompjs2.ts'
import { connectStompjs7 } from './stompjs7.ts'
import { connectWebstomp } from './webstomp.ts'

/** Where a bridge is. */
export interface BridgePlace {
  readonly wsUrl: string
  readonly tcpPort: number | undefined
}

export interface ClientKind {
  readonly name: string
  readonly version: '1.0' | '1.1' | '1.2'
  readonly transport: 'websocket' | 'tcp'
  connect(place: BridgePlace): Promise<StompClient>
}

const websocket = 'websocket'

/** Each client as it comes. */
export const CLIENTS: readonly ClientKind[] = [
  { name: '@stomp/stompjs 7', version: '1.2', transport: websocket, connect: (place) => connectStompjs7(place) },
  { name: 'stompjs 2.3.3', version: '1.1', transport: websocket, connect: (place) => connectStompjs2(place) },
  { name: 'webstomp-client', version: '1.2', transport: websocket, connect: (place) => connectWebstomp(place) },
  { name: 'stompit over TCP', version: '1.2', transport: 'tcp', connect: (place) => connectStompit(place) },
]

/** The same clients, told to speak in another way. */
export const CLIENT_VARIANTS: readonly ClientKind[] = [
  {
    name: '@stomp/stompjs 7 with 1.1 and split frames',
    version: '1.1',
    transport: websocket,
    connect: (place) => connectStompjs7(place, { stompVersions: new Versions(['1.1']), splitLargeFrames: true }),
  },
  {
    name: '@stomp/stompjs 7 with 1.0 in binary messages',
    version: '1.0',
    transport: websocket,
    connect: (place) => connectStompjs7(place, { stompVersions: new Versions(['1.0']), forceBinaryWSFrames: true }),
  },
  {
    name: 'stompjs 2.3.3 with sub-protocols',
    version: '1.1',
    transport: websocket,
    connect: (place) => connectStompjs2(place, { protocols: ['v10.stomp', 'v11.stomp'] }),
  },
  {
    name: 'webstomp-client with 1.1 in binary messages',
    version: '1.1',
    transport: websocket,
    connect: (place) => connectWebstomp(place, { protocols: ['v11.stomp'], binary: true }),
  },
  {
    name: 'stompit over TCP with 1.1',
    version: '1.1',
    transport: 'tcp',
    connect: (place) => connectStompit(place, { 'accept-version': '1.1' }),
  },
]
