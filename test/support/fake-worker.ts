import { Unpackr } from "msgpackr";
import { MessageAssembler } from "../../src/bridge/zmtp/assembler.ts";
import { parseCommand } from "../../src/bridge/zmtp/commands.ts";
import { FrameParser } from "../../src/bridge/zmtp/frames.ts";
import { schemaHash } from "../../src/protocol/schema-hash.ts";
import { type FakePeer, command, fakePeer, frame, opening } from "./fake-peer.ts";
import { header } from "./raw-message.ts";

/** What a client said, as far as a test wants to know. */
export interface Said {
  kind: string;
  id: number;
  method?: string;
  params?: Record<string, unknown>;
}

/** What the worker says of itself, unless a test wants something else. */
export const readyMessage = {
  kind: "ready",
  id: 1,
  protocol: 1,
  schema: schemaHash,
  pid: 1,
  engine: "none",
  versions: {},
  device: { type: "cpu", index: null, name: "none", memory_bytes: 1 },
  methods: [],
  limits: { max_frame_bytes: 2 ** 30, max_pending: 64 },
  shared_memory: false,
};

/** Something that speaks ZMTP and answers as the test says; it answers `hello` by itself, with `ready`. */
export function fakeWorker(
  onMessage: (said: Said, send: (...frames: Uint8Array[]) => void, hangUp: () => void) => void,
  ready: Record<string, unknown> = {},
): Promise<FakePeer> {
  const unpackr = new Unpackr({ useRecords: false });
  return fakePeer((socket) => {
    socket.write(opening());
    const send = (...frames: Uint8Array[]): void => {
      frames.forEach((body, index) => socket.write(frame(index < frames.length - 1 ? 1 : 0, body)));
    };
    const assembler = new MessageAssembler(2 ** 30);
    const parser = new FrameParser(2 ** 30, (flags, body) => {
      if ((flags & 4) !== 0) {
        const { name, data } = parseCommand(body);
        // A PING brings a time to live and a context, which the PONG brings back.
        if (name === "PING") socket.write(command("PONG", data.subarray(2)));
        return;
      }
      const message = assembler.add(flags, body);
      if (message === undefined) return;
      const said = unpackr.unpack(message[0] ?? new Uint8Array()) as Said;
      if (said.kind === "hello") send(header({ ...readyMessage, ...ready, id: said.id }));
      else onMessage(said, send, () => socket.end());
    });
    let greeted = 0;
    socket.on("data", (chunk: Uint8Array) => {
      const rest = chunk.subarray(Math.min(chunk.length, 64 - greeted));
      greeted += chunk.length - rest.length;
      if (rest.length > 0) parser.push(rest);
    });
  });
}
