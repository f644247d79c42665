/**
 * What a STOMP server over WebSocket has to do, as this bridge does it: a numbered list, drawn from the STOMP 1.0, 1.1
 * and 1.2 specifications and from the clients in use. Tests name the numbers (`#57 needs a destination`), and
 * `requirements.test.ts` sees to it that none is forgotten.
 */
import type { Version } from '../frames/index.ts'

/** How binding a requirement is. */
export const LEVELS = {
  M: 'The specification says MUST',
  S: 'The specification says SHOULD',
  Y: 'The specification says MAY: what we chose',
  F: 'The specification states it as a fact, or leaves it to be concluded',
  L: 'Our own rule, where the specification is silent and clients differ',
} as const
export type Level = keyof typeof LEVELS

export interface Requirement {
  readonly number: number
  readonly section: string
  readonly level: Level
  /** Versions of STOMP that it concerns. */
  readonly versions: readonly Version[]
  readonly text: string
}

type Row = readonly [number: number, level: Level, versions: readonly Version[], text: string]

const ALL: readonly Version[] = ['1.0', '1.1', '1.2']
const V10: readonly Version[] = ['1.0']
const V11: readonly Version[] = ['1.1']
const V12: readonly Version[] = ['1.2']
const OLDER: readonly Version[] = ['1.0', '1.1']
const NEWER: readonly Version[] = ['1.1', '1.2']

