/**
 * Owns the OpenAPI document: what surrounds the operations, which bring their own descriptions and the very schemas that
 * check their requests.
 */
import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'

/** An operation with its path and schemas. */
export type Route = ReturnType<typeof createRoute>

/** The document as it is served; version 3.1. */
export type OpenApiDocument = ReturnType<OpenAPIHono['getOpenAPI31Document']>

const DESCRIPTION =
  'Browsers speak STOMP over WebSocket, backends speak Redis or HTTP: the bridge carries messages between them.'

const DEBUGGER_TAG = {
  name: 'Debugger',
  description:
    'What the web debugger shows and does. Served where debugger.api is on; with debugger.token set, each request needs it.',
}

/** The operation, as the OpenAPI document shows it. */
export const openApiRoute = createRoute({
  method: 'get',
  path: '/openapi.json',
  operationId: 'getOpenApi',
  tags: ['Operation'],
  summary: 'Read this description as OpenAPI',
  description: 'For editors and for generators of clients; made from the schemas that check the requests.',
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
  const hasDebugger = routes.some(({ tags }) => tags?.includes('Debugger'))
  return getOpenAPI31Document({
    openapi: '3.1.0',
    info: { title: 'STOMP bridge', version, description: DESCRIPTION },
    // Relative to where the document is, so that it also holds where a proxy has put the bridge below a path of its own.
    servers: [{ url: '.', description: 'This bridge' }],
    tags: [
      { name: 'STOMP', description: 'Browsers and other STOMP clients connect here, subscribe and send.' },
      { name: 'Doors', description: 'The same destinations without STOMP.' },
      { name: 'Messages', description: 'Backends without Redis send to subscribers by HTTP.' },
      ...(hasDebugger ? [DEBUGGER_TAG] : []),
      { name: 'Operation', description: 'For probes, load balancers and monitoring.' },
    ],
  })
}
