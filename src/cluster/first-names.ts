/** A page of a long list without sorting the list. */
import type { UserCount } from './local-sessions.ts'

/** Returns the first so many behind that name, sorted by name. */
export function firstAfter(users: Iterable<UserCount>, after: string | undefined, limit: number): UserCount[] {
  let page: UserCount[] = []
  let last: string | undefined
  const cut = (): void => {
    page = page.sort(byName).slice(0, limit)
    last = page.length === limit ? page.at(-1)!.user : undefined
  }
  for (const each of users) {
    if (after !== undefined && each.user <= after) continue
    if (last !== undefined && each.user >= last) continue
    page.push(each)
    if (page.length >= limit * 2) cut()
  }
  cut()
  return page
}

export function byName(a: UserCount, b: UserCount): number {
  return a.user < b.user ? -1 : a.user > b.user ? 1 : 0
}

/** Adds up what several nodes say of each user. */
export function addUp(lists: Iterable<readonly UserCount[]>): UserCount[] {
  const sessions = new Map<string, number>()
  for (const list of lists)
    for (const each of list) sessions.set(each.user, (sessions.get(each.user) ?? 0) + each.sessions)
  return [...sessions].map(([user, count]) => ({ user, sessions: count })).sort(byName)
}
