/** Owns what of a configuration may be shown: everything but secrets. */
import type { Config } from './schema.ts'

const HIDDEN = '***'

/** Returns the configuration with its secrets, and the user name and password in `redis.url`, replaced by `***`. */
export function redactConfig(config: Config): Config {
  const { url, password } = config.redis
  const { token } = config.debugger
  return {
    ...config,
    debugger: { ...config.debugger, ...(token === undefined ? {} : { token: HIDDEN }) },
    redis: {
      ...config.redis,
      ...(url === undefined ? {} : { url: redactUrl(url) }),
      ...(password === undefined ? {} : { password: HIDDEN }),
    },
  }
}

/** Returns the paths of the settings that `redactConfig` changes. */
export function secretSettings({ redis: { url, password }, debugger: { token } }: Config): string[] {
  return [
    ...(token === undefined ? [] : ['debugger.token']),
    ...(url === undefined || !redactUrl(url).includes(HIDDEN) ? [] : ['redis.url']),
    ...(password === undefined ? [] : ['redis.password']),
  ]
}

/** Returns a URL without credentials: neither before `@` nor as a password in the query, which ioredis also reads. */
export function redactUrl(url: string): string {
  return url.replace(/:\/\/.*@/s, `://${HIDDEN}@`).replace(/([?&][^=&]*pass[^=&]*=)[^&#]*/gi, `$1${HIDDEN}`)
}
