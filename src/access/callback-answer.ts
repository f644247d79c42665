/** What an auth service may answer, and who that is. */
import * as z from 'zod'
import { AskError, type Answer } from '../ask.ts'
import { sha256Hex } from './digest.ts'
import type { Identity } from './identity.ts'
import { isUserName } from './user-name.ts'

/** Fields that are null are as good as missing: many serializers write them so. */
const answerSchema = z.object({
  auth: z.boolean().nullish(),
  user: z.string().nullish(),
  groups: z.array(z.string()).nullish(),
  claims: z.record(z.string(), z.unknown()).nullish(),
  expiresAt: z.number().nullish(),
})

const REFUSED: ReadonlySet<number> = new Set([401, 403, 404])

export interface AnswerOptions {
  readonly token: string | undefined
  /** `token`: where the service names no user the token itself is the name, because it is a public id. */
  readonly userFrom?: 'token' | undefined
}

/** Errors: throws AskError for what is neither a yes nor a no. */
export function readAnswer({ status, text }: Answer, { token, userFrom }: AnswerOptions): Identity | 'refused' {
  if (REFUSED.has(status)) return 'refused'
  if (status < 200 || status > 299) throw new AskError(`the answer has status ${status}`)
  const { auth, user, groups, claims, expiresAt } = parse(text)
  if (auth === false) return 'refused'
  const name = user ?? (auth ? defaultUser(token, userFrom) : undefined)
  if (!isUserName(name)) throw new AskError('the answer is neither a yes nor a no: it has no "auth" and no fit "user"')
  return {
    user: name,
    groups: groups ?? undefined,
    claims: claims ?? undefined,
    expiresAt: expiresAt ?? undefined,
  }
}

function parse(text: string): z.infer<typeof answerSchema> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new AskError('the answer is not JSON')
  }
  const result = answerSchema.safeParse(value)
  if (result.success) return result.data
  const field = result.error.issues[0]?.path[0]
  throw new AskError(field === undefined ? 'the answer is no JSON object' : `the answer has a wrong "${String(field)}"`)
}

/** Nobody can read a token out of a name made of its digest. */
function defaultUser(token: string | undefined, userFrom: 'token' | undefined): string | undefined {
  if (token === undefined || userFrom === 'token') return token
  return `token-${sha256Hex(token).slice(0, 16)}`
}
