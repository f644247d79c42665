/** What many settings are made of: numbers with their range, switches, text, destinations. */
import * as z from 'zod'
import { templateProblems } from '../template-syntax.ts'

export const HOUR_MS = 3_600_000
export const MINUTE_MS = 60_000
export const DAY_SECONDS = 86_400
export const MEBIBYTE = 1_048_576

/** A whole number from 1, with its default. */
export function count(value: number, max: number, text: string) {
  return z.int().min(1).max(max).default(value).describe(text)
}

/** A time, with its default and range. */
export function milliseconds(value: number, min: number, max: number, text: string) {
  return z.int().min(min).max(max).default(value).describe(text)
}

/** A switch, with its default. */
export function flag(value: boolean, text: string) {
  return z.boolean().default(value).describe(text)
}

/** Text that may be left out, but not be empty. */
export function text(describe: string) {
  return z.string().min(1).optional().describe(describe)
}

/** A port; 0 is any free one. */
export function port(value: number, describe: string) {
  return z.int().min(0).max(65_535).default(value).describe(describe)
}

/** A prefix of destinations, such as `/topic`. */
export const prefix = z.string().regex(/^(\/[^/\s{}*?]+)+$/, {
  error: 'must start with "/", not end with "/", and have no space, "{", "}", "*" or "?"',
})

/** A destination or channel with variables. */
export const template = z.string().superRefine((value, context) => {
  for (const problem of templateProblems(value)) context.addIssue(problem)
})

/** Text that is not empty. */
export const notEmpty = z.string().min(1)

/** Whole seconds, with their default and range. */
export function seconds(value: number, min: number, max: number, text: string) {
  return z.int().min(min).max(max).default(value).describe(text)
}

/** A destination, or an Ant pattern over destinations. */
export const destinationPattern = z.string().regex(/^(\/[^/\s{}]+)+$/, {
  error: 'must be a destination such as "/topic/news", or a pattern with *, ** or ?',
})

/** What `print-config` shows in place of a secret: nobody wants it as one. */
export const HIDDEN = '***'

/** Why that is refused. */
export const NOT_FILLED_IN = `must be filled in: ${HIDDEN} is what print-config shows in place of a secret`

/** A secret: never shown. It is refused where it is what stands for a hidden one. */
export function secret(description: string, narrow: (text: z.ZodString) => z.ZodString) {
  const filledIn = z.string().refine((value) => value !== HIDDEN, {
    error: NOT_FILLED_IN,
    abort: true,
  })
  return narrow(filledIn).meta({ description, writeOnly: true })
}
