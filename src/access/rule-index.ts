/** The rules of one action, filed by the segments that they begin with: few are looked at for one destination. */
import type { Rule } from './rule.ts'
import type { Segment } from './segments.ts'
import type { Subject } from './subject.ts'

interface Node {
  /** Those that begin with exactly the segments down to here; in the order of the list. */
  readonly rules: Rule[]
  readonly children: Map<string, Node>
}

export class RuleIndex {
  readonly #root = newNode()

  constructor(rules: readonly Rule[]) {
    for (const rule of rules) this.#file(rule)
  }

  /** The first rule of the list that decides on a destination of these segments. */
  first(texts: readonly string[], subject: Subject): Rule | undefined {
    let first: Rule | undefined
    let node: Node | undefined = this.#root
    for (let depth = 0; node; depth++) {
      for (const rule of node.rules) {
        if (first && first.index < rule.index) break
        if (rule.appliesTo(texts, subject)) {
          first = rule
          break
        }
      }
      const text: string | undefined = texts[depth]
      node = text === undefined ? undefined : node.children.get(text)
    }
    return first
  }

  /** All that may have something to do with a pattern, in the order of the list. */
  near(pattern: readonly Segment[]): Rule[] {
    const found: Rule[] = []
    let node: Node | undefined = this.#root
    for (const segment of pattern) {
      if (segment.kind !== 'text') {
        collect(node, found)
        node = undefined
        break
      }
      found.push(...node.rules)
      node = node.children.get(segment.text)
      if (!node) break
    }
    if (node) found.push(...node.rules)
    return found.sort((a, b) => a.index - b.index)
  }

  #file(rule: Rule): void {
    let node = this.#root
    for (const text of rule.prefix) {
      let child = node.children.get(text)
      if (!child) node.children.set(text, (child = newNode()))
      node = child
    }
    node.rules.push(rule)
  }
}

function newNode(): Node {
  return { rules: [], children: new Map() }
}

function collect(node: Node, found: Rule[]): void {
  found.push(...node.rules)
  for (const child of node.children.values()) collect(child, found)
}
