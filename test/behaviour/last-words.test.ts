import { describe, expect, it } from "vitest";
import { connect } from "../../src/launch.ts";
import { within } from "../support/connection.ts";
import { fakeWorker } from "../support/fake-worker.ts";
import { failure } from "../support/faults.ts";
import { header } from "../support/raw-message.ts";
import { transports } from "../support/worker.ts";

describe.each(transports)("%s: what a worker says last", (transport) => {
  it("is heard, however soon it hangs up", { timeout: 30_000 }, async () => {
    await using peer = await fakeWorker(({ kind, id }, send, hangUp) => {
      if (kind !== "request") return;
      for (let seq = 0; seq < 20; seq++) send(header({ kind: "event", id, seq, value: seq }));
      send(header({ kind: "goodbye", reason: "that was all" }));
      hangUp();
    });
    for (let count = 0; count < 50; count++) {
      const glip = await connect(peer.endpoint, { transport });
      const events: unknown[] = [];
      const loop = async (): Promise<void> => {
        for await (const event of glip.stream("mine.events")) events.push(event);
      };
      const error = await within(1000, failure(loop(), "worker_closed"));
      expect(error.message).toBe("The worker is closing: that was all");
      expect(events).toEqual([...Array(20).keys()]);
      await glip.close();
    }
  });
});
