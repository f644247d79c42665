/** What the APIs of a bridge take and answer: the types of its own schemas. */
export type {
  About,
  BridgeView as Bridge,
  ChannelMessage,
  Codec,
  Explanation,
  NodeView as Node,
  RouteView as Route,
  Sample,
  SamplesView as Samples,
  SessionsView as SessionList,
  SessionView as Session,
  Totals,
  Wish,
} from '../../src/debug/schema.ts'
export type {
  Closed,
  HistoryMessageView as HistoryMessage,
  HistoryPageView as HistoryPage,
  PresenceView as Presence,
  QueueCountsView as Queue,
  QueueMessageView as QueueMessage,
  QueuePageView as QueuePage,
  RevocationRequest as Revocation,
  UsersPage,
  UserView as User,
} from '../../src/http/schema.ts'
