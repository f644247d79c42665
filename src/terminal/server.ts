/** Owns how `tail` and `send` reach a server: options, environment and profile in; the options of a client out. */
import { Versions } from '@stomp/stompjs'
import { fromFragment, isProfileFragment } from '../../web-debugger/stomp/profile-link.ts'
import { readProfiles } from '../../web-debugger/stomp/profile-file.ts'
import {
  connectHeaders,
  createProfile,
  problemsOf,
  socketUrl,
  subProtocolsOf,
  titleOf,
  versionsOf,
  type Profile,
} from '../../web-debugger/stomp/profile.ts'
import type { ClientOptions } from '../stomp-client/index.ts'
import type { ServerOptions } from './options.ts'
import type { Terminal } from './terminal.ts'

/** Secrets have no option: arguments are in the history of the shell and in the list of processes. */
export interface Secrets {
  readonly passcode: string | undefined
  readonly token: string | undefined
}

export interface Server {
  /** For people. */
  readonly name: string
  readonly clientOptions: Pick<
    ClientOptions,
    'brokerURL' | 'credentials' | 'webSocketFactory' | 'heartbeat' | 'stompjs'
  >
}

/** Errors: throws what the person at the terminal has to read. `readFile` returns the text of a file. */
export function findServer(
  options: ServerOptions,
  secrets: Secrets,
  readFile: (path: string) => string,
  { openSocket }: Pick<Terminal, 'openSocket'>,
): Server {
  const found = options.profile === undefined ? createProfile(options.url!) : findProfile(options, readFile)
  const profile: Profile = {
    ...found,
    host: options.virtualHost ?? found.host,
    login: options.login ?? found.login,
    passcode: secrets.passcode ?? found.passcode,
    token: secrets.token ?? found.token,
  }
  const [problem] = Object.values(problemsOf(profile))
  if (problem !== undefined) throw new Error(`The profile "${titleOf(profile)}" cannot be used: ${problem}`)
  if (profile.mode === 'raw' || profile.isSockJs) {
    throw new Error(`The profile "${titleOf(profile)}" is for plain WebSockets or SockJS: these commands speak STOMP`)
  }
  const url = socketUrl(profile)
  const headers = { ...connectHeaders(profile), ...options.connectHeaders }
  const protocols = subProtocolsOf(profile)
  return {
    name: nameOf(url),
    clientOptions: {
      brokerURL: url,
      credentials: () => ({ connectHeaders: headers }),
      webSocketFactory: () => openSocket(url, protocols),
      heartbeat: { incomingMs: profile.heartBeatInMs, outgoingMs: profile.heartBeatOutMs },
      stompjs: { stompVersions: new Versions([...versionsOf(profile)]) },
    },
  }
}

function findProfile(
  { profile: source = '', profileName }: ServerOptions,
  readFile: (path: string) => string,
): Profile {
  const fragment = source.split('#')[1]
  if (fragment !== undefined && isProfileFragment(fragment)) {
    const linked = fromFragment(fragment)
    if (!linked) throw new Error('The link holds no profile: it may have been cut off')
    return linked
  }
  const profiles = readProfiles(readFile(source))
  if (profiles.length === 0) {
    throw new Error(`There is no profile in "${source}": it should be a file that the web debugger has exported`)
  }
  const named = profileName === undefined ? profiles : profiles.filter((each) => titleOf(each) === profileName)
  const [only, ...more] = named
  if (only && more.length === 0) return only
  const names = profiles.map((each) => `"${titleOf(each)}"`).join(', ')
  throw new Error(`Say with --profile-name which profile of "${source}" you mean: ${names}`)
}

/** Without what may be secret in it. */
function nameOf(url: string): string {
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname}`
}
