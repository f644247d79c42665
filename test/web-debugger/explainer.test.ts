import { describe, expect, it } from 'vitest'
import { ApiError } from '../../web-debugger/api/client.ts'
import type { Wish } from '../../web-debugger/api/types.ts'
import { createExplainer } from '../../web-debugger/bridge/explainer.ts'

function explainerOf(refusal?: ApiError) {
  const wishes: Wish[] = []
  const explainer = createExplainer({
    explain: async (wish) => {
      wishes.push(wish)
      if (refusal) throw refusal
      return { allowed: false, rule: 2, reason: 'deny subscribe', problem: null }
    },
  })
  return { explainer, wishes }
}

describe('who may do what', () => {
  it('is asked with what was filled in, and nothing else', async () => {
    const { explainer, wishes } = explainerOf()
    explainer.destination.value = ' /topic/a '
    await explainer.ask()
    explainer.action.value = 'send'
    explainer.user.value = 'alice'
    explainer.groups.value = 'staff, , room-7 '
    explainer.claims.value = '{"role": "admin"}'
    await explainer.ask()
    expect(wishes).toEqual([
      { action: 'subscribe', destination: '/topic/a' },
      {
        action: 'send',
        destination: '/topic/a',
        user: 'alice',
        groups: ['staff', 'room-7'],
        claims: { role: 'admin' },
      },
    ])
    const answer = { allowed: false, rule: 2, reason: 'deny subscribe', problem: null }
    expect(explainer.answer.value).toEqual({ ...answer, wish: wishes[1] })
  })

  it.each(['{', '[]', '1', 'null'])('is not asked with the claims %s', async (claims) => {
    const { explainer, wishes } = explainerOf()
    explainer.claims.value = claims
    await explainer.ask()
    expect(wishes).toEqual([])
    expect(explainer.problem.value).toBe('Claims must be a JSON object, such as {"role": "admin"}')
  })

  it('says why there is no answer, and forgets the last one', async () => {
    const { explainer } = explainerOf(new ApiError('bad-field', 400, 'Field "destination" must start with "/"'))
    await explainer.ask()
    expect(explainer.problem.value).toBe('Field "destination" must start with "/"')
    expect(explainer.answer.value).toBeUndefined()
  })
})
