/**
 * `npm run release -- VERSION`: gives the checkout a version and makes in dist/release/ what is handed out of it: the npm
 * package, executables, what they are made of, and checksums. It commits and publishes nothing: it says how. Owns the
 * order of that, and the section of CHANGELOG.md.
 */
import { createHash } from 'node:crypto'
import {
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildDebugger } from './build-debugger.mjs'
import { compile } from './compile.mjs'
import { install, npm, root, run, Stop } from './install.mjs'
import { thirdPartyLicenses } from './licenses.mjs'

const HELP = `npm run release -- VERSION [OPTIONS]

Makes a release in dist/release/: the npm package, executables, an SBOM (CycloneDX), the licenses of what is in them, and
SHA256SUMS. Before that it sets the version in package.json and package-lock.json, and gives what is "Unreleased" in
CHANGELOG.md that version and the date of today. It commits and publishes nothing, and says at the end how to.

  --dry-run          Only check, and say what would be done
  --targets LIST     Of the executables, with commas between: linux-x64, linux-arm64 (default: both)
  --help             This text

Exit code: 0 done, 1 it cannot be done, 2 wrong usage.
`

/** By name of the target, the package of npm that holds its Bun. */
const TARGETS = { 'linux-x64': '@oven/bun-linux-x64', 'linux-arm64': '@oven/bun-linux-aarch64' }
const OUTPUT = join(root, 'dist/release')
const VERSION = /^(\d+)\.(\d+)\.(\d+)(-[0-9A-Za-z.-]+)?$/
const UNRELEASED = '## Unreleased'
const NO_RELEASE_YET = ' There has been no release yet.'

class WrongUsage extends Error {}

async function release(args) {
  const { version, targets, isDry, isHelp } = readArguments(args)
  if (isHelp) return process.stdout.write(HELP)
  const changelog = readFileSync(join(root, 'CHANGELOG.md'), 'utf8')
  const current = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version
  await requireReady(version, current, changelog)
  if (isDry) {
    say(`Would set the version from ${current} to ${version}, and date its section of CHANGELOG.md`)
    for (const name of fileNames(version, targets)) say(`Would make dist/release/${name}`)
    return undefined
  }
  await install({ dev: true, say })
  await setVersion(version, changelog)
  await buildAll(version, targets)
  say(`\nRelease ${version} is in dist/release/. When you have looked at it:

  git commit -am 'build: release ${version}' && git tag v${version}
  npm publish dist/release/stomp-bridge-${version}.tgz`)
  return undefined
}

function readArguments(args) {
  const options = {
    'dry-run': { type: 'boolean' },
    targets: { type: 'string', default: Object.keys(TARGETS).join(',') },
    help: { type: 'boolean', short: 'h' },
  }
  let parsed
  try {
    parsed = parseArgs({ args, options, allowPositionals: true })
  } catch (error) {
    throw new WrongUsage(error.message)
  }
  const { values, positionals } = parsed
  if (values.help) return { isHelp: true }
  const [version, ...more] = positionals
  if (version === undefined || more.length > 0) throw new WrongUsage('Say one version: npm run release -- 1.2.3')
  if (!VERSION.test(version)) throw new WrongUsage(`"${version}" is no version such as 1.2.3 or 1.2.3-rc.1`)
  const targets = values.targets.split(',')
  const unknown = targets.filter((target) => !Object.hasOwn(TARGETS, target))
  if (unknown.length > 0) {
    throw new WrongUsage(`There is no target "${unknown.join('", "')}", only ${Object.keys(TARGETS).join(', ')}`)
  }
  return { version, targets, isDry: values['dry-run'] === true }
}

/** Errors: Stop, with everything that is in the way. */
async function requireReady(version, current, changelog) {
  const problems = []
  const changed = await git('status', '--porcelain')
  if (changed !== '') problems.push(`There are changes that are not committed:\n${changed}`)
  if ((await git('tag', '--list', `v${version}`)) !== '') problems.push(`There is a tag v${version} already`)
  if (isBefore(version, current)) problems.push(`${version} comes before ${current}, which package.json says`)
  if (changelog.includes(`\n## ${version} `)) problems.push(`CHANGELOG.md has a section ${version} already`)
  if (unreleasedOf(changelog).trim() === '') problems.push(`CHANGELOG.md has nothing below "${UNRELEASED}"`)
  if (problems.length > 0) throw new Stop(problems.join('\n'))
}

