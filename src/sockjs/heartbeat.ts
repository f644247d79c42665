/** How often a frame `h` tells everybody on the way that a session is alive, in milliseconds; 0.3.3 "Protocol". */
export const HEARTBEAT_MS = 25_000
