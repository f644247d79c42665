/** Owns how the fields of a request body are checked: by a schema, with every problem in the answer. */
import type { z } from '@hono/zod-openapi'
import { HttpError, type FieldProblem } from './json-error.ts'

/** Returns the value as the schema reads it. Errors: HttpError `bad-field`. */
export function parseFields<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const { success, data, error } = schema.safeParse(value)
  if (!success) throw badFields(fieldProblems(error))
  return data
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
