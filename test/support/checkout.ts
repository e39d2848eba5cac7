import { describe } from "vitest";

const { GLIP_OFFICIAL_REPO: checkout } = process.env;

/** The official checkout that the tests use; throws where there is none, so use it inside `describeOfficial` alone. */
export function officialCheckout(): string {
  if (checkout === undefined) throw new Error("GLIP_OFFICIAL_REPO is not set");
  return checkout;
}

/**
 * Tests that need the official checkout and a Python with the group `official`: `npm run test:official` runs them, and
 * finds them by their title. Elsewhere they are skipped, in one line that says why.
 */
export function describeOfficial(name: string, tests: () => void): void {
  if (checkout) describe(`official checkout: ${name}`, tests);
  else describe.skip(`official checkout: ${name} (skipped: GLIP_OFFICIAL_REPO is not set)`, tests);
}
