/** What the APIs of a bridge take and answer: the types of its own schemas. */
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
export type {
  Closed,
  HistoryMessageView as HistoryMessage,
  HistoryPageView as HistoryPage,
  PresenceView as Presence,
  QueueCountsView as Queue,
  QueueMessageView as QueueMessage,
  RevocationRequest as Revocation,
  UsersPage,
  UserView as User,
} from '../../src/http/schema.ts'
