import { defineConfig } from 'vitest/config'

/** Two projects, so that the end-to-end suite starts when the quick tests are through and has the machine to itself. */
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
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 30_000,
          hookTimeout: 30_000,
          // Each file runs bridges, a Redis and clients beside itself.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
