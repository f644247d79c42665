/** A page under axe, light and dark: whatever it finds counts, minor or not. */
import axe, { type AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'

const RULES_IN_THE_DARK = { runOnly: ['color-contrast'] }

export interface Audit {
  /** Looks at the page as it is now. */
  (where: string): Promise<void>
  readonly found: string[]
}

export async function createAudit(page: Page): Promise<Audit> {
  // What fades in has its colours only at the end.
  await page.emulateMedia({ reducedMotion: 'reduce' })
  await page.evaluate(axe.source)
  const found: string[] = []
  const run = async (where: string, options: object) => {
    const { violations } = await page.evaluate<AxeResults>(`axe.run(document, ${JSON.stringify(options)})`)
    for (const { impact, id, nodes } of violations) {
      for (const { target, failureSummary } of nodes)
        found.push(`${where}: ${id} (${impact}) at ${target.join(' ')}\n${failureSummary}`)
    }
  }
  const audit = async (where: string) => {
    await run(`${where}, light`, { resultTypes: ['violations'] })
    await page.emulateMedia({ colorScheme: 'dark' })
    await run(`${where}, dark`, { resultTypes: ['violations'], ...RULES_IN_THE_DARK })
    await page.emulateMedia({ colorScheme: 'light' })
  }
  return Object.assign(audit, { found })
}
