/**
 * Text that comes from others may hold characters that turn what follows them around, unseen: a body could read as
 * another one, and change how the words of the page beside it read. In one place for all that is drawn, so that no
 * component can forget it. The raw view says which character it is.
 */
import { options, type VNode } from 'preact'

/** Embeddings, overrides and isolates of Unicode's bidirectional algorithm. */
const TURNS = /[\u202a-\u202e\u2066-\u2069]/g
/** One character for one: what is marked in a text stays marked. */
const SIGN = '\ufffd'

/** From now on each of those characters is drawn as a sign, in texts and in what is shown when one points at them. */
export function drawTextStraight(): void {
  const next = options.vnode?.bind(options)
  options.vnode = (node: VNode) => {
    const { props } = node as { props: unknown }
    if (typeof props === 'string') node.props = props.replace(TURNS, SIGN) as unknown as VNode['props']
    else if (hasTitle(props)) props.title = props.title.replace(TURNS, SIGN)
    next?.(node)
  }
}

function hasTitle(props: unknown): props is { title: string } {
  return typeof (props as { readonly title?: unknown } | null)?.title === 'string'
}
