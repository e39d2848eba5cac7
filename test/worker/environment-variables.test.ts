import { afterEach, expect, it, vi } from "vitest";
import { workerEnvironment } from "../../src/worker/environment-variables.ts";

afterEach(() => vi.unstubAllEnvs());

const variables = { pythonSource: "/python", bytecode: "/bytecode" };
const spins = (extra?: Record<string, string>): string | undefined =>
  workerEnvironment({ ...variables, extra })["GOMP_SPINCOUNT"];

it("lets threads spin for a short time, unless somebody said how they are to wait", () => {
  vi.stubEnv("OMP_WAIT_POLICY", undefined);
  vi.stubEnv("GOMP_SPINCOUNT", undefined);
  expect(Number(spins())).toBeLessThan(100_000);
  expect(spins({ GOMP_SPINCOUNT: "7" })).toBe("7");
  vi.stubEnv("GOMP_SPINCOUNT", "8");
  expect(spins()).toBe("8");
  vi.stubEnv("GOMP_SPINCOUNT", undefined);
  vi.stubEnv("OMP_WAIT_POLICY", "active");
  expect(spins()).toBeUndefined();
});
