import { z } from "zod";
import { clientMessages, protocolVersion, workerMessages } from "./messages.ts";
import { type MethodSchema, methods } from "./methods.ts";

type JsonSchema = Record<string, unknown>;

export interface ProtocolSchema {
  protocol: number;
  client: Record<string, JsonSchema>;
  worker: Record<string, JsonSchema>;
  methods: Record<string, { params: JsonSchema; result: JsonSchema; event: JsonSchema | null }>;
}

/** The whole protocol as JSON Schema; a tensor is `{ "x-tensor": { dtypes, rank } }`. */
export function protocolSchema(): ProtocolSchema {
  return {
    protocol: protocolVersion,
    client: convertAll(clientMessages),
    worker: convertAll(workerMessages),
    methods: Object.fromEntries(
      Object.entries(methods).map(([name, schema]: [string, MethodSchema]) => [
        name,
        {
          params: convert(schema.params),
          result: convert(schema.result),
          event: schema.event === undefined ? null : convert(schema.event),
        },
      ]),
    ),
  };
}

function convertAll(schemas: Record<string, z.ZodType>): Record<string, JsonSchema> {
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, convert(schema)]));
}

function convert(schema: z.ZodType): JsonSchema {
  // A tensor has no JSON form: `any` leaves its metadata as the schema.
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { unrepresentable: "any", io: "output" }) as JsonSchema;
  return rest;
}
