/** The STOMP codec: decoder, encoder, escaping, heart-beats and versions. No dependency, no runtime API: also for browsers. */
export { FrameError, FrameErrorCode } from './errors.ts'
export { Command, FrameHeaders, hasEscapedHeaders, isConnect, mayHaveBody, type Frame, type Header } from './frame.ts'
export { negotiateVersion, pickSubProtocol, SUB_PROTOCOLS, Version, VERSIONS } from './version.ts'
export { escapeHeader, escapeHeaderName, plainValue, stripHeader, unescapeHeader } from './escape.ts'
export { decodeFrames, DEFAULT_DECODER_LIMITS, FrameDecoder, type DecoderLimits } from './decoder.ts'
export { encodeFrame, HEART_BEAT, MessageTemplate, messageStamp, type FrameToEncode } from './encoder.ts'
export { utf8Length } from './utf8.ts'
export {
  formatHeartBeat,
  MAX_HEART_BEAT_MS,
  negotiateHeartBeat,
  parseHeartBeat,
  type HeartBeat,
  type HeartBeatIntervals,
} from './heart-beat.ts'
