/**
 * What nodes say to each other: JSON, and whatever else comes on their channels is not one of these. Nodes of different
 * versions meet during an update: a message that one does not know is skipped there.
 */
import * as z from 'zod'
import { OWN_PREFIX } from '../bus/bus.ts'

/** Where all nodes listen. */
export const ALL_NODES = `${OWN_PREFIX}nodes`

/** Where one node listens. */
export function channelOf(node: string): string {
  return `${OWN_PREFIX}node:${node}`
}

/** The longest name of a user, a destination or a session that nodes hand on, in characters. */
const MAX_TEXT = 2_048
const MAX_SUBJECT = 64
/** What nodes write is shorter. */
const MAX_MESSAGE_BYTES = 1_048_576

const nodeId = z.string().regex(/^[\w-]{1,64}$/)
const subject = z.string().max(MAX_SUBJECT)
const number = z.int().min(0)

/** A text within a message. */
export const text = z.string().max(MAX_TEXT)

/** Would other nodes take this text? */
export function isText(name: string): boolean {
  return name.length <= MAX_TEXT
}

const messageSchema = z.discriminatedUnion('type', [
  /** I am alive. `isNew`: and want to know who else is. `marks`: how far each subject is, see `Cluster.setMark`. */
  z.object({ type: z.literal('lease'), from: nodeId, isNew: z.boolean(), marks: z.record(subject, number) }),
  /** I am gone, and do not come back under this name. */
  z.object({ type: z.literal('bye'), from: nodeId }),
  z.object({ type: z.literal('tell'), from: nodeId, subject, data: z.unknown() }),
  z.object({ type: z.literal('ask'), from: nodeId, question: number, subject, data: z.unknown() }),
  /** A part of an answer; all parts have the same head. */
  z.object({
    type: z.literal('answer'),
    from: nodeId,
    question: number,
    part: number,
    isLast: z.boolean(),
    head: z.unknown(),
    items: z.array(z.unknown()),
  }),
])

export type NodeMessage = z.infer<typeof messageSchema>

/** Returns the message; undefined if this is none. */
export function readMessage(payload: Uint8Array): NodeMessage | undefined {
  if (payload.length > MAX_MESSAGE_BYTES) return undefined
  try {
    const { success, data } = messageSchema.safeParse(JSON.parse(new TextDecoder().decode(payload)))
    return success ? data : undefined
  } catch {
    return undefined // not JSON
  }
}

export function writeMessage(message: NodeMessage): string {
  return JSON.stringify(message)
}
