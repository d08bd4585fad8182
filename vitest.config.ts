import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'node',
          environment: 'node',
          include: ['test/unit/**/*.test.ts', 'test/train/**/*.test.ts'],
          testTimeout: 60_000,
        },
      },
    ],
  },
});
