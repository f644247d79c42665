/** What may help where a server was not reached, or did not let anybody in: a change of the settings, to try at once. */
import type { Profile } from './profile.ts'
import type { Refusal } from './refusal.ts'

export interface Remedy {
  readonly text: string
  readonly change: Partial<Pick<Profile, 'host' | 'isSockJs' | 'subProtocol'>>
}

export interface Failure {
  /** No WebSocket could be opened. */
  readonly isUnopened: boolean
  readonly refusal: Pick<Refusal, 'message' | 'details'> | undefined
}

/** Returns those that fit, the likeliest first. */
export function remediesFor(profile: Profile, { isUnopened, refusal }: Failure): readonly Remedy[] {
  const remedies: Remedy[] = []
  if (profile.mode === 'stomp' && profile.host.trim() !== '/' && isAboutHost(refusal)) {
    remedies.push({ text: 'Use host /', change: { host: '/' } })
  }
  if (!isUnopened) return remedies
  if (!profile.isSockJs && profile.mode === 'stomp' && profile.subProtocol !== 'none') {
    remedies.push({ text: 'Try without sub-protocol', change: { subProtocol: 'none' } })
  }
  if (profile.isSockJs) remedies.push({ text: 'Try without SockJS', change: { isSockJs: false } })
  else remedies.push({ text: 'Try SockJS', change: { isSockJs: true } })
  return remedies
}

/** As RabbitMQ says it: "Virtual host 'localhost' access denied". */
function isAboutHost(refusal: Failure['refusal']): boolean {
  return refusal !== undefined && /\bvirtual.?host\b|\bvhost\b/i.test(`${refusal.message} ${refusal.details}`)
}
