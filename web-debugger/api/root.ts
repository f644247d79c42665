/** Where the bridge answers, as this page reaches it: a proxy may have put it below a path of its own. Pure. */

/** The path of the page where nothing else is configured. */
const USUAL_PATH = '/debugger'

/**
 * The address that all paths of the bridge come after, without a slash at the end. `pagePath` is what the bridge calls
 * the path of the page; undefined while it has not said.
 */
export function rootOf(pageUrl: string, pagePath = USUAL_PATH): string {
  const { origin, pathname } = new URL(pageUrl)
  const directory = pathname.slice(0, pathname.lastIndexOf('/'))
  return directory.endsWith(pagePath) ? origin + directory.slice(0, -pagePath.length) : origin
}
