/** The section `snapshots`. */
import * as z from 'zod'
import { templateProblems } from '../template-syntax.ts'
import { count, HIDDEN, MEBIBYTE, milliseconds, MINUTE_MS, NOT_FILLED_IN, template } from './values.ts'

const maxBytes = count(MEBIBYTE, 64 * MEBIBYTE, 'Most bytes of a snapshot')
const timeoutMs = milliseconds(1000, 1, MINUTE_MS, 'How long the source may take to answer, in milliseconds')
const key = template.describe('Redis key; variables of the destination may stand in it')

/** A URL whose server is fixed. */
const url = z.string().superRefine((value, context) => {
  if (value.includes(HIDDEN)) return context.addIssue(NOT_FILLED_IN)
  for (const problem of templateProblems(value)) context.addIssue(problem)
  if (!/^https?:\/\/[^/?#{}\s]+([/?].*)?$/s.test(value) || !URL.canParse(value.replace(/[{}*]/g, ''))) {
    context.addIssue('must be an http or https URL, with variables in its path or query only')
  }
})

/** What has entries, and may have many. */
function collection<Type extends string>(type: Type, description: string) {
  const maxEntries = count(10_000, 1_000_000, 'Most entries of a snapshot')
  return z.strictObject({ type: z.literal(type).describe(description), key, maxEntries, maxBytes, timeoutMs })
}

/** What has a limit of its own. */
function single<Type extends string>(type: Type, description: string) {
  return z.strictObject({ type: z.literal(type).describe(description), key, maxBytes, timeoutMs })
}

const source = z.discriminatedUnion('type', [
  collection('hash', 'An object; {} if there is none'),
  single('string', 'Its text if that is JSON, else the text as a JSON string; null if there is none'),
  collection('list', 'An array; [] if there is none'),
  collection('set', 'An array, in no order; [] if there is none'),
  collection('sorted-set', 'An array of {member, score}, by score; [] if there is none'),
  single('stream', 'An array of {id, fields}: the newest 100 entries, the oldest of them first; [] if there is none'),
  z.strictObject({
    type: z.literal('http').describe('What a GET is answered with, if that is 2xx'),
    url: url.meta({
      description: 'http or https; variables of the destination may stand in its path and query',
      writeOnly: true,
    }),
    maxBytes,
    timeoutMs,
  }),
])

export const snapshots = z
  .array(
    z.strictObject({
      destination: template.describe(
        'Where clients SUBSCRIBE; {name} stands for one segment, {*name} for the rest; below an application prefix',
      ),
      source: source.describe('Where the state is'),
    }),
  )
  .default([])
  .describe('Destinations that answer a SUBSCRIBE with one message: the state of something; the first match counts')
