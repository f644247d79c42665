/** Reads the files that settings name. What is wrong with one is said in a line that begins with the setting. */
import { readFileSync } from 'node:fs'

const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  ENOTDIR: 'it does not exist',
  EISDIR: 'it is a directory',
  EACCES: 'this user may not read it',
  EPERM: 'this user may not read it',
  ELOOP: 'its links lead in a circle',
  ENAMETOOLONG: 'its name is too long',
}

/** Returns why a file cannot be read, in words. `code` is what the system calls the reason. */
export function unreadableReason(code: string | undefined): string {
  return UNREADABLE[code ?? ''] ?? `the system says ${code ?? 'no reason'}`
}

/** Returns what is in the file that a setting such as `redis.tls.caFile` names. Errors: throws one line if it cannot be read. */
export function readSettingFile(path: string, setting: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    const reason = unreadableReason((cause as NodeJS.ErrnoException).code)
    throw new Error(`${setting}: cannot read "${path}": ${reason}`, { cause })
  }
}
