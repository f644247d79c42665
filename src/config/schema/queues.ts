/** The section `queues`. */
import * as z from 'zod'
import { DAY_SECONDS, destinationPattern, seconds } from './values.ts'

export const queues = z
  .array(
    z.strictObject({
      destination: destinationPattern
        .refine((destination) => destination.startsWith('/queue/'), { error: 'must start with /queue/' })
        .refine((destination) => !destination.endsWith(':dead'), {
          error: 'must not end with :dead, which is for the dead messages of a queue',
        })
        .describe('Destination or pattern with *, ** or ?, below /queue/'),
      maxDeliveries: z
        .int()
        .min(1)
        .max(1000)
        .default(5)
        .describe('After so many NACKs and time-outs a message goes to the dead ones'),
      visibilitySeconds: seconds(
        30,
        1,
        DAY_SECONDS,
        'How long a subscriber may keep a message without an ACK before it is handed out again, in seconds; longer than your longest job',
      ),
      maxLength: z
        .int()
        .min(1)
        .max(10_000_000)
        .default(100_000)
        .describe('Messages that a queue holds at most; when it is full, senders are refused'),
    }),
  )
  .default([])
  .describe('Work queues: each message goes to one subscriber over all nodes; the first match counts')
