import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { RUNTIMES, type RuntimeName } from './test/support/runtime-names.ts'

const SMOKE = 'test/e2e/smoke.test.ts'

/** Each file of these runs bridges, a Redis and clients beside itself: a little longer, and few at a time. */
const endToEnd = {
  testTimeout: 30_000,
  hookTimeout: 30_000,
  // For all projects of one group together: vitest runs a group as one list of files. They wait more than they work: with
  // two the tests took 27 minutes on two cores, which were idle for a third of that.
  maxWorkers: 3,
  // When the unit tests are through, so that it has the machine to itself.
  sequence: { groupOrder: 1 },
}

/** One project per runtime, so that an end-to-end suite is one file; and one each for what runs once. */
export default defineConfig({
  test: {
    // A forgotten `.only` would pass silently. For a moment's use: `npx vitest --allowOnly`.
    allowOnly: false,
    retry: 0,
    passWithNoTests: false,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**'],
          // vitest leaves one core for itself, and would use one of two.
          // On a busy machine a quick test can take longer than vitest's 5 s.
          testTimeout: 20_000,
          hookTimeout: 20_000,
          maxWorkers: Math.max(2, availableParallelism() - 1),
          sequence: { groupOrder: 0 },
        },
      },
      ...RUNTIMES.map((runtime: RuntimeName) => ({
        extends: true as const,
        test: {
          ...endToEnd,
          name: `e2e-${runtime}`,
          include: ['test/e2e/**/*.test.ts'],
          exclude: ['test/e2e/once/**', SMOKE],
          // Read in `test/support/runtime.ts`.
          provide: { runtime },
        },
      })),
      // With the unit tests it is `npm run test:quick`.
      { extends: true, test: { ...endToEnd, name: 'smoke', include: [SMOKE], provide: { runtime: 'bun' as const } } },
      {
        extends: true,
        test: {
          ...endToEnd,
          name: 'e2e-once',
          include: ['test/e2e/once/**/*.test.ts'],
          // Browsers work more than they wait.
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
          // For what shares its stage with suites of every runtime.
          provide: { runtime: 'bun' as const },
        },
      },
    ],
  },
})
