/** The built page, written by scripts/build-debugger.mjs. The bridge serves it from memory. */

export interface Asset {
  /** Media type, with charset where it has one. */
  readonly type: string
  /** Base64 of the file compressed with gzip. */
  readonly body: string
  /** With its quotes, as the header has it. */
  readonly etag: string
  /** The name changes with the content, so that a browser may keep it for ever. */
  readonly isImmutable: boolean
}

/** By path below the path of the page: `''` is the page itself. */
export const assets: Readonly<Record<string, Asset>>
