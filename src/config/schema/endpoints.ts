/** The section `endpoints`: plain WebSockets at paths of the operator's own. */
import * as z from 'zod'
import { isOwnPath } from './own-paths.ts'

const endpointTemplate = z.string().regex(/^(\/([^/\s{}*?]|\{(query\.)?[A-Za-z_]\w*\})+)+$/, {
  error: 'must be a destination such as "/topic/{room}", where {room} is from the path and {query.room} from the query',
})

const endpoint = z.strictObject({
  path: z
    .string()
    .regex(/^\/(?:(?:[A-Za-z0-9._~-]+|\{[A-Za-z_]\w*\})(?:\/(?:[A-Za-z0-9._~-]+|\{[A-Za-z_]\w*\}))*)?$/, {
      error: 'must be a plain path such as "/ws/{room}", where {room} stands for one segment',
    })
    .refine((value) => !isOwnPath(value), { error: 'must be another path: the bridge answers this one itself' })
    .describe('Path of the WebSocket; {name} stands for one segment'),
  protocol: z
    .enum(['raw'])
    .optional()
    .describe('raw: each WebSocket message is the body of one message. An entry has protocol or preset'),
  preset: z
    .enum(['ws4redis'])
    .optional()
    .describe(
      'ws4redis: as django-websocket-redis serves it, for a path with {facility}; only credential goes with it',
    ),
  subscribe: z
    .array(endpointTemplate)
    .default([])
    .describe(
      'Destinations that each client is subscribed to; {name} is taken from the path, {query.name} from the query',
    ),
  send: endpointTemplate.optional().describe('Where messages from clients go; without it they are ignored'),
  credential: z.string().min(1).optional().describe('Query parameter that holds the token of the client'),
  frame: z
    .enum(['body', 'json'])
    .default('body')
    .describe('What clients get: the body, or {"destination", "headers", "body"}'),
  wrap: z.string().min(1).optional().describe('Clients get {"NAME": body}, where NAME is this text'),
  echo: z
    .boolean()
    .default(false)
    .describe(
      'Without send: a client gets back what it sends. With send: a client also gets the messages that it has sent itself',
    ),
})

export const endpoints = z
  .array(endpoint)
  .default([])
  .describe('Plain WebSockets at paths of your own, to replace another server without changing its clients')
