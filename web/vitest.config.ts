import { defineConfig } from "vitest/config";

export default defineConfig({
  // One DOM and one loading of what is imported for each worker, not for each file.
  test: { environment: "jsdom", testTimeout: 20_000, pool: "threads", isolate: false, setupFiles: ["src/test/setup.ts"], include: ["src/**/*.test.{ts,tsx}"] },
});
