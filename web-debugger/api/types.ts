/** What the debug API of a bridge answers: the types of its own schemas. */
export type {
  About,
  BridgeView as Bridge,
  ChannelMessage,
  Codec,
  NodeView as Node,
  RouteView as Route,
  SessionsView as SessionList,
  SessionView as Session,
  Totals,
} from '../../src/debug/schema.ts'
