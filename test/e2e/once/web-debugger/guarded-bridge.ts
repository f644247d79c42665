/** A bridge with access configured, as the page of the web debugger meets it: names, tokens, tickets, rules and keys. */
import { SignJWT } from 'jose'
import { onTestFinished } from 'vitest'
import type { BridgeProcess } from '../../../support/process.ts'
import { connectPeer, frameText, type StompPeer } from '../../../support/stomp-peer.ts'
import { startConfigured } from './configured-bridge.ts'

const SECRET = 'a-secret-for-signing-of-32-bytes-or-more'
/** One that may only read, and one that may do all there is. */
export const KEYS = {
  read: 'key-that-may-only-read-1234567890',
  all: 'key-that-may-everything-1234567890',
}

const SETTINGS = {
  access: {
    authenticators: [
      { type: 'jwt', algorithms: ['HS256'], secret: SECRET },
      { type: 'ticket', ttlSeconds: 60 },
      { type: 'anonymous' },
    ],
    rules: [
      { allow: ['subscribe', 'send'], destination: '/topic/public/**', anonymous: true },
      { allow: ['subscribe', 'send'], destination: '/topic/own/{user}' },
      { allow: ['subscribe', 'send'], destination: '/topic/staff/**', groups: ['staff'] },
    ],
    apiKeys: [
      { name: 'reader', key: KEYS.read, scopes: ['read'] },
      { name: 'all', key: KEYS.all, scopes: ['publish', 'read', 'tickets', 'admin'] },
    ],
  },
  limits: { rates: [{ action: 'send', destination: '/topic/public/rated', count: 1, perSeconds: 30 }] },
}

/** Starts one for the length of the test, or of the file when called in `beforeAll`. */
export function startGuardedBridge(
  env: Readonly<Record<string, string>> = {},
  settings: object = {},
): Promise<BridgeProcess> {
  return startConfigured({ ...SETTINGS, ...settings }, env)
}

export interface TokenOptions {
  readonly seconds?: number
  readonly groups?: readonly string[]
  readonly id?: string
}

/** A token that the bridge believes. */
export async function tokenFor(user: string, { seconds = 3600, groups = [], id }: TokenOptions = {}): Promise<string> {
  const jwt = new SignJWT({ sub: user, groups: [...groups] }).setProtectedHeader({ alg: 'HS256' })
  if (id !== undefined) jwt.setJti(id)
  return jwt.setExpirationTime(Math.floor(Date.now() / 1000) + seconds).sign(new TextEncoder().encode(SECRET))
}

export async function ticketFor(bridge: BridgeProcess, user: string): Promise<string> {
  const answer = await fetch(`${bridge.url}/api/tickets`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${KEYS.all}`, 'content-type': 'application/json' },
    body: JSON.stringify({ user }),
  })
  return ((await answer.json()) as { ticket: string }).ticket
}

/** Somebody else who is connected; subscribed to the destination if there is one. */
export async function peerOf(bridge: BridgeProcess, user: string, destination?: string): Promise<StompPeer> {
  const peer = await connectPeer({ url: bridge.wsUrl })
  onTestFinished(() => peer.terminate())
  await peer.stompConnect({ 'accept-version': '1.2', passcode: await tokenFor(user) })
  if (destination !== undefined) {
    peer.send(frameText('SUBSCRIBE', { id: '1', destination, receipt: 'live' }))
    await peer.receipt('live')
  }
  return peer
}
