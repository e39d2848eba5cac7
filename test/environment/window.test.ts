import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, it, onTestFinished } from "vitest";
import { openWindow, type PythonWindow } from "../../src/environment/window.ts";
import { temporaryFolder } from "../support/folders.ts";

const multiLine = 'Traceback (most recent call last):\n  File "<string>", line 1\nValueError: one\ntwo: three';

/** A window to a Python that answers what it is asked for by name. */
async function window(answers: Record<string, object>): Promise<PythonWindow> {
  const path = join(temporaryFolder(), "window.sock");
  const server = createServer((socket) => {
    socket.on("error", () => {});
    createInterface({ input: socket }).on("line", (line) => {
      const { r, key, val } = JSON.parse(line) as { r: number; key: unknown; val: unknown };
      const name = [key, val].flat(3).find((part) => typeof part === "string" && part in answers);
      socket.write(`${JSON.stringify({ r, ...(answers[String(name)] ?? { key: "obj", val: 7, sig: "" }) })}\n`);
    });
  });
  server.listen(path);
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const opened = await openWindow(path);
  onTestFinished(() => opened.close());
  return opened;
}

it("gives values", async () => {
  const python = await window({ "1 + 1": { key: "int", val: 2 } });
  expect(await python.evaluate("1 + 1")).toBe(2);
});

it("rejects with what Python raised, typed", async () => {
  const python = await window({ bad: { key: "error", val: "", sig: multiLine } });
  await expect(python.evaluate("bad")).rejects.toMatchObject({
    code: "worker_error",
    message: "Python: ValueError: one",
    details: { type: "ValueError", traceback: multiLine },
  });
});

it("rejects after close", async () => {
  const python = await window({});
  python.close();
  python.close();
  await expect(python.evaluate("1")).rejects.toMatchObject({ code: "worker_closed" });
});

it("says that nothing listens", async () => {
  const path = join(temporaryFolder(), "nothing.sock");
  await expect(openWindow(path)).rejects.toMatchObject({ code: "connection_refused", details: { endpoint: path } });
});
