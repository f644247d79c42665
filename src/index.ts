/** Embedding: build a bridge inside another program, with your own configuration, authenticator or bus. */
export { createBridge } from './bridge.ts'
export type { Bridge, BridgeAddress, BridgeOptions } from './bridge-api.ts'
export { ConfigError, loadConfig, parseConfig, type Config, type ConfigInput } from './config.ts'
export type { OwnAccess } from './bridge-access.ts'
export type { ReloadResult } from './bridge-reload.ts'
export type { RuleSettings } from './config/rule-syntax.ts'
export type { Authenticator, Credentials, Verdict } from './access/authenticator.ts'
export type { Handshake } from './access/handshake.ts'
export type { Identity } from './access/identity.ts'
export {
  BusRefusedError,
  BusUnavailableError,
  type Bus,
  type BusListener,
  type BusMessage,
  type BusNode,
} from './bus/bus.ts'
export { ERRORS, ProtocolError, type ErrorCode } from './errors.ts'
export { silentLog, type Log } from './log.ts'
export type { Listener, Runtime } from './socket.ts'
