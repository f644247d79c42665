/** Owns `POST /api/explain`: may somebody subscribe or send, and which rule says so. */
import { createRoute } from '@hono/zod-openapi'
import type { Handler } from 'hono'
import { parseFields } from '../http/fields.ts'
import { readJson } from '../http/json-body.ts'
import { errorResponse, type HttpEnv } from '../http/json-error.ts'
import { debugErrors } from './errors.ts'
import { explainSchema, explanationSchema, type Explanation, type Wish } from './schema.ts'

/** Answers by the rules that are in force, and by which destinations there are. */
export type Explain = (wish: Wish) => Pick<Explanation, 'allowed' | 'reason'> & {
  readonly rule: number | undefined
  readonly problem: string | undefined
}

/** The operation, as the OpenAPI document shows it. */
export const explainRoute = createRoute({
  method: 'post',
  path: '/api/explain',
  operationId: 'explain',
  tags: ['Debugger'],
  summary: 'Explain an access decision',
  description:
    'May somebody subscribe to a destination or send there, and which rule decides? The rules that are in force are asked. ' +
    'Nobody has to be connected. The command "stomp-bridge explain" says the same of a configuration file.',
  request: {
    body: {
      required: true,
      content: {
        'application/json': {
          schema: explainSchema,
          example: { action: 'subscribe' as const, destination: '/topic/rooms/7', user: 'alice', groups: ['staff'] },
        },
      },
    },
  },
  responses: {
    200: {
      description: 'The decision',
      content: {
        'application/json': {
          schema: explanationSchema,
          example: { allowed: true, rule: 1, reason: 'allow subscribe /topic/rooms/* to authenticated', problem: null },
        },
      },
    },
    ...debugErrors,
    400: errorResponse('A field is missing or wrong', 'bad-field', 'Field "destination" must start with "/"'),
  },
})

/** Makes the handler. */
export function createExplainHandler(explain: Explain, maxBodyBytes: number): Handler<HttpEnv> {
  return async (c) => {
    const { value } = await readJson(c.req.raw, maxBodyBytes)
    const { allowed, rule, reason, problem } = explain(parseFields(explainSchema, value))
    return c.json({ allowed, rule: rule ?? null, reason, problem: problem ?? null }, 200, {
      'Cache-Control': 'no-store',
    })
  }
}
