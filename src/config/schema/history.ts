/** The section `history`. */
import * as z from 'zod'
import { DAY_SECONDS, destinationPattern, flag, seconds } from './values.ts'

export const history = z
  .array(
    z.strictObject({
      destination: destinationPattern.describe(
        'Destination or pattern with *, ** or ?, as the bridge knows it: a queue of one user is /user/{user}/queue/…',
      ),
      size: z
        .int()
        .min(1)
        .max(1_000_000)
        .default(100)
        .describe('Messages that are held at least, for each destination'),
      ttlSeconds: seconds(300, 1, 30 * DAY_SECONDS, 'How long they are held after the last one, in seconds'),
      retain: flag(false, 'The newest message comes to who subscribes, also unasked'),
    }),
  )
  .default([])
  .describe('Destinations whose messages are kept, so that clients that were away get them; the first match counts')
