import type { Command } from "commander";
import { writeKeys } from "../worker/keys.ts";

export function addKeys(program: Command): void {
  program
    .command("keys")
    .argument("<directory>", "where the key files go")
    .description("make the CURVE keys for a worker on another host, or add a client to them")
    .option("--client <name>", "name of the client", "client")
    .action((directory: string, { client }: { client: string }) => {
      const paths = writeKeys(directory, client);
      console.log(
        `${paths.worker}  keep it on the worker's host: npx glip worker --bind tcp://0.0.0.0:7777 --keys worker.json`,
      );
      console.log(
        `${paths.client}  take it to the client's host: connect("tcp://HOST:7777", { keys: "${client}.json" })`,
      );
    });
}
