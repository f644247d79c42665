/**
 * Owns the OpenAPI document: what surrounds the operations, which bring their own descriptions and the very schemas that
 * check their requests.
 */
import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'

/** An operation with its path and schemas. */
export type Route = ReturnType<typeof createRoute>

/** The document as it is served; version 3.1. */
export type OpenApiDocument = ReturnType<OpenAPIHono['getOpenAPI31Document']>

const DESCRIPTION = 'Browsers speak STOMP, plain WebSocket or Server-Sent Events. Backends speak Redis or HTTP.'

const SOCKJS_TAG = { name: 'SockJS', description: 'STOMP for sockjs-client, which asks all of this by itself.' }

const DOORS_TAG = { name: 'Doors', description: 'The same destinations for clients that do not speak STOMP.' }

const PEOPLE_TAG = {
  name: 'People',
  description: 'Who is connected, on all nodes, and for how long they may be. Every request needs an API key.',
}

const DEBUGGER_TAG = {
  name: 'Debugger',
  description:
    'The debug API, which the web debugger uses. It is there if debugger.api is on. If debugger.token is set, every request needs it.',
}

/** The operation, as the OpenAPI document shows it. */
export const openApiRoute = createRoute({
  method: 'get',
  path: '/openapi.json',
  operationId: 'getOpenApi',
  tags: ['Operation'],
  summary: 'Get this description as OpenAPI',
  description: 'For editors and client generators. It is made from the schemas that check the requests.',
  responses: {
    200: {
      description: 'An OpenAPI 3.1 document',
      content: { 'application/json': { schema: z.looseObject({ openapi: z.string() }) } },
    },
  },
})

/** Makes the document of these operations, in their order. */
export function createDocument(version: string, routes: readonly Route[]): OpenApiDocument {
  // Only its registry is used: the routes themselves need a body reader with limits, which its validator has not.
  const { openAPIRegistry, getOpenAPI31Document } = new OpenAPIHono()
  for (const route of routes) openAPIRegistry.registerPath(route)
  const has = (tag: string): boolean => routes.some(({ tags }) => tags?.includes(tag))
  return getOpenAPI31Document({
    openapi: '3.1.0',
    info: { title: 'stomp-bridge', version, description: DESCRIPTION },
    // Relative to where the document is, so that it also holds where a proxy has put the bridge below a path of its own.
    servers: [{ url: '.', description: 'This bridge' }],
    tags: [
      { name: 'STOMP', description: 'Browsers and other STOMP clients connect here, subscribe and send.' },
      ...(has('SockJS') ? [SOCKJS_TAG] : []),
      ...(has('Doors') ? [DOORS_TAG] : []),
      { name: 'Messages', description: 'Backends without Redis send to subscribers by HTTP.' },
      ...(has('People') ? [PEOPLE_TAG] : []),
      ...(has('Debugger') ? [DEBUGGER_TAG] : []),
      { name: 'Operation', description: 'For probes, load balancers and monitoring.' },
    ],
  })
}
