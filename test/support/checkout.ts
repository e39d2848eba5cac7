import { describe } from "vitest";

const { GLIP_OFFICIAL_REPO: checkout } = process.env;
const present = Boolean(checkout);
const reason = present ? "" : " (skipped: GLIP_OFFICIAL_REPO is not set)";

/** The official checkout that the tests use; throws where there is none, so use it inside `describeOfficial` alone. */
export function officialCheckout(): string {
  if (checkout === undefined) throw new Error("GLIP_OFFICIAL_REPO is not set");
  return checkout;
}

/**
 * Tests that need the official checkout and a Python with the group `official`: `npm run test:official` runs them, and
 * finds them by their title. Elsewhere they are skipped, with a title that says why.
 */
export function describeOfficial(name: string, tests: () => void): void {
  describe.runIf(present)(`official checkout: ${name}${reason}`, () => {
    tests();
  });
}
