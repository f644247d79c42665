/** The npm package as a stranger has it: packed from this checkout, installed into an empty project by npm. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const execute = promisify(execFile)

export interface InstalledPackage {
  readonly tarball: Uint8Array
  /** Paths in the tarball. */
  readonly files: readonly string[]
  /** The project that it is installed in. */
  readonly project: string
  remove(): Promise<void>
}

/** Packs and installs. Errors: rejects with what npm has said. */
export async function installPackage(): Promise<InstalledPackage> {
  const directory = await mkdtemp(join(tmpdir(), 'stomp-bridge-package-'))
  const npm = (args: readonly string[], cwd: string) => execute('npm', [...args, '--no-audit', '--no-fund'], { cwd })
  const packed = await npm(['pack', '--json', '--silent', '--pack-destination', directory], ROOT)
  const [{ filename, files }] = JSON.parse(packed.stdout) as [{ filename: string; files: { path: string }[] }]
  const project = join(directory, 'project')
  await mkdir(project)
  await writeFile(join(project, 'package.json'), '{ "name": "project", "private": true, "type": "module" }\n')
  await npm(['install', '--prefer-offline', join(directory, filename)], project)
  return {
    tarball: await readFile(join(directory, filename)),
    files: files.map(({ path }) => path),
    project,
    remove: () => rm(directory, { recursive: true, force: true }),
  }
}
