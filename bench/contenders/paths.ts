/** Where things are in the checkout and on this machine. */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export function fromRoot(path: string): string {
  return join(ROOT, path)
}

/** A program that npm has installed. */
export function installed(name: string): string {
  return fromRoot(`node_modules/.bin/${name}`)
}

/** The first of these files, or programs on PATH or where system programs are, that can be run. */
export function findProgram(...names: string[]): string | undefined {
  const places = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  return names
    .flatMap((name) => (name.startsWith('/') ? [name] : places.map((place) => join(place, name))))
    .find(canRun)
}

function canRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
