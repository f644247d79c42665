/** Owns how the fields of a request body are checked: by a schema, with every problem in the answer. */
import { z } from '@hono/zod-openapi'
import { HttpError, type FieldProblem } from './json-error.ts'

/** Returns the value as the schema reads it. Errors: HttpError `bad-field`. */
export function parseFields<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const { success, data, error } = schema.safeParse(value)
  if (!success) throw badFields(fieldProblems(error))
  return data
}

/** Most entries of a list that an answer may have, as a query says it, and where it says nothing. */
export const MAX_LIMIT = 1000
export const DEFAULT_LIMIT = 100
export const LIMIT_TEXT = `Limit must be a whole number from 1 to ${MAX_LIMIT}`

/** Returns the schema of the query parameter `limit`. `what`: what is listed, for people. */
export function limitParameter(what: string) {
  return z
    .string()
    .regex(/^\d{1,4}$/, LIMIT_TEXT)
    .transform(Number)
    .refine((limit) => limit >= 1 && limit <= MAX_LIMIT, LIMIT_TEXT)
    .optional()
    .openapi({ type: 'integer', description: `Most ${what} to list, 1 to ${MAX_LIMIT}; ${DEFAULT_LIMIT} by default` })
}

/** Returns what is wrong; a problem whose field is `""` is about the body as a whole. */
export function fieldProblems(error: z.ZodError): FieldProblem[] {
  return error.issues.map(({ path, message }) => ({ field: path.join('.'), message }))
}

/** Returns the refusal for these problems. */
export function badFields(
  problems: readonly FieldProblem[],
  code: 'bad-field' | 'bad-destination' = 'bad-field',
): HttpError {
  const text = problems.map(({ message }) => message).join('; ')
  return new HttpError(code, text, { problems: problems.filter(({ field }) => field !== '') })
}
