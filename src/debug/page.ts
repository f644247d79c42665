/**
 * Owns the files of the web debugger as HTTP sees them: which path has which file, what a browser may do with it and how
 * long it may keep it. They come ready, compressed and in memory; what the page does is not known here.
 */
import { Buffer } from 'node:buffer'
import { gunzipSync } from 'node:zlib'
import type { Context } from 'hono'
import type { Page } from '../http/app.ts'
import { HttpError, type HttpEnv } from '../http/json-error.ts'
import type { About } from './schema.ts'

/** A file of the page. */
export interface PageFile {
  /** Media type. */
  readonly type: string
  /** Base64 of the file compressed with gzip. */
  readonly body: string
  /** With its quotes, as the header has it. */
  readonly etag: string
  /** The name changes with the content. */
  readonly isImmutable: boolean
}

/** By path below the path of the page; `''` is the page itself, and is missing where it was not built. */
export type PageFiles = Readonly<Record<string, PageFile>>

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "connect-src 'self' ws: wss: http: https:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const HEADERS = {
  'Content-Security-Policy': POLICY,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
}

const NOT_BUILT = `The web debugger is not built.

In the directory of the sources run

  npm run build:debugger

and start the bridge again. "npm start", "npm run build" and "npm run compile" build it by themselves.
`

export class DebuggerPage implements Page {
  readonly path: string
  readonly #files: PageFiles
  readonly #facts: About
  /** Decoded when first asked for. */
  readonly #bytes = new Map<
    PageFile,
    { readonly packed: Uint8Array<ArrayBuffer>; readonly plain: Uint8Array<ArrayBuffer> }
  >()

  constructor(files: PageFiles, facts: About) {
    this.path = facts.path
    this.#files = files
    this.#facts = facts
  }

  /** From `/` and from the path without its slash to the page, whose addresses are relative to it. */
  redirect(c: Context<HttpEnv>): Response {
    allowReading(c)
    // Relative, so that it also holds where a proxy has put the bridge below a path of its own.
    const [last = ''] = this.path.split('/').slice(-1)
    const target = c.req.path === '/' ? `.${this.path}/` : `./${last}/`
    return c.body(null, 302, { Location: target, 'Cache-Control': 'no-cache' })
  }

  /** Answers whatever lies below the path. */
  serve(c: Context<HttpEnv>): Response {
    allowReading(c)
    const name = c.req.path.slice(this.path.length + 1)
    if (name === 'about.json') return c.json(this.#facts, 200, { 'Cache-Control': 'no-cache' })
    if (name === '' && !Object.hasOwn(this.#files, '')) return c.text(NOT_BUILT, 503, { 'Cache-Control': 'no-store' })
    const file = Object.hasOwn(this.#files, name) ? this.#files[name] : undefined
    if (!file) throw new HttpError('not-found', `The web debugger has no such file: open ${this.path}/`)
    return this.#send(c, file)
  }

  #send(c: Context<HttpEnv>, file: PageFile): Response {
    // Weak, because it names both forms of the file.
    const etag = `W/${file.etag}`
    const headers = {
      ...HEADERS,
      ETag: etag,
      Vary: 'Accept-Encoding',
      'Cache-Control': file.isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache',
    }
    if (isNamed(c.req.header('if-none-match'), file.etag)) return c.body(null, 304, headers)
    const { packed, plain } = this.#bytesOf(file)
    return acceptsGzip(c.req.header('accept-encoding'))
      ? c.body(packed, 200, { ...headers, 'Content-Type': file.type, 'Content-Encoding': 'gzip' })
      : c.body(plain, 200, { ...headers, 'Content-Type': file.type })
  }

  #bytesOf(file: PageFile) {
    let bytes = this.#bytes.get(file)
    if (!bytes) {
      const packed = new Uint8Array(Buffer.from(file.body, 'base64'))
      bytes = { packed, plain: new Uint8Array(gunzipSync(packed)) }
      this.#bytes.set(file, bytes)
    }
    return bytes
  }
}

function allowReading(c: Context<HttpEnv>): void {
  if (c.req.method === 'GET' || c.req.method === 'HEAD') return
  throw new HttpError('method-not-allowed', `Cannot ${c.req.method} ${c.req.path}: use GET, HEAD`, {
    headers: { Allow: 'GET, HEAD' },
  })
}

/** RFC 9110 section 13.1.2: a list of tags, compared weakly. */
function isNamed(header: string | undefined, etag: string): boolean {
  const tags = header?.split(',').map((tag) => tag.trim().replace(/^W\//, '')) ?? []
  return tags.includes(etag) || tags.includes('*')
}

/** RFC 9110 section 12.5.3: a list of codings with weights; a weight of 0 is a refusal. */
function acceptsGzip(header: string | undefined): boolean {
  const weights = new Map(
    (header ?? '').split(',').map((part): [string, number] => {
      const [coding = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase())
      const weight = parameters.find((parameter) => parameter.startsWith('q='))
      return [coding, weight === undefined ? 1 : Number(weight.slice(2))]
    }),
  )
  return (weights.get('gzip') ?? weights.get('x-gzip') ?? weights.get('*') ?? 0) > 0
}
