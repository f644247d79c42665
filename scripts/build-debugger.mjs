/**
 * Makes the web debugger one module that the bridge serves from memory: bundled by Bun, compressed, with hashed names.
 * Owns web-debugger/built/assets.js and when it has to be written anew; npm's scripts call it before whatever needs it.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { filesIn, hashOfFiles } from './inputs.mjs'
import { root, run, Stop } from './install.mjs'

const SOURCES = join(root, 'web-debugger')
const OUTPUT = join(SOURCES, 'built/assets.js')

/** What a browser loads before the page works, compressed. */
const MAX_FIRST_LOAD_BYTES = 120 * 1024

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Each becomes a file of its own with a hashed name, which replaces the reference to it in the page. */
const ENTRIES = [
  { reference: './main.tsx', entry: 'main.tsx', extension: '.js' },
  { reference: './styles/app.css', entry: 'styles/app.css', extension: '.css' },
]

/**
 * Brings web-debugger/built/assets.js up to date; does nothing when none of what it is made of has changed.
 *
 * Errors: Stop, with the output of the bundler, or with what is too large.
 */
export async function buildDebugger({ say = console.log } = {}) {
  const inputs = hashOfInputs()
  const stamp = `// inputs ${inputs}`
  if (existsSync(OUTPUT) && readFileSync(OUTPUT, 'utf8').split('\n', 1)[0] === stamp) return
  say('Building the web debugger')
  const files = await bundle()
  requireSmall(files)
  const assets = Object.fromEntries(files.map(({ path, ...file }) => [path, toAsset(path, file)]))
  // Another process may read the file meanwhile.
  const unfinished = `${OUTPUT}.${process.pid}`
  writeFileSync(unfinished, `${stamp}\nexport const assets = ${JSON.stringify(assets, null, 2)}\n`)
  renameSync(unfinished, OUTPUT)
}

/** One hash over the sources, this script and the versions of what is bundled. */
function hashOfInputs() {
  const built = join(SOURCES, 'built')
  const sources = filesIn(SOURCES).filter((path) => !path.startsWith(built))
  const others = ['package-lock.json', 'tsconfig.json', 'scripts/build-debugger.mjs'].map((path) => join(root, path))
  const shared = ['frames', 'src/stomp-client'].flatMap((folder) => filesIn(join(root, folder)))
  return hashOfFiles([...sources, ...shared, ...others])
}

async function bundle() {
  const directory = mkdtempSync(join(tmpdir(), 'stomp-bridge-debugger-'))
  try {
    let page = readFileSync(join(SOURCES, 'index.html'), 'utf8')
    const files = []
    for (const { reference, entry, extension } of ENTRIES) {
      const content = await bundleEntry(entry, join(directory, `app${extension}`))
      const path = `app-${createHash('sha256').update(content).digest('hex').slice(0, 10)}${extension}`
      if (!page.includes(`"${reference}"`)) throw new Stop(`web-debugger/index.html does not refer to "${reference}"`)
      page = page.replace(`"${reference}"`, `"./${path}"`)
      files.push({ path, content, isImmutable: true })
    }
    const icon = readFileSync(join(SOURCES, 'favicon.svg'))
    return [
      { path: '', content: Buffer.from(page), isImmutable: false },
      ...files,
      { path: 'favicon.svg', content: icon, isImmutable: false },
    ]
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function bundleEntry(entry, outfile) {
  const bun = join(root, 'node_modules/bun/bin/bun.exe')
  const args = ['build', join(SOURCES, entry), '--production', '--target=browser', `--outfile=${outfile}`]
  const { code, output } = await run(bun, args)
  if (code !== 0) throw new Stop(`${output.trimEnd()}\nBundling web-debugger/${entry} failed: see above`)
  return readFileSync(outfile)
}

function requireSmall(files) {
  const sizes = files.map(({ path, content }) => ({ path: path || 'index.html', bytes: compress(content).length }))
  const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0)
  if (total <= MAX_FIRST_LOAD_BYTES) return
  const list = sizes.map(({ path, bytes }) => `  ${path}: ${kibibytes(bytes)}`).join('\n')
  throw new Stop(
    `The web debugger is ${kibibytes(total)} compressed; at most ${kibibytes(MAX_FIRST_LOAD_BYTES)} are allowed:\n${list}`,
  )
}

function kibibytes(bytes) {
  return `${(bytes / 1024).toFixed(1)} KiB`
}

function toAsset(path, { content, isImmutable }) {
  return {
    type: TYPES[extname(path) || '.html'],
    body: compress(content).toString('base64'),
    etag: `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`,
    isImmutable,
  }
}

function compress(content) {
  return gzipSync(content, { level: 9 })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await buildDebugger()
  } catch (error) {
    if (!(error instanceof Stop)) throw error
    console.error(error.message)
    process.exitCode = 1
  }
}
