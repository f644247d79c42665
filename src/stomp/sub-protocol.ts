/** Which sub-protocol a WebSocket handshake is answered with, for whoever takes it and knows no frames. */
export { pickSubProtocol } from '../../frames/index.ts'
