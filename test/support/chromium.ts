/** Chromium as tests and screenshots have it: the one of this machine, headless, asking nobody for anything by itself. */
import { chromium as playwright, type Browser } from 'playwright-core'
import { chromium, findProgram, missing } from '../../scripts/programs.mjs'

export const DESKTOP = { width: 1280, height: 800 }
/** As narrow as phones in use are. */
export const PHONE = { width: 360, height: 740 }

/** Whoever calls this closes it. `args` are more of Chromium's. Errors: rejects with how to install one, if there is none. */
export async function launchChromium(args: readonly string[] = []): Promise<Browser> {
  const found = findProgram(chromium)
  if (!found) throw missing(chromium)
  return playwright.launch({
    executablePath: found.path,
    // As root its sandbox does not work, and it refuses to start.
    chromiumSandbox: process.getuid?.() !== 0,
    args: [
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...args,
    ],
  })
}