async function git(...args) {
  const { code, output } = await run('git', args)
  if (code !== 0) throw new Stop(`${output.trimEnd()}\ngit ${args[0]} failed: see above`)
  return output.trimEnd()
}

/** What comes after a hyphen is before the version without it. */
function isBefore(version, other) {
  const [a, b] = [version, other].map((text) => VERSION.exec(text))
  const difference = [1, 2, 3].map((i) => Number(a[i]) - Number(b[i])).find((number) => number !== 0)
  if (difference !== undefined) return difference < 0
  return a[4] !== undefined && (b[4] === undefined || a[4].localeCompare(b[4], 'en', { numeric: true }) < 0)
}

function unreleasedOf(changelog) {
  const [, rest = ''] = changelog.split(`\n${UNRELEASED}\n`)
  return rest.split('\n## ', 1)[0]
}

async function setVersion(version, changelog) {
  say(`Setting the version ${version}`)
  await npmOrStop('version', version, '--no-git-tag-version', '--allow-same-version', '--no-workspaces-update')
  const heading = `## ${version} (${new Date().toISOString().slice(0, 10)})`
  const dated = changelog.replace(`\n${UNRELEASED}\n`, `\n${UNRELEASED}\n\n${heading}\n`).replace(NO_RELEASE_YET, '')
  writeFileSync(join(root, 'CHANGELOG.md'), dated)
}

async function npmOrStop(...args) {
  const { code, output } = await npm(args)
  if (code !== 0) throw new Stop(`${output.trimEnd()}\nnpm ${args[0]} failed: see above`)
  return output
}

/** What is made, in this order. */
function fileNames(version, targets) {
  const executables = targets.map((target) => `stomp-bridge-${version}-${target}`)
  const rest = ['THIRD-PARTY-LICENSES.txt', `stomp-bridge-${version}.cdx.json`, 'SHA256SUMS']
  return [`stomp-bridge-${version}.tgz`, ...executables, ...rest]
}

async function buildAll(version, targets) {
  rmSync(OUTPUT, { recursive: true, force: true })
  mkdirSync(OUTPUT, { recursive: true })
  const [tarball, ...others] = fileNames(version, targets)
  const [checksums, sbom, licenses] = others.splice(-3).reverse()
  say(tarball)
  await npmOrStop('pack', '--silent', '--pack-destination', OUTPUT)
  await buildDebugger({ say })
  for (const [i, target] of targets.entries()) {
    say(others[i])
    await withRuntime(target, (runtime) => compile({ outfile: join(OUTPUT, others[i]), runtime }))
  }
  writeFileSync(join(OUTPUT, licenses), thirdPartyLicenses())
  say(sbom)
  const bill = await npmOrStop('sbom', '--sbom-format=cyclonedx', '--package-lock-only', '--omit=dev', '--silent')
  writeFileSync(join(OUTPUT, sbom), `${JSON.stringify(JSON.parse(bill), null, 2)}\n`)
  const sums = []
  for (const name of readdirSync(OUTPUT).sort()) sums.push(`${await sha256(join(OUTPUT, name))}  ${name}\n`)
  writeFileSync(join(OUTPUT, checksums), sums.join(''))
  say(checksums)
}

/** With the path of the Bun of a target: the installed one, or that of its package, as package-lock.json has it. */
async function withRuntime(target, use) {
  const name = TARGETS[target]
  const installed = join(root, 'node_modules', name, 'bin/bun')
  if (existsSync(installed)) return use(installed)
  const { version, integrity } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages[
    `node_modules/${name}`
  ]
  const directory = mkdtempSync(join(tmpdir(), 'stomp-bridge-release-'))
  try {
    await npmOrStop('pack', '--silent', '--prefer-offline', '--pack-destination', directory, `${name}@${version}`)
    const tarball = join(directory, readdirSync(directory)[0])
    const found = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`
    if (found !== integrity) throw new Stop(`${name}@${version} is not what package-lock.json says: ${found}`)
    const { code, output } = await run('tar', ['-xzf', tarball, '-C', directory, 'package/bin/bun'])
    if (code !== 0) throw new Stop(`${output.trimEnd()}\nCannot unpack ${name}: see above`)
    return await use(join(directory, 'package/bin/bun'))
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function sha256(path) {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk)
  return hash.digest('hex')
}

function say(text) {
  console.log(text)
}

try {
  await release(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof Stop) && !(error instanceof WrongUsage)) throw error
  console.error(error.message)
  process.exitCode = error instanceof WrongUsage ? 2 : 1
}
