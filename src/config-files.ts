/**
 * Looks at the files that a configuration names as the start does, for `check-config`. Whoever uses a file says what is wrong
 * with it.
 */
import { checkKeyFiles } from './access/authenticators.ts'
import { checkCertificates } from './certificates.ts'
import type { Config } from './config.ts'
import { checkTlsFiles } from './redis/options.ts'

/** Returns what should be thought over, one line each. Errors: throws all that would keep the bridge from starting, one line each. */
export function checkConfigFiles({ server, tcp, redis, access }: Config): readonly string[] {
  const certificates = checkCertificates({ 'server.tls': server.tls, 'tcp.tls': tcp.tls })
  const problems = [...certificates.problems, ...checkTlsFiles(redis), ...checkKeyFiles(access?.authenticators ?? [])]
  if (problems.length > 0) throw new Error(problems.join('\n'))
  return certificates.warnings
}
