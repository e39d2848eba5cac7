/** What a run of the engine native writes into its folder. */
export const runFiles = {
  events: "events.jsonl",
  config: "config.json",
  environment: "environment.json",
  result: "result.json",
  log: "run.log",
  /** Names the process that holds the folder, from before the first event. */
  lock: ".lock",
  /** Asks the run to end after its step, with a checkpoint. */
  stop: ".stop",
  /** Asks for a checkpoint now. */
  checkpoint: ".checkpoint",
} as const;
