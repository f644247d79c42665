/** The section `redisCommands`. */
import * as z from 'zod'
import { count, MEBIBYTE, milliseconds, MINUTE_MS, notEmpty } from './values.ts'

export const redisCommands = z
  .strictObject({
    allow: z
      .array(notEmpty)
      .default([])
      .describe('Commands that clients may send, such as GET, or OBJECT ENCODING; empty is none at all'),
    keyPrefix: z
      .string()
      .regex(/^[^{}]*\{user\}[:/][^{}]*$/, {
        error:
          'must have {user} once, with ":" or "/" after it, such as "{user}:", or users could reach each other\'s keys',
      })
      .default('{user}:')
      .describe('What every key of a client is put below; {user} is its name, or the id of its session if it has none'),
    maxBytes: count(1000, MEBIBYTE, 'Largest request of a client, in bytes'),
    maxAnswerBytes: count(65_536, 16 * MEBIBYTE, 'Largest answer that a client gets, in bytes'),
    timeoutMs: milliseconds(1000, 1, MINUTE_MS, 'How long Redis may take to answer, in milliseconds'),
  })
  .prefault({})
  .describe('Commands to Redis by SEND to /bridge/redis, for keys of the client itself')
