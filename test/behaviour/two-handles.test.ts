import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { connect } from "../../src/launch.ts";
import { Tensor } from "../../src/protocol/tensor.ts";
import { within } from "../support/connection.ts";
import { failure, launchFaulty } from "../support/faults.ts";
import { directoriesOf } from "../support/leftovers.ts";
import { transports } from "../support/worker.ts";

describe.skipIf(process.platform !== "linux").each(transports)("%s: two handles on one worker", (transport) => {
  it("work side by side, and closing one does not disturb the other", { timeout: 60_000 }, async () => {
    const before = directoriesOf(process.pid);
    await using launched = await launchFaulty({ transport });
    const owner = launched.glip;
    const [folder = ""] = directoriesOf(process.pid).filter((name) => !before.includes(name));
    const endpoint = readFileSync(join("/dev/shm", folder, "endpoint"), "utf8");
    const guest = await connect(endpoint, { transport });
    expect(guest.info.pid).toBe(owner.info.pid);

    // Both number their calls from 1 on: answers must not be mixed up, tensors neither.
    const large = (value: number): Tensor => Tensor.from("float32", [value]).reshape([1]);
    const calls = Array.from({ length: 300 }, async (_, value) => {
      const glip = value % 2 === 0 ? owner : guest;
      const result = await glip.call("diagnostics.echo", { value: { value, tensor: large(value) } });
      const echoed = result.value as { value: number; tensor: Tensor };
      return echoed.value === value && echoed.tensor.at(0) === value;
    });
    expect(new Set(await within(10_000, Promise.all(calls)))).toEqual(new Set([true]));

    // Cancelling one's call leaves the other's, of the same number perhaps, alone.
    const controller = new AbortController();
    const given = guest.call("diagnostics.count", { steps: 100, pause_ms: 100 }, { signal: controller.signal });
    const kept = owner.call("diagnostics.echo", { value: "kept" });
    controller.abort();
    await within(500, failure(given, "cancelled"));
    expect(await within(2000, kept)).toEqual({ value: "kept" });

    const running = guest.call("diagnostics.count", { steps: 100, pause_ms: 100 });
    const stays = owner.call("diagnostics.echo", { value: "stays" });
    await guest.ping();
    const ended = failure(running, "worker_closed");
    await guest.close();
    await within(500, ended);
    expect(await within(5000, stays)).toEqual({ value: "stays" });
    await within(100, failure(guest.call("diagnostics.echo", { value: 1 }), "worker_closed"));

    const again = await connect(endpoint, { transport });
    const data = new Tensor("uint8", [3 * 2 ** 20], new Uint8Array(3 * 2 ** 20).fill(7));
    const { value } = await within(5000, again.call("diagnostics.echo", { value: data }));
    expect((value as Tensor).equals(data)).toBe(true);
    const pending = failure(again.call("diagnostics.count", { steps: 100, pause_ms: 100 }), "worker_closed");
    await again.ping();
    await owner.close();
    await within(1000, pending);
    await again.close();
    expect(directoriesOf(process.pid)).toEqual(before);
  });
});
