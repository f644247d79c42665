/** The README's settings table comes from the schema and is up to date. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { withSettings } from '../../scripts/readme-settings.ts'

it('README.md lists every setting as the schema has it (npm run docs writes it)', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  expect(withSettings(readme)).toBe(readme)
})
