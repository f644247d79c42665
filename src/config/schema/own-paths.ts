/** Which paths are taken: the bridge answers them itself. */

/** Paths that the HTTP application answers itself, so that nothing else can be there. */
export const OWN_PATHS = [
  '/health',
  '/ready',
  '/metrics',
  '/docs',
  '/openapi.json',
  '/api/notification',
  '/api/notifications',
  '/api/tickets',
  '/api/revocations',
  '/api/users',
  '/api/presence',
  '/raw',
  '/sse',
]
/** Those of the debug API and of other doors, which may be off; one that ends in a slash stands for all below it. */
const OTHER_PATHS = [
  '/api/bridge',
  '/api/bridge/',
  '/api/explain',
  '/api/history',
  '/api/retained',
  '/api/queues',
  '/api/queues/',
  '/api/sessions',
  '/api/sessions/',
  '/api/users/',
  '/api/channels/',
  '/raw/',
  '/sse/',
]

/** Does the bridge answer this path itself, or may it? */
export function isOwnPath(path: string): boolean {
  return (
    OWN_PATHS.includes(path) || OTHER_PATHS.some((own) => (own.endsWith('/') ? path.startsWith(own) : path === own))
  )
}
