/** The section `presence`. */
import * as z from 'zod'
import { destinationPattern, seconds } from './values.ts'

export const presence = z
  .strictObject({
    destinations: z
      .array(destinationPattern)
      .default([])
      .describe(
        'Destinations or patterns whose subscribers can be watched at /presence/…, for example /topic/rooms/**',
      ),
    ttlSeconds: seconds(
      60,
      5,
      3600,
      'How long the users of a node that has died are still taken for present, at most, in seconds',
    ),
  })
  .prefault({})
  .describe('Who is there')
