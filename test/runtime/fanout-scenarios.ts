/** What a fan-out has to do on every runtime: steps on the server, and what each client must have got in the end. */

/** Text, or octets. */
export type Data = string | readonly number[]

export type Step =
  | readonly ['join' | 'leave', client: string, group: string]
  /** Several are one write of several messages. */
  | readonly ['write', group: string, ...messages: Data[]]
  | readonly ['send', client: string, data: Data]
  | readonly ['sendAll', client: string, ...messages: Data[]]
  | readonly ['terminate', client: string]
  /** Lets the event loop turn. */
  | readonly ['turn']

export interface Scenario {
  readonly name: string
  readonly steps: readonly Step[]
  /** What each client gets, message by message: nothing is joined or split. */
  readonly received: Readonly<Record<string, readonly Data[]>>
}

const crowd = Array.from({ length: 40 }, (_, i) => `c${i}`)
const long = Array.from({ length: 30 }, (_, i) => `${i}:${'x'.repeat(3000)};`)
const huge = 'y'.repeat(100_000)

export const scenarios: readonly Scenario[] = [
  {
    name: 'gives what is written to a group to its members and to nobody else',
    steps: [
      ['join', 'a', 'g'],
      ['join', 'b', 'g'],
      ['join', 'c', 'other'],
      ['write', 'g', '1'],
      ['write', 'g', '2'],
      ['turn'],
      ['write', 'g', '3'],
      ['write', 'nobody', '4'],
    ],
    received: { a: ['1', '2', '3'], b: ['1', '2', '3'], c: [] },
  },
  {
    name: 'gives a newcomer nothing of what was written before it joined',
    steps: [
      ['join', 'a', 'g'],
      ['write', 'g', '1'],
      ['join', 'b', 'g'],
      ['write', 'g', '2'],
      ['turn'],
      ['join', 'c', 'g'],
      ['write', 'g', '3'],
    ],
    received: { a: ['1', '2', '3'], b: ['2', '3'], c: ['3'] },
  },
  {
    name: '#72 gives a leaver all that was written before it left and nothing after',
    steps: [
      ['join', 'a', 'g'],
      ['join', 'b', 'g'],
      ['write', 'g', '1'],
      ['write', 'g', [2]],
      ['leave', 'a', 'g'],
      ['send', 'a', 'answered'],
      ['write', 'g', '3'],
    ],
    received: { a: ['1', [2], 'answered'], b: ['1', [2], '3'] },
  },
  {
    name: 'gives in order to one that is sent something by itself before it joins and after it left',
    steps: [
      ['join', 'b', 'g'],
      ['write', 'g', '1'],
      ['send', 'a', '2'],
      ['join', 'a', 'g'],
      ['write', 'g', '3'],
      ['leave', 'a', 'g'],
      ['write', 'g', '4'],
      ['send', 'a', '5'],
      ['join', 'a', 'g'],
      ['write', 'g', '6'],
    ],
    received: { a: ['2', '3', '5', '6'], b: ['1', '3', '4', '6'] },
  },
  {
    name: 'keeps the order of text and octets, each write a message of its own',
    steps: [
      ['join', 'a', 'g'],
      ['write', 'g', '1'],
      ['write', 'g', '2'],
      ['write', 'g', [0, 255]],
      ['write', 'g', [1]],
      ['write', 'g', '3'],
      ['write', 'g', 'é😀\0\n'],
    ],
    received: { a: ['1', '2', [0, 255], [1], '3', 'é😀\0\n'] },
  },
  {
    name: 'keeps several of one write messages of their own, in order with all else',
    steps: [
      ['join', 'a', 'g'],
      ['join', 'b', 'g'],
      ['write', 'g', '1', [2], '3', huge, '4'],
      ['sendAll', 'a', '5', [6], '7'],
      ['write', 'g', '8', '9'],
      ['turn'],
      ['sendAll', 'a', '10'],
      ['write', 'g', '11', '12'],
      ['sendAll', 'a', '13', huge],
      ['send', 'a', '14'],
    ],
    received: {
      a: ['1', [2], '3', huge, '4', '5', [6], '7', '8', '9', '10', '11', '12', '13', huge, '14'],
      b: ['1', [2], '3', huge, '4', '8', '9', '11', '12'],
    },
  },
  {
    name: 'keeps the order with what is sent to a socket',
    steps: [
      ['join', 'a', 'g'],
      ['join', 'b', 'g'],
      ['send', 'a', '1'],
      ['write', 'g', '2'],
      ['send', 'a', [3]],
      ['write', 'g', [4]],
      ['turn'],
      ['write', 'g', '5'],
      ['send', 'a', '6'],
      ['write', 'g', huge],
      ['send', 'a', '7'],
    ],
    received: { a: ['1', '2', [3], [4], '5', '6', huge, '7'], b: ['2', [4], '5', huge] },
  },
  {
    name: 'keeps messages apart and in order that are written or sent together',
    steps: [
      ['join', 'a', 'g'],
      ['join', 'b', 'g'],
      ['sendAll', 'a', '1', [2], '3'],
      ['write', 'g', '4', [5], huge, '6'],
      ['sendAll', 'a', ...long],
      ['write', 'g'],
      ['write', 'g', '7', ''],
    ],
    received: { a: ['1', [2], '3', '4', [5], huge, '6', ...long, '7', ''], b: ['4', [5], huge, '6', '7', ''] },
  },
  {
    name: 'gives long frames complete and in order',
    steps: [
      ['join', 'a', 'g'],
      ...long.map((text) => ['write', 'g', text] as const),
      ['write', 'g', huge],
      ['write', 'g', 'end'],
    ],
    received: { a: [...long, huge, 'end'] },
  },
  {
    name: 'gives once to who has joined twice',
    steps: [
      ['join', 'a', 'g'],
      ['join', 'a', 'g'],
      ['write', 'g', '1'],
      ['turn'],
      ['leave', 'a', 'g'],
      ['write', 'g', '2'],
    ],
    received: { a: ['1'] },
  },
  {
    name: 'takes a leave of a group that a socket is not in, and lets it join again',
    steps: [
      ['leave', 'a', 'g'],
      ['join', 'a', 'g'],
      ['leave', 'a', 'g'],
      ['join', 'a', 'g'],
      ['write', 'g', '1'],
    ],
    received: { a: ['1'] },
  },
  {
    name: 'keeps the groups of one socket apart',
    steps: [
      ['join', 'a', 'g'],
      ['join', 'a', 'h'],
      ['join', 'b', 'h'],
      ['write', 'g', '1'],
      ['turn'],
      ['write', 'h', '2'],
      ['leave', 'a', 'g'],
      ['write', 'g', '3'],
      ['write', 'h', '4'],
    ],
    received: { a: ['1', '2', '4'], b: ['2', '4'] },
  },
  {
    name: 'goes on with the others when one is dropped',
    steps: [
      ['join', 'a', 'g'],
      ['join', 'b', 'g'],
      ['write', 'g', '1'],
      ['terminate', 'b'],
      ['write', 'g', '2'],
      ['turn'],
      ['join', 'b', 'g'],
      ['send', 'b', 'lost'],
      ['leave', 'b', 'g'],
      ['write', 'g', '3'],
    ],
    received: { a: ['1', '2', '3'] },
  },
  {
    name: 'serves a crowd, some of whom leave',
    steps: [
      ...crowd.map((client) => ['join', client, 'g'] as const),
      ['write', 'g', '1'],
      ['turn'],
      ...crowd.filter((_, i) => i % 2).map((client) => ['leave', client, 'g'] as const),
      ['write', 'g', '2'],
    ],
    received: Object.fromEntries(crowd.map((client, i) => [client, i % 2 ? ['1'] : ['1', '2']])),
  },
]
