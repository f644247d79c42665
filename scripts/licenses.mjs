/** The licenses of the packages whose code is in dist/main.js, in the page of the web debugger and in the executables. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, Stop } from './install.mjs'

const LICENSE_FILE = /^(licen[cs]e|copying|notice)/i
/** Bun's own binaries: the license of `bun` is theirs. */
const BINARIES = '@oven/'

/**
 * Returns the text of them all, in the order of the names.
 *
 * Errors: Stop, with the packages that say nothing of their license.
 */
export function thirdPartyLicenses() {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  const used = Object.entries(packages).filter(
    ([path, { dev, devOptional, link }]) =>
      path.startsWith('node_modules/') && !dev && !devOptional && !link && !path.includes(BINARIES),
  )
  const installed = used.map(([path]) => path).filter((path) => existsSync(join(root, path, 'package.json')))
  const licenses = installed.map(readLicense)
  const silent = licenses.filter(({ license, texts }) => !license && texts.length === 0)
  if (silent.length > 0) throw new Stop(`No license found: ${silent.map(({ name }) => name).join(', ')}`)
  return licenses
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, version, license, texts }) => [`${name} ${version}: ${license}`, ...texts].join('\n\n'))
    .join(`\n\n${'-'.repeat(80)}\n\n`)
    .concat('\n')
}

function readLicense(path) {
  const { name, version, license } = JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8'))
  const files = readdirSync(join(root, path)).filter((file) => LICENSE_FILE.test(file))
  const texts = files.sort().map((file) => readFileSync(join(root, path, file), 'utf8').trim())
  return { name, version, license, texts }
}
