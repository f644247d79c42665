/** What `npm run docs` writes is up to date. */
import { describe, expect, it } from 'vitest'
import { generatedParts, readText, withParts } from '../../scripts/docs.ts'

const files = await generatedParts()

describe('npm run docs', () => {
  it.each(Object.entries(files))('has written %s', (path, parts) => {
    const text = readText(path)
    expect(withParts(text, parts)).toBe(text)
  })

  it('leaves what is written by hand as it is', () => {
    const text = 'before\n<!-- a: written by npm run docs -->\nold\n<!-- /a -->\nafter'
    const written = withParts(text, { a: 'new' })
    expect(written).toBe('before\n<!-- a: written by npm run docs -->\n\nnew\n\n<!-- /a -->\nafter')
    expect(withParts(written, { a: 'new' })).toBe(written)
  })

  it('refuses a text without the comments of a part', () => {
    expect(() => withParts('text', { a: 'new' })).toThrow('<!-- a: written by npm run docs -->')
  })
})
