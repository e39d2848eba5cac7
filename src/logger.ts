/** Any object with these four methods: `console`, pino, winston. The SDK is silent unless it is given one. */
export interface Logger {
  error(message: string, ...details: unknown[]): void;
  warn(message: string, ...details: unknown[]): void;
  info(message: string, ...details: unknown[]): void;
  debug(message: string, ...details: unknown[]): void;
}

const ignore = (): void => {};

export const silentLogger: Logger = { error: ignore, warn: ignore, info: ignore, debug: ignore };
