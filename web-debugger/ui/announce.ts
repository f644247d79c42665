/** Reads a short text out to people who do not see the page change. */

const ID = 'announcer'

/** Says the text once, politely, after whatever is being read. */
export function announce(text: string): void {
  const region = document.getElementById(ID) ?? createRegion()
  // The same text twice is only read if the region was empty in between.
  region.textContent = ''
  requestAnimationFrame(() => (region.textContent = text))
}

function createRegion(): HTMLElement {
  const region = document.createElement('div')
  region.id = ID
  region.className = 'visually-hidden'
  region.setAttribute('role', 'status')
  region.setAttribute('aria-live', 'polite')
  document.body.append(region)
  return region
}
