/** What nodes tell and ask each other about presence, as it is on the wire. */
import * as z from 'zod'
import { text } from '../cluster/messages.ts'

const count = z.int().min(0)

/** How many sessions of this user a node has there now: destination, user, the session that came or went, number. */
const changeSchema = z.tuple([text, text, text, count])
export type Change = z.infer<typeof changeSchema>

/** Changes of one node. Each message has the next number, so that one that is lost is missed. */
export const CHANGES = 'presence-changes'
export const changesSchema = z.object({ number: count, changes: z.array(changeSchema) })

/** One user of one of the destinations that were asked for: index of it, user, session, number, and how long ago the last one left. */
const hereSchema = z.tuple([count, text, text, count, count])
export type Here = z.infer<typeof hereSchema>

/** Who is there, and the number of the last changes that are in it. */
export const STATE = { name: 'presence-state', asked: z.array(text), head: count, item: hereSchema }

/** The mark that a node's signs of life have: the number of its last changes. */
export const MARK = 'presence'
