/** A fresh copy of the sources, as a clone would be with the changes of this one, and with its packages. */
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const execute = promisify(execFile)

export interface SourceCopy {
  readonly path: string
  remove(): Promise<void>
}

/** Copies what git knows, or would: what is built is not there. `packages: false` leaves node_modules away. */
export async function copySources({ packages = true } = {}): Promise<SourceCopy> {
  const path = await mkdtemp(join(tmpdir(), 'stomp-bridge-copy-'))
  for (const file of await sourceFiles()) {
    await mkdir(dirname(join(path, file)), { recursive: true })
    // A file may be deleted and still in the index.
    await cp(join(ROOT, file), join(path, file)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
  }
  if (packages) await symlink(join(ROOT, 'node_modules'), join(path, 'node_modules'))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}

async function sourceFiles(): Promise<string[]> {
  const { stdout } = await execute('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
  })
  // An ignored directory; but git takes a link of that name for a file.
  return [...new Set(stdout.split('\0').filter((path) => path !== '' && path !== 'node_modules'))]
}
