/**
 * Owns what a failed request reads: one JSON shape for every error, its codes with their HTTP statuses, and how a thrown
 * fault becomes a response. Every handler here throws; only the error handler below answers.
 */
import { z } from '@hono/zod-openapi'
import type { Context, ErrorHandler } from 'hono'
import { ERRORS, ProtocolError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { RequestEnv } from '../socket.ts'
import type { TraceContext } from '../trace-context.ts'

/** What Hono carries with each request here. */
export interface HttpEnv {
  Bindings: RequestEnv
  Variables: {
    /** Name of the API key by which the request came. */
    keyName?: string
    /** By which it is found again in logs; undefined before that is known. */
    requestId?: string
    /** Of the span that stands for the request, where there is one. */
    trace?: TraceContext
  }
}

/** HTTP status of the codes that only HTTP has; the others are in the table of `errors.ts`. */
export const HTTP_ERRORS = {
  'bad-json': 400,
  'bad-field': 400,
  'missing-host': 400,
  'forbidden-origin': 403,
  'forbidden-host': 403,
  'not-found': 404,
  'method-not-allowed': 405,
  'body-too-large': 413,
  'unsupported-media-type': 415,
  'upgrade-required': 426,
  'too-many-tails': 429,
} as const

/** A code of {@link HTTP_ERRORS} or of the table that HTTP and STOMP share. */
export type HttpErrorCode = keyof typeof HTTP_ERRORS | keyof typeof ERRORS

/** What is wrong with one field of the request body. */
export interface FieldProblem {
  readonly field: string
  readonly message: string
}

/** A refused request. The message is written for the client and says what to do. */
export class HttpError extends Error {
  override name = 'HttpError'
  readonly code: HttpErrorCode
  readonly headers: Readonly<Record<string, string>>
  /** For `bad-field` and `bad-destination`: at least one. */
  readonly problems: readonly FieldProblem[]

  constructor(
    code: HttpErrorCode,
    message: string,
    details: { headers?: Readonly<Record<string, string>>; problems?: readonly FieldProblem[] } = {},
    options?: ErrorOptions,
  ) {
    super(message, options)
    this.code = code
    this.headers = details.headers ?? {}
    this.problems = details.problems ?? []
  }
}

/** The body of every error response; also in the OpenAPI document. */
export const errorSchema = z
  .object({
    error: z.object({
      code: z.string().openapi({ description: 'Stable, for programs' }),
      message: z.string().openapi({ description: 'For people: what is wrong and what to do' }),
      field: z.string().optional().openapi({ description: 'The first field that is wrong' }),
      problems: z
        .array(z.object({ field: z.string(), message: z.string() }))
        .optional()
        .openapi({ description: 'Every field that is wrong' }),
    }),
  })
  .openapi('Error', { description: 'Why the request was refused' })

type ErrorBody = z.output<typeof errorSchema>

/** The entry of an OpenAPI `responses` table for an error. */
export function errorResponse(description: string, code: HttpErrorCode, message: string, problems?: FieldProblem[]) {
  const example = errorBody(code, message, problems)
  return { description, content: { 'application/json': { schema: errorSchema, example } } }
}

/**
 * Makes the handler that turns whatever was thrown into a response.
 * `refused` hears of every request that is the client's fault. A fault that is not the client's is logged with its error and answered with 500 and no detail.
 */
export function createErrorHandler(
  log: Log,
  refused: (c: Context<HttpEnv>, error: HttpError) => void,
): ErrorHandler<HttpEnv> {
  return (error, c) => {
    if (error instanceof HttpError) {
      refused(c, error)
      return answer(c, error)
    }
    if (error instanceof ProtocolError) {
      return answer(c, new HttpError(error.code, error.message, { headers: retryHeaders(error) }))
    }
    const request = c.get('requestId')
    log.error({ method: c.req.method, path: c.req.path, request, error }, 'An HTTP request failed')
    return answer(c, new HttpError('internal', 'Internal error'))
  }
}

function answer(c: Context<HttpEnv>, { code, message, headers, problems }: HttpError): Response {
  return c.json(errorBody(code, message, problems), statusOf(code), { 'Cache-Control': 'no-store', ...headers })
}

function errorBody(code: HttpErrorCode, message: string, problems: readonly FieldProblem[] = []): ErrorBody {
  const [first] = problems
  return { error: { code, message, ...(first && { field: first.field, problems: [...problems] }) } }
}

function statusOf(code: HttpErrorCode) {
  return code in ERRORS ? ERRORS[code as keyof typeof ERRORS].http : HTTP_ERRORS[code as keyof typeof HTTP_ERRORS]
}

function retryHeaders({ code, headers }: ProtocolError): Record<string, string> {
  const seconds = headers['retry-after'] ?? (ERRORS[code].http === 503 || code === 'flooding' ? '1' : undefined)
  return seconds === undefined ? {} : { 'Retry-After': seconds }
}
