/**
 * Who may do what: the rules of the configuration, compiled once for a bridge. The first rule that applies decides, and
 * what none applies to is refused. Asked for each SUBSCRIBE and SEND, never for a delivery.
 */
import { isPattern } from '../destinations.ts'
import { ownCopy } from '../text.ts'
import { builtInSend, builtInSubscribe, ruledDestination } from './built-in.ts'
import type { Decision } from './decision.ts'
import type { Identity } from './identity.ts'
import { parsePattern } from './patterns.ts'
import { Rule } from './rule.ts'
import { RuleIndex } from './rule-index.ts'
import { ruleProblems, type Action, type RuleSettings } from '../config/rule-syntax.ts'
import type { Effort } from './segments.ts'
import { Subject } from './subject.ts'

const NO_RULE: Decision = { allowed: false, rule: undefined, reason: 'no rule matches' }
const NO_COVER: Decision = { allowed: false, rule: undefined, reason: 'no rule allows all that the pattern matches' }
const TOO_MUCH: Decision = { allowed: false, rule: undefined, reason: 'the pattern takes too much work to judge' }

/** Work that one pattern of a client's is worth, see `Effort`: some milliseconds. A thousand usual rules take a tenth. */
const MAX_STEPS = 2_000_000
/** Answers that are kept for each identity, and the longest destination that is kept, in characters. */
const MAX_KEPT = 16
const MAX_KEPT_LENGTH = 128

export class Rules {
  readonly #subscribe: RuleIndex
  readonly #send: RuleIndex
  /** May it send there? Clients send to the same few destinations again and again. */
  readonly #kept = new WeakMap<Identity, Map<string, boolean>>()

  /** Errors: Error, if a rule is not well formed; the configuration has been checked for that. */
  constructor(settings: readonly RuleSettings[]) {
    const rules = settings.map((each, i) => {
      const [problem] = ruleProblems(each)
      if (problem) throw new Error(`Rule ${i + 1}: ${[...problem.path, problem.text].join(' ')}`)
      return new Rule(each, i)
    })
    this.#subscribe = new RuleIndex(rules.filter(({ actions }) => actions.includes('subscribe')))
    this.#send = new RuleIndex(rules.filter(({ actions }) => actions.includes('send')))
  }

  /** `destination`: as the client writes it. */
  maySend(identity: Identity, destination: string): boolean {
    let kept = this.#kept.get(identity)
    const known = kept?.get(destination)
    if (known !== undefined) return known
    const { allowed } = this.explain(identity, 'send', destination)
    if (destination.length > MAX_KEPT_LENGTH) return allowed
    if (!kept) this.#kept.set(identity, (kept = new Map<string, boolean>()))
    else if (kept.size >= MAX_KEPT) kept.delete(kept.keys().next().value!)
    kept.set(ownCopy(destination), allowed)
    return allowed
  }

  /** Returns the answer with its reason. */
  explain(identity: Identity, action: Action, destination: string): Decision {
    const subject = new Subject(identity)
    if (action === 'send') return builtInSend(destination) ?? decideExact(this.#send, destination, subject)
    const builtIn = builtInSubscribe(destination, subject)
    if (builtIn) return builtIn
    const ruled = ruledDestination(destination)
    return (isPattern(ruled) ? decidePattern : decideExact)(this.#subscribe, ruled, subject)
  }
}

function decideExact(rules: RuleIndex, destination: string, subject: Subject): Decision {
  return rules.first(destination.split('/'), subject)?.applies ?? NO_RULE
}

/** Up to the first rule that decides on all of it; denied if one before that denies some of it. */
function decidePattern(rules: RuleIndex, destination: string, subject: Subject): Decision {
  const pattern = parsePattern(destination)
  const effort: Effort = { steps: 0 }
  for (const rule of rules.near(pattern)) {
    const decides = rule.isAllowing
      ? rule.coversAll(pattern, subject, effort)
      : rule.meetsSome(pattern, subject, effort)
    if (effort.steps > MAX_STEPS) return TOO_MUCH
    if (decides) return rule.isAllowing ? rule.applies : rule.meets
  }
  return NO_COVER
}
