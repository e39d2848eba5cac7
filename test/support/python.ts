/**
 * The Python that tests run: `GLIP_PYTHON` when it is set, else the one of the managed environment.
 *
 * @throws GlipError `environment_missing` when there is neither
 */
export async function testPython(): Promise<string> {
  const chosen = process.env["GLIP_PYTHON"];
  if (chosen !== undefined && chosen !== "") return chosen;
  const { resolveEnvironment } = await import("../../src/environment/resolve.ts");
  return resolveEnvironment().python;
}
