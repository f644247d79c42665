/** The documents of the project, and what is in them. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

export interface MarkdownFile {
  /** From the root. */
  readonly path: string
  readonly text: string
}

export interface CodeBlock {
  readonly language: string
  readonly code: string
}

/** Returns all documents that git knows or would take. */
export function markdownFiles(): MarkdownFile[] {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate', '*.md']
  const paths = execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).split('\0')
  return paths.filter((path) => path !== '').map(readMarkdown)
}

export function readMarkdown(path: string): MarkdownFile {
  return { path, text: readFileSync(join(ROOT, path), 'utf8') }
}

/** Returns the fenced blocks, also those in lists, without their indentation. */
export function codeBlocks({ text }: MarkdownFile): CodeBlock[] {
  return [...text.matchAll(/^( *)```(\w*)\n([^]*?)^ *```$/gm)].map(([, indent = '', language = '', code = '']) => ({
    language,
    code: code.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  }))
}

/** Returns the text without its fenced blocks. */
export function prose({ text }: MarkdownFile): string {
  return text.replaceAll(/^( *)```\w*\n[^]*?^ *```$/gm, '')
}

/** Returns the anchors of the headings, as GitHub makes them. */
export function anchors(file: MarkdownFile): Set<string> {
  const seen = new Map<string, number>()
  const found = new Set<string>()
  for (const [, heading = ''] of prose(file).matchAll(/^#+ +(.+?) *$/gm)) {
    const slug = heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\p{M} _-]/gu, '')
      .replaceAll(' ', '-')
    const count = seen.get(slug) ?? 0
    seen.set(slug, count + 1)
    found.add(count === 0 ? slug : `${slug}-${count}`)
  }
  return found
}

/** Returns where the links and pictures lead. */
export function linkTargets(file: MarkdownFile): string[] {
  const text = prose(file).replaceAll(/`[^`\n]*`/g, '')
  const markdown = [...text.matchAll(/\]\(([^)\s]+)\)/g)]
  const html = [...text.matchAll(/(?:src|srcset|href)="([^"]+)"/g)]
  return [...markdown, ...html].map(([, target = '']) => target)
}
