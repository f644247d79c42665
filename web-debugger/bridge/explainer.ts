/** Asks the bridge who may do what. No DOM. */
import { signal, type ReadonlySignal, type Signal } from '@preact/signals'
import { ApiError, type Api } from '../api/client.ts'
import type { Explanation, Wish } from '../api/types.ts'

/** An answer with what was asked. */
export interface Explained extends Explanation {
  readonly wish: Wish
}

export interface Explainer {
  readonly action: Signal<Wish['action']>
  readonly destination: Signal<string>
  /** Nobody if it is empty. */
  readonly user: Signal<string>
  /** Names between commas. */
  readonly groups: Signal<string>
  /** JSON, or nothing. */
  readonly claims: Signal<string>
  readonly answer: ReadonlySignal<Explained | undefined>
  readonly problem: ReadonlySignal<string | undefined>
  ask(): Promise<void>
}

export function createExplainer(api: Pick<Api, 'explain'>): Explainer {
  const action = signal<Wish['action']>('subscribe')
  const destination = signal('')
  const user = signal('')
  const groups = signal('')
  const claims = signal('')
  const answer = signal<Explained | undefined>(undefined)
  const problem = signal<string | undefined>(undefined)
  let lastRequest = 0

  const ask = async () => {
    const request = ++lastRequest
    try {
      const wish: Wish = {
        action: action.peek(),
        destination: destination.peek().trim(),
        ...(user.peek().trim() !== '' && { user: user.peek().trim() }),
        ...(namesIn(groups.peek()).length > 0 && { groups: namesIn(groups.peek()) }),
        ...(claims.peek().trim() !== '' && { claims: claimsIn(claims.peek()) }),
      }
      const explanation = await api.explain(wish)
      if (request !== lastRequest) return
      answer.value = { ...explanation, wish }
      problem.value = undefined
    } catch (error) {
      if (request !== lastRequest) return
      answer.value = undefined
      problem.value = error instanceof Error ? error.message : String(error)
    }
  }

  return { action, destination, user, groups, claims, answer, problem, ask }
}

function namesIn(text: string): string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
}

/** Errors: throws for what is no object of JSON. */
function claimsIn(text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // Said below.
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new ApiError('bad-claims', 0, 'Claims must be a JSON object, such as {"role": "admin"}')
}
