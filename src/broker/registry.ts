/**
 * What is filed under a destination or a pattern: pure data. Exact destinations in a map, patterns in a tree of segments,
 * so that finding all that a destination reaches costs its length, not the number of what is filed.
 */
import { isPattern, patternSegments, segmentMatches } from '../destinations.ts'

interface Node<Value> {
  /** Reached by `**`: stays where it is for any number of segments. */
  readonly isDeep: boolean
  readonly literals: Map<string, Node<Value>>
  /** Segments with `*` or `?` in them. */
  readonly wildcards: Map<string, Node<Value>>
  /** The child for `**`. */
  deep: Node<Value> | undefined
  value: Value | undefined
  /** The step of a walk that has reached it last. */
  reachedAt: number
}

export class Registry<Value extends object> implements Iterable<Value> {
  readonly #make: (destination: string) => Value
  readonly #exact = new Map<string, Value>()
  readonly #root: Node<Value> = newNode()
  #patterns = 0
  #steps = 0

  /** `make` makes what is filed, when it is first asked for. */
  constructor(make: (destination: string) => Value) {
    this.#make = make
  }

  /** What is filed under exactly this destination; undefined if there is nothing, and for a pattern. */
  find(destination: string): Value | undefined {
    return this.#exact.get(destination)
  }

  /** What is filed under this destination or pattern, made if need be. */
  obtain(destination: string): Value {
    if (!isPattern(destination)) {
      let value = this.#exact.get(destination)
      if (!value) this.#exact.set(destination, (value = this.#make(destination)))
      return value
    }
    let node = this.#root
    for (const segment of patternSegments(destination)) node = childOf(node, segment)
    // Two spellings of one pattern (`/a/**/**`) share a node; who subscribed with which does not matter for delivery.
    if (!node.value) {
      node.value = this.#make(destination)
      this.#patterns++
    }
    return node.value
  }

  /** Forget what is filed under this destination, if it is still this value. */
  remove(destination: string, value: Value): void {
    if (!isPattern(destination)) {
      if (this.#exact.get(destination) === value) this.#exact.delete(destination)
    } else if (removePattern(this.#root, patternSegments(destination), 0, value)) {
      this.#patterns--
    }
  }

  /** All that a message to this destination reaches, each once. */
  match(destination: string): Value[] {
    const exact = this.#exact.get(destination)
    const found = exact ? [exact] : []
    if (this.#patterns > 0) this.#walk(destination.split('/'), found)
    return found
  }

  /** The exact ones, then the patterns. */
  *[Symbol.iterator](): Generator<Value> {
    yield* this.#exact.values()
    yield* valuesBelow(this.#root)
  }

  /** Goes all ways at once, segment by segment: each node at most once per segment, whatever the patterns are. */
  #walk(segments: readonly string[], found: Value[]): void {
    let current: Node<Value>[] = []
    this.#steps++
    this.#reach(this.#root, current)
    for (const segment of segments) {
      const next: Node<Value>[] = []
      this.#steps++
      for (const node of current) {
        if (node.isDeep) this.#reach(node, next)
        const literal = node.literals.get(segment)
        if (literal) this.#reach(literal, next)
        if (node.wildcards.size === 0) continue
        for (const [pattern, child] of node.wildcards) if (segmentMatches(pattern, segment)) this.#reach(child, next)
      }
      if (next.length === 0) return
      current = next
    }
    for (const { value } of current) if (value) found.push(value)
  }

  /** Once per step; `**` may match no segment at all. */
  #reach(node: Node<Value>, reached: Node<Value>[]): void {
    if (node.reachedAt === this.#steps) return
    node.reachedAt = this.#steps
    reached.push(node)
    if (node.deep) this.#reach(node.deep, reached)
  }
}

function* valuesBelow<Value>(node: Node<Value>): Generator<Value> {
  if (node.value) yield node.value
  for (const child of node.literals.values()) yield* valuesBelow(child)
  for (const child of node.wildcards.values()) yield* valuesBelow(child)
  if (node.deep) yield* valuesBelow(node.deep)
}

function newNode<Value>(isDeep = false): Node<Value> {
  return { isDeep, literals: new Map(), wildcards: new Map(), deep: undefined, value: undefined, reachedAt: 0 }
}

function childOf<Value>(node: Node<Value>, segment: string): Node<Value> {
  if (segment === '**') return (node.deep ??= newNode(true))
  const children = isPattern(segment) ? node.wildcards : node.literals
  let child = children.get(segment)
  if (!child) children.set(segment, (child = newNode()))
  return child
}

/** Removes a pattern's value and the nodes that only led to it. True if it was there. */
function removePattern<Value>(node: Node<Value>, segments: readonly string[], depth: number, value: Value): boolean {
  const segment = segments[depth]
  if (segment === undefined) {
    if (node.value !== value) return false
    node.value = undefined
    return true
  }
  const children = isPattern(segment) ? node.wildcards : node.literals
  const child = segment === '**' ? node.deep : children.get(segment)
  if (!child || !removePattern(child, segments, depth + 1, value)) return false
  if (!child.value && !child.deep && child.literals.size === 0 && child.wildcards.size === 0) {
    if (segment === '**') node.deep = undefined
    else children.delete(segment)
  }
  return true
}
