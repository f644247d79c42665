/** Whether something has to be built anew: one hash over all that it is made of. Used by build.mjs and build-debugger.mjs. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { root } from './install.mjs'

/** Returns the paths of all files in a folder and below it, in order. */
export function filesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

/** Returns one hash over the names and contents of these files, in hexadecimal; where the checkout is does not matter. */
export function hashOfFiles(paths) {
  const hash = createHash('sha256')
  for (const path of paths) {
    hash.update(`${relative(root, path).split(sep).join('/')}\0`)
    hash.update(readFileSync(path))
    hash.update('\0')
  }
  return hash.digest('hex')
}
