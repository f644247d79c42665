/**
 * Makes what the npm package holds. dist/main.js is the command, one file with all packages in it, so that it starts in
 * half the time. Each name that package.json exports has a file of its own that imports packages, so that a program and
 * the bridge in it share one copy of them. With `--types`, as for `npm pack`, also the declarations in dist/types/ and
 * the licenses of what is bundled. Owns these files, and when the declarations have to be written anew.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, posix, relative, sep } from 'node:path'
import { buildDebugger } from './build-debugger.mjs'
import { filesIn, hashOfFiles } from './inputs.mjs'
import { root, run, Stop } from './install.mjs'
import { thirdPartyLicenses } from './licenses.mjs'

const OUTPUT = join(root, 'dist')

/** By what it becomes in dist/, without its ending. */
const ENTRIES = {
  index: 'src/index.ts',
  client: 'src/stomp-client/index.ts',
  backend: 'src/backend/index.ts',
  frames: 'frames/index.ts',
  debugger: 'web-debugger/built/assets.js',
  'runtime/bun': 'src/runtime/bun.ts',
  'runtime/deno': 'src/runtime/deno.ts',
  'runtime/node': 'src/runtime/node.ts',
}

const TYPES = join(OUTPUT, 'types')
const STAMP = join(OUTPUT, '.types-inputs')
/** How a declaration names another file, or a package. */
const IMPORT = /(\bfrom |\bimport\()(['"])([^'"]+)\2/g

/** Errors: Stop, with the output of what failed. */
async function build({ types }) {
  await buildDebugger({ say: console.error })
  mkdirSync(OUTPUT, { recursive: true })
  // Inside, so that what is made can be renamed to where it belongs: a bridge may be starting from there meanwhile.
  const directory = mkdtempSync(join(OUTPUT, '.building-'))
  try {
    await buildCommand(directory)
    await buildModules(directory)
    if (!types) return
    writeFileSync(join(OUTPUT, 'THIRD-PARTY-LICENSES.txt'), thirdPartyLicenses())
    await buildTypes(directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function buildCommand(directory) {
  await bundle(['src/main.ts', '--sourcemap=linked', `--outdir=${directory}`])
  for (const name of ['main.js.map', 'main.js']) renameSync(join(directory, name), join(OUTPUT, name))
}

/** The bundler names its output after its input, so each entry is a file of the right name that hands on another. */
async function buildModules(directory) {
  const stubs = join(directory, 'entries')
  for (const [name, source] of Object.entries(ENTRIES)) {
    const stub = join(stubs, `${name}.js`)
    const target = JSON.stringify(relative(dirname(stub), join(root, source)).split(sep).join('/'))
    write(stub, `export * from ${target}\n`)
  }
  const built = join(directory, 'built')
  const naming = ['--entry-naming=[dir]/[name].[ext]', '--chunk-naming=chunks/[hash].[ext]']
  const options = ['--packages=external', '--splitting', `--root=${stubs}`, `--outdir=${built}`]
  await bundle([...filesIn(stubs), ...options, ...naming])

  const isChunk = (path) => path.startsWith('chunks/')
  const files = filesIn(built).map((path) => relative(built, path).split(sep).join('/'))
  // The chunks first: an entry must find its own.
  for (const path of [...files.filter(isChunk), ...files.filter((path) => !isChunk(path))]) {
    mkdirSync(dirname(join(OUTPUT, path)), { recursive: true })
    renameSync(join(built, path), join(OUTPUT, path))
  }
  const chunks = filesIn(join(OUTPUT, 'chunks')).map((path) => relative(OUTPUT, path).split(sep).join('/'))
  for (const path of chunks) if (!files.includes(path)) rmSync(join(OUTPUT, path), { force: true })
}

async function bundle(args) {
  const bun = join(root, 'node_modules/bun/bin/bun.exe')
  const { code, output } = await run(bun, ['build', '--target=node', ...args])
  if (code !== 0) throw new Stop(`${output.trimEnd()}\nBundling failed: see above`)
}

/** Declarations of what the entries reach, and of nothing else. Errors in them are for `npm run types` to find. */
async function buildTypes(directory) {
  const stamp = hashOfTypeInputs()
  if (existsSync(TYPES) && existsSync(STAMP) && readFileSync(STAMP, 'utf8') === stamp) return
  console.error('Writing the declarations')
  const all = join(directory, 'types')
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const { code, output } = await run(process.execPath, [tsc, '-p', 'tsconfig.package.json', '--outDir', all])
  if (code !== 0) throw new Stop(`${output.trimEnd()}\nThe declarations cannot be written: see above`)
  const page = 'web-debugger/built/assets.d.ts'
  write(join(all, page), readFileSync(join(root, page), 'utf8'))

  const wanted = join(directory, 'wanted')
  const waiting = Object.values(ENTRIES).map((source) => source.replace(/\.(ts|js)$/, '.d.ts'))
  for (const path of waiting) {
    if (existsSync(join(wanted, path))) continue
    const text = readFileSync(join(all, path), 'utf8')
    for (const [, , , name] of text.matchAll(IMPORT)) {
      if (name.startsWith('.')) waiting.push(posix.join(posix.dirname(path), name.replace(/\.ts$/, '.d.ts')))
    }
    write(join(wanted, path), text.replace(IMPORT, withoutSources))
  }
  rmSync(TYPES, { recursive: true, force: true })
  renameSync(wanted, TYPES)
  writeFileSync(STAMP, stamp)
}

/** As Node resolves it: who imports the package has none of its sources. */
function withoutSources(found, before, quote, name) {
  return name.startsWith('.') ? `${before}${quote}${name.replace(/\.ts$/, '.js')}${quote}` : found
}

function hashOfTypeInputs() {
  const folders = ['src', 'frames'].flatMap((folder) => filesIn(join(root, folder)))
  const files = [
    // What is installed, whatever version this package has.
    'node_modules/.package-lock.json',
    'tsconfig.json',
    'tsconfig.package.json',
    'scripts/build.mjs',
  ]
  return hashOfFiles([
    ...folders,
    ...files.map((path) => join(root, path)),
    join(root, 'web-debugger/built/assets.d.ts'),
  ])
}

function write(path, text) {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

try {
  await build({ types: process.argv.includes('--types') })
} catch (error) {
  if (!(error instanceof Stop)) throw error
  console.error(error.message)
  process.exitCode = 1
}
