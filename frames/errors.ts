/** What can be wrong with a frame. The codes are stable: they go out in the `code` header of an ERROR frame. */
export const FrameErrorCode = {
  badCommand: 'bad-command',
  badHeader: 'bad-header',
  badEscape: 'bad-escape',
  badUtf8: 'bad-utf8',
  badLineEnding: 'bad-line-ending',
  badContentLength: 'bad-content-length',
  badHeartBeat: 'bad-heart-beat',
  missingNul: 'missing-nul',
  bodyNotAllowed: 'body-not-allowed',
  tooManyHeaders: 'too-many-headers',
  headerTooLong: 'header-too-long',
  frameTooLarge: 'frame-too-large',
} as const
export type FrameErrorCode = (typeof FrameErrorCode)[keyof typeof FrameErrorCode]

/** A frame that breaks the protocol or a limit. The text may be shown to the peer. */
export class FrameError extends Error {
  override name = 'FrameError'
  readonly code: FrameErrorCode
  /** The `receipt` header of the broken frame, as far as it could be read. */
  readonly receipt: string | undefined

  constructor(code: FrameErrorCode, message: string, receipt?: string) {
    super(message)
    this.code = code
    this.receipt = receipt
  }
}
