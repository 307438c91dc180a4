/** Content moderation as the editor sees it. Unknown keys stay as they came. */

export const KINDS = ["keywords", "openai_moderation", "api"] as const;
export type Kind = (typeof KINDS)[number];

export interface Side {
  readonly enabled: boolean;
  readonly preset: string;
}

export interface Moderation {
  readonly enabled: boolean;
  readonly kind: Kind;
  readonly keywords: string;
  readonly extension: string;
  readonly inputs: Side;
  readonly outputs: Side;
}

/** Characters of a prepared answer, of the list of words, and its lines. */
export const MAX_PRESET = 100;
export const MAX_KEYWORDS = 10_000;
export const MAX_ROWS = 100;

export type Problem = "keywords" | "tooMany" | "extension" | "sides" | "preset";

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value)) : {};
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");

function readSide(value: unknown): Side {
  const side = record(value);
  return { enabled: side.enabled === true, preset: text(side.preset_response) };
}

export function readModeration(json: unknown): Moderation {
  const feature = record(json);
  const config = record(feature.config);
  return {
    enabled: feature.enabled === true,
    kind: KINDS.find((kind) => kind === feature.type) ?? "keywords",
    keywords: text(config.keywords),
    extension: text(config.api_based_extension_id),
    inputs: readSide(config.inputs_config),
    outputs: readSide(config.outputs_config),
  };
}

export function writeModeration(moderation: Moderation, before: unknown): Record<string, unknown> {
  const feature = record(before);
  const config = record(feature.config);
  const side = ({ enabled, preset }: Side, name: string) => ({ ...record(config[name]), enabled, preset_response: preset });
  return {
    ...feature,
    enabled: moderation.enabled,
    type: moderation.kind,
    config: {
      ...config,
      keywords: moderation.keywords,
      api_based_extension_id: moderation.extension,
      inputs_config: side(moderation.inputs, "inputs_config"),
      outputs_config: side(moderation.outputs, "outputs_config"),
    },
  };
}

/** What keeps the setting from working, if anything does. */
export function problemOf(moderation: Moderation): Problem | undefined {
  const { kind, keywords, extension, inputs, outputs } = moderation;
  if (kind === "keywords") {
    if (keywords.trim() === "") return "keywords";
    if ([...keywords].length > MAX_KEYWORDS || keywords.split("\n").length > MAX_ROWS) return "tooMany";
  }
  if (kind === "api" && extension === "") return "extension";
  const sides = [inputs, outputs].filter((side) => side.enabled);
  if (sides.length === 0) return "sides";
  if (kind !== "api" && sides.some((side) => side.preset.trim() === "" || [...side.preset].length > MAX_PRESET)) return "preset";
  return undefined;
}
