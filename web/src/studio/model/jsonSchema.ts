/** The fields a JSON schema describes, as variables. */
import type { OutputVariable } from "./variables";

const DEPTH = 5;

function field(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}

function typeOf(schema: unknown): string {
  const type = field(schema, "type");
  if (type === "integer") return "number";
  if (type === "array") {
    const item = field(field(schema, "items"), "type");
    const known = ["string", "number", "integer", "boolean", "object"].find((t) => t === item);
    return known ? `array[${known === "integer" ? "number" : known}]` : "array";
  }
  return typeof type === "string" ? type : "any";
}

export function schemaFields(schema: unknown, depth = 0): OutputVariable[] {
  const properties = field(schema, "properties");
  if (typeof properties !== "object" || properties === null || depth > DEPTH) return [];
  return Object.entries(properties).map(([name, inner]) => {
    const type = typeOf(inner);
    const children = type === "object" ? schemaFields(inner, depth + 1) : [];
    return children.length > 0 ? { name, type, children } : { name, type };
  });
}
