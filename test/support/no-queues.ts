/** The rules of a bridge without work queues. */
import { QueueRules } from '../../src/queue/queue-rules.ts'

export const NO_QUEUES = new QueueRules([])