const SECTIONS: Readonly<Record<string, readonly Row[]>> = {
  Framing: [
    [1, 'M', ALL, 'A frame is a command line, header lines, a blank line, a body and a NUL; case matters everywhere.'],
    [2, 'M', V12, 'A line may end with LF or with CR LF, also mixed in one frame.'],
    [
      3,
      'F',
      OLDER,
      'A line ends with LF, and a CR before it is text; before the version is agreed CR LF is taken too.',
    ],
    [4, 'L', V12, 'A CR that no LF follows, inside a line or between frames, is an error.'],
    [5, 'M', ALL, 'Any number of line ends may stand between frames; they mean nothing but that the peer is alive.'],
    [6, 'M', ALL, 'With content-length the body is exactly that many octets, NULs included, and a NUL has to follow.'],
    [7, 'M', ALL, 'Without content-length the body ends at the first NUL.'],
    [8, 'L', ALL, 'A content-length that is no number, or more than is allowed, is refused before its body is read.'],
    [9, 'S', ALL, 'Of two content-length headers the first counts.'],
    [10, 'M', NEWER, 'Only SEND, MESSAGE and ERROR may have a body; any other frame with one is an error.'],
    [11, 'F', V10, 'The body of a SUBSCRIBE is ignored.'],
    [12, 'M', ALL, 'A frame that we send with a body has a content-length, most of all when there are NULs in it.'],
    [13, 'S', ALL, 'A body whose type we know is sent with a content-type.'],
    [14, 'M', ALL, 'Command and headers are UTF-8, and anything else is an error; the body may be any octets.'],
    [15, 'M', NEWER, 'Spaces in header names and values are part of them, at both ends too.'],
    [16, 'F', V10, 'A space between the colon and the value is taken off, as the examples of 1.0 have one.'],
    [17, 'S', ALL, 'Of headers with the same name the first counts.'],
    [18, 'Y', ALL, 'The others of that name may be passed on, and are never an error.'],
    [19, 'L', ALL, 'A header line without a colon or without a name is an error; an empty value is not.'],
    [20, 'L', ALL, 'Colons behind the first one of a header line belong to the value.'],
    [21, 'L', ALL, 'A frame that can have no body may leave out the blank line, as examples of the specification do.'],
    [
      22,
      'S',
      ALL,
      'Frame size, number of headers, header length and what a session may hold are limited: beyond is an ERROR.',
    ],
  ],
  Escaping: [
    [23, 'M', V12, 'In names and values `\\r`, `\\n`, `\\c` and `\\\\` stand for CR, LF, colon and backslash.'],
    [24, 'M', V11, 'The same without `\\r`, which 1.1 does not know.'],
    [25, 'M', NEWER, 'Any other escape, and a backslash at the end, is an error that ends the connection.'],
    [26, 'F', V10, 'Nothing is escaped: a backslash is a backslash.'],
    [27, 'M', ALL, 'What we send is escaped the same way; what a version cannot carry is left out, never sent raw.'],
    [28, 'M', ALL, 'CONNECT and CONNECTED are not escaped.'],
    [29, 'L', ALL, 'An ERROR before a version is agreed has nothing in its headers that would need escaping.'],
    [30, 'M', ALL, 'The version agreed for the session decides how its frames are escaped, not the best one we know.'],
  ],
  CONNECT: [
    [31, 'M', NEWER, 'STOMP is another spelling of CONNECT.'],
    [32, 'M', ALL, 'The first frame must be CONNECT or STOMP, in time; anything else is an ERROR.'],
    [33, 'M', ALL, 'A client that gives no accept-version speaks 1.0.'],
    [34, 'M', ALL, 'The highest version that both know is agreed, whatever else is in the list and in which order.'],
    [35, 'M', ALL, 'With no version in common the client is told in an ERROR which there are, and is closed.'],
    [36, 'M', NEWER, 'CONNECTED says the version.'],
    [37, 'F', V10, 'CONNECTED names the session.'],
    [38, 'Y', ALL, 'CONNECTED has a `session` that is unique and a `server` of the form name/version.'],
    [39, 'Y', ALL, 'The `host` header may be missing, and any host is taken.'],
    [40, 'S', ALL, 'A connection that is refused gets an ERROR that says why, and is closed.'],
    [41, 'M', ALL, '`login` and `passcode` are optional and never written to a log.'],
    [42, 'L', ALL, 'A second CONNECT is an ERROR.'],
    [43, 'F', ALL, 'A `receipt` header of CONNECT is ignored.'],
    [
      44,
      'M',
      ALL,
      'A client may connect, send and disconnect as fast as it can: nothing is lost and nothing stays behind.',
    ],
    [45, 'L', ALL, 'The headers of CONNECT decide the version, not the sub-protocol of the WebSocket.'],
  ],
  'Heart-beats': [
    [46, 'M', NEWER, 'The heart-beat header is two non-negative integers; anything else is an ERROR.'],
    [47, 'M', NEWER, 'A missing heart-beat header means 0,0.'],
    [
      48,
      'L',
      NEWER,
      'CONNECTED always has a heart-beat header, as some clients fail without one; 1.0 has no heart-beats.',
    ],
    [49, 'M', NEWER, 'A client must send every max(what it can, what we want), or never if either is 0.'],
    [50, 'M', NEWER, 'We send every max(what we can, what the client wants), or never if either is 0.'],
    [51, 'M', NEWER, 'Something is on the wire at least once in every interval agreed.'],
    [52, 'M', NEWER, 'With nothing else to send it is a single LF, in a WebSocket message of its own.'],
    [53, 'M', NEWER, 'Any octet that is received counts as a sign of life, and any frame sent counts as a heart-beat.'],
    [54, 'S', NEWER, 'A late heart-beat is tolerated: a client is given up only after twice its interval.'],
    [55, 'Y', NEWER, 'A client that stays silent longer gets an ERROR and is closed, and what it had is released.'],
    [56, 'L', NEWER, 'Ping and pong of the WebSocket are no heart-beats.'],
  ],
  SEND: [
    [57, 'M', ALL, 'SEND without a destination is an ERROR.'],
    [58, 'M', ALL, 'A destination is taken as it is, and MESSAGE gives back the same string.'],
    [59, 'M', ALL, 'User headers travel with the message.'],
    [
      60,
      'L',
      ALL,
      'A client cannot set the headers that the server sets on MESSAGE; receipt and transaction stay behind.',
    ],
    [61, 'M', ALL, 'A SEND that cannot be handled is an ERROR, and the connection is closed.'],
    [62, 'M', ALL, 'A frame that names a transaction which is not open is an ERROR.'],
    [
      63,
      'L',
      ALL,
      'A body may be empty; its octets and its content-type are passed on unchanged, and no type is made up.',
    ],
  ],
  'SUBSCRIBE and UNSUBSCRIBE': [
    [64, 'M', ALL, 'SUBSCRIBE without a destination is an ERROR.'],
    [65, 'M', ALL, 'SUBSCRIBE needs an id, except in 1.0.'],
    [66, 'M', ALL, 'An id that the connection already uses is an ERROR.'],
    [67, 'F', ALL, 'Two subscriptions to one destination get two MESSAGEs.'],
    [68, 'F', ALL, 'Ids belong to their connection and are free again after UNSUBSCRIBE.'],
    [69, 'F', ALL, '`ack` is auto, client or (not in 1.0) client-individual; anything else is an ERROR.'],
    [70, 'M', ALL, 'A subscription that cannot be made is an ERROR, and the connection is closed.'],
    [
      71,
      'M',
      ALL,
      'UNSUBSCRIBE needs an id (in 1.0 an id or a destination); one that is not live is ignored and counted.',
    ],
    [72, 'F', ALL, 'After UNSUBSCRIBE no MESSAGE comes for the subscription.'],
    [
      73,
      'L',
      ALL,
      'Its deliveries that were not acknowledged are released, and acknowledging them later has no effect.',
    ],
    [74, 'Y', ALL, 'Headers of SUBSCRIBE that we do not know are ignored.'],
    [75, 'Y', ALL, 'But `selector` is refused: without one every message would be delivered.'],
  ],
  MESSAGE: [
    [76, 'M', ALL, 'MESSAGE has the destination, a unique message-id and the id of its subscription, if that has one.'],
    [77, 'M', V12, 'MESSAGE has an `ack` header, unique per delivery, exactly if it is to be acknowledged.'],
    [78, 'M', V11, 'message-id and subscription together name one delivery.'],
    [79, 'S', ALL, 'MESSAGE has content-length, and content-type where it is known.'],
    [80, 'F', ALL, 'No MESSAGE comes without a subscription.'],
  ],
  'ACK and NACK': [
    [81, 'M', V12, 'ACK and NACK name the delivery by `id`, which is the `ack` header of its MESSAGE.'],
    [82, 'M', V11, 'ACK and NACK name the delivery by `message-id` and `subscription`.'],
    [83, 'M', V10, 'ACK names the delivery by `message-id`; NACK does not exist and is an ERROR.'],
    [84, 'F', ALL, 'In client mode ACK covers all earlier deliveries to that subscription, and no other subscription.'],
    [85, 'M', NEWER, 'In client-individual mode ACK covers the one delivery that it names.'],
    [86, 'F', NEWER, 'NACK covers the same deliveries as ACK would.'],
    [87, 'Y', NEWER, 'A message that is NACKed is discarded and counted.'],
    [88, 'Y', ALL, 'What was not acknowledged when the connection went is not delivered again.'],
    [89, 'L', ALL, 'To acknowledge what was never delivered for it is an ERROR; to do so twice is ignored.'],
    [90, 'F', ALL, 'In a transaction ACK and NACK take effect at COMMIT.'],
  ],
  Transactions: [
    [91, 'M', ALL, 'BEGIN, COMMIT and ABORT without a transaction header are an ERROR.'],
    [92, 'M', ALL, 'BEGIN with the name of an open transaction is an ERROR.'],
    [93, 'L', ALL, 'COMMIT and ABORT of a transaction that is not open are an ERROR.'],
    [94, 'M', ALL, 'At COMMIT everything in it is applied, in order and unmixed; before it nothing can be seen.'],
    [95, 'F', ALL, 'ABORT drops everything, and the name is free again.'],
    [96, 'F', ALL, 'What is open when the session ends, in whatever way, is dropped.'],
    [97, 'L', ALL, 'Names belong to their connection; number, frames and bytes of open transactions are limited.'],
  ],
  RECEIPT: [
    [
      98,
      'M',
      ALL,
      'Every frame but CONNECT that asks for a receipt gets it, with that id, when it has been processed.',
    ],
    [99, 'F', ALL, 'Receipts come in the order of the frames.'],
    [100, 'L', ALL, 'In a transaction the receipt of SEND means that it is kept; that of COMMIT, that it is applied.'],
    [101, 'F', ALL, 'The id of a receipt is unescaped and escaped like any other value.'],
    [102, 'L', ALL, 'A frame that is answered by ERROR gets no RECEIPT.'],
    [
      103,
      'L',
      ALL,
      'The receipt of SUBSCRIBE means that it is live in Redis too; that of SEND, that Redis has the message.',
    ],
  ],
  ERROR: [
    [104, 'M', ALL, 'After ERROR nothing is sent, nothing more is handled, and the connection is closed.'],
    [105, 'S', ALL, 'ERROR has a short `message`.'],
    [106, 'S', ALL, 'ERROR names the receipt of the frame that caused it, as far as that can be read.'],
    [107, 'S', ALL, 'ERROR has a `code` that is stable, for programs.'],
    [108, 'S', ALL, 'ERROR with a body has content-type and content-length.'],
    [109, 'S', ALL, 'Everything up to the ERROR reaches the client before the connection closes.'],
    [110, 'L', ALL, 'ERROR tells nothing of what is inside the server.'],
  ],
  'DISCONNECT and the end': [
    [
      111,
      'M',
      ALL,
      'DISCONNECT with a receipt gets it after all else; then the client may close, and soon the server does.',
    ],
    [112, 'F', ALL, 'DISCONNECT without a receipt closes the connection at once, without ERROR.'],
    [113, 'L', ALL, 'Frames after DISCONNECT are ignored.'],
    [114, 'S', ALL, 'Frames that came before the connection ended are processed all the same.'],
    [115, 'F', ALL, 'Subscriptions, transactions and deliveries are released, however the connection ends.'],
    [116, 'Y', ALL, 'A command that we do not know is an ERROR.'],
    [117, 'L', ALL, 'So is a command that only servers send.'],
  ],
  'WebSocket binding': [
    [
      118,
      'L',
      ALL,
      'The first sub-protocol offered that is STOMP is answered; with none there is none, and the client may come.',
    ],
    [119, 'L', ALL, 'A message may hold many frames, and a frame may span many messages, cut anywhere.'],
    [120, 'L', ALL, 'Text and binary messages may alternate, and a binary one may end inside a character.'],
    [121, 'L', ALL, 'We send text, unless the body is not UTF-8 or is declared binary.'],
    [122, 'L', ALL, 'Every frame ends with a NUL, and a heart-beat is a text message.'],
    [
      123,
      'L',
      ALL,
      'Close codes: 1002 after ERROR, 1008 refused, 1001 shutdown, 1009 too large, 1013 full; short reasons.',
    ],
  ],
}

/** All of them, in order. */
export const REQUIREMENTS: readonly Requirement[] = Object.entries(SECTIONS).flatMap(([section, rows]) =>
  rows.map(([number, level, versions, text]) => ({ number, section, level, versions, text })),
)
