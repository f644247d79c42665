/** The sections `server`, `doors`, `tcp` and `debugger`: where and how the bridge listens. */
import * as z from 'zod'
import { addressRange, hostName } from './addresses.ts'
import { isOwnPath } from './own-paths.ts'
import { count, flag, HOUR_MS, MEBIBYTE, milliseconds, MINUTE_MS, port, text } from './values.ts'

const origin = z.string().superRefine((value, context) => {
  if (value === '*') return
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@]+$/.test(value)) {
    context.addIssue('must be "*" or an origin such as "https://app.example.com", without a path')
    return
  }
  if (!/^https?:/.test(value)) return
  const asBrowsersSendIt = URL.canParse(value) ? new URL(value).origin : undefined
  if (asBrowsersSendIt === undefined) context.addIssue('must be "*" or an origin such as "https://app.example.com"')
  else if (asBrowsersSendIt !== value) context.addIssue(`must be written as browsers send it: "${asBrowsersSendIt}"`)
})

/** The certificate of a listener. */
function tls(describe: string) {
  return z
    .strictObject({
      certFile: text(
        'PEM file with the certificate, and behind it those of the authorities in between; read again when it changes',
      ),
      keyFile: text('PEM file with the key of the certificate, without a passphrase; read again when it changes'),
    })
    .prefault({})
    .describe(describe)
}

export const server = z
  .strictObject({
    host: z.string().min(1).default('127.0.0.1').describe('Address to listen on; 0.0.0.0 is every IPv4 address'),
    port: port(8080, 'Port for WebSocket and HTTP; 0 is any free port'),
    tls: tls('TLS for WebSocket and HTTP: with both files the bridge speaks wss:// and https:// alone'),
    workers: count(1, 64, 'Processes that share the ports, about one per core; more than one needs Redis'),
    path: z
      .string()
      .regex(/^\/[A-Za-z0-9._~/-]*$/, { error: 'must start with "/" and be a plain path such as "/stomp"' })
      .refine((value) => !isOwnPath(value), { error: 'must be another path: the bridge answers this one itself' })
      .default('/stomp')
      .describe('Path of the WebSocket'),
    allowedOrigins: z
      .array(origin)
      .default([])
      .describe(
        'Other origins whose pages may connect, such as https://app.example.com, or * for all; ' +
          'pages of the same origin and from localhost always may',
      ),
    allowedHosts: z
      .array(hostName)
      .default([])
      .describe(
        'Names under which this bridge may be called, without port, such as app.example.com; empty is any. A list keeps out ' +
          'pages whose own name leads here (DNS rebinding)',
      ),
    trustedProxies: z
      .array(addressRange)
      .default([])
      .describe(
        'Addresses of proxies in front, such as 10.0.0.0/8: from these, X-Forwarded-For says what the address of a client is',
      ),
    forwardedHeader: z
      .enum(['X-Forwarded-For', 'Forwarded'])
      .default('X-Forwarded-For')
      .describe(
        'The header in which those proxies say it; Forwarded is that of RFC 7239. The other one is not believed',
      ),
    joinFrames: flag(
      false,
      'Put several MESSAGE frames of one subscription into one WebSocket message. Many client libraries read only the first: switch it on only if you know that yours reads all',
    ),
    compression: flag(
      false,
      'Compress WebSocket messages (permessage-deflate) for clients that offer it: fewer bytes, more CPU. Unsafe where a ' +
        'message holds a secret next to text that an attacker can choose; see docs/configuration.md',
    ),
    compressionMinBytes: z
      .int()
      .min(0)
      .max(64 * MEBIBYTE)
      .default(1024)
      .describe('Shorter messages are not compressed, in bytes'),
    pingIntervalMs: milliseconds(
      25_000,
      0,
      HOUR_MS,
      'How often WebSockets are pinged, in milliseconds; 0 is never. Pings keep them open in proxies that close idle ' +
        'connections. A client that is silent for 2.4 times as long is dropped',
    ),
    keepAliveMs: milliseconds(
      75_000,
      1000,
      4 * MINUTE_MS,
      'How long an idle HTTP connection stays open, in milliseconds; set it longer than the load balancer in front does',
    ),
    docs: flag(true, 'Serve /docs and /openapi.json'),
    metrics: flag(true, 'Serve /metrics for Prometheus'),
  })
  .prefault({})
  .describe('WebSocket and HTTP')

export const doors = z
  .strictObject({
    raw: flag(true, 'Serve plain WebSockets at /raw/…'),
    sse: flag(true, 'Serve Server-Sent Events at /sse/… and /sse?destination=…'),
    sockjs: flag(
      false,
      'Serve SockJS clients below server.path, over WebSocket and where that is blocked over HTTP: STOMP in the frames of ' +
        'SockJS. Several nodes then need sticky sessions; needs server.workers 1',
    ),
  })
  .prefault({})
  .describe('Other ways to the same destinations')

export const tcp = z
  .strictObject({
    enabled: flag(false, 'Also speak STOMP over plain TCP'),
    host: z.string().min(1).default('127.0.0.1').describe('Address to listen on'),
    port: port(61_613, 'Port for STOMP over TCP; 0 is any free port'),
    tls: tls('TLS for STOMP over TCP: with both files the bridge speaks it alone there'),
  })
  .prefault({})
  .describe('STOMP over plain TCP')

export const debuggerSection = z
  .strictObject({
    enabled: flag(true, 'Serve the page of the web debugger; / redirects to it'),
    path: z
      .string()
      .regex(/^(\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$/, {
        error: 'must start with "/", not end with "/", and be a plain path such as "/debugger"',
      })
      .default('/debugger')
      .describe('Path of the page'),
    api: z
      .enum(['auto', 'on', 'off'])
      .default('auto')
      .describe(
        'Serve the debug API, with which the page sees and closes sessions, and reads and writes channels; ' +
          'auto is on if there is no configuration file and server.host is only this machine, else off',
      ),
    token: z
      .string()
      .regex(/^[\x21-\x7e]{16,}$/, { error: 'must be at least 16 printable ASCII characters, without spaces' })
      .optional()
      .meta({
        description:
          'Secret that requests to the debug API must send as "Authorization: Bearer …", at least 16 characters',
        writeOnly: true,
      }),
  })
  .prefault({})
  .describe('The web debugger')
