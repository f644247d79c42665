/**
 * `npm run compile`: one executable with the bridge, its page and Bun in it, as dist/stomp-bridge, and the licenses of
 * what it is made of. release.mjs makes the same for other processors.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildDebugger } from './build-debugger.mjs'
import { root, run, Stop } from './install.mjs'
import { thirdPartyLicenses } from './licenses.mjs'

/**
 * Makes the executable. `runtime`: the path of a Bun for the processor that it is for; otherwise it is for this machine.
 *
 * Errors: Stop, with the output of the bundler.
 */
export async function compile({ outfile, runtime }) {
  const bun = join(root, 'node_modules/bun/bin/bun.exe')
  // It must not run or read what lies in the directory where somebody happens to start it.
  const alone = ['--no-compile-autoload-bunfig', '--no-compile-autoload-dotenv']
  const other = runtime ? [`--compile-executable-path=${runtime}`] : []
  const args = ['build', '--compile', ...alone, ...other, 'src/main.ts', `--outfile=${outfile}`]
  const { code, output } = await run(bun, args)
  if (code !== 0) throw new Stop(`${output.trimEnd()}\nCompiling failed: see above`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await buildDebugger()
    await compile({ outfile: join(root, 'dist/stomp-bridge') })
    writeFileSync(join(root, 'dist/THIRD-PARTY-LICENSES.txt'), thirdPartyLicenses())
  } catch (error) {
    if (!(error instanceof Stop)) throw error
    console.error(error.message)
    process.exitCode = 1
  }
}
