/** `file_upload` as the editor sees it: which files may come with a message. Unknown keys stay as they came. */

export const FILE_TYPES = ["image", "document", "audio", "video", "custom"] as const;
export type FileType = (typeof FILE_TYPES)[number];
export const METHODS = ["local_file", "remote_url"] as const;
export type Method = (typeof METHODS)[number];

export interface Files {
  readonly enabled: boolean;
  readonly types: readonly FileType[];
  /** With their dots; they count for the type `custom`. */
  readonly extensions: readonly string[];
  readonly methods: readonly Method[];
  readonly most: number;
  /** How closely a model looks at images. */
  readonly detail: "high" | "low";
}

export const MOST_FILES = 10;
const DEFAULT_FILES = 3;

export type FilesProblem = "types" | "extensions" | "methods";

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value)) : {};
}

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

export function readFiles(json: unknown): Files {
  const setting = record(json);
  const image = record(setting.image);
  // Files from before there were other types say it for images only.
  const old = setting.enabled !== true && image.enabled === true;
  const types = FILE_TYPES.filter((type) => list(setting.allowed_file_types).includes(type));
  const named = METHODS.filter((method) => list(setting.allowed_file_upload_methods).includes(method));
  const pictured = METHODS.filter((method) => list(image.transfer_methods).includes(method));
  const methods = named.length > 0 ? named : pictured;
  const most = Number(old ? image.number_limits : (setting.number_limits ?? image.number_limits));
  return {
    enabled: setting.enabled === true || old,
    types: types.length > 0 ? types : ["image"],
    extensions: list(setting.allowed_file_extensions).filter((each) => typeof each === "string"),
    methods: methods.length > 0 ? methods : METHODS,
    most: Number.isInteger(most) && most > 0 ? Math.min(most, MOST_FILES) : DEFAULT_FILES,
    detail: image.detail === "low" ? "low" : "high",
  };
}

export function writeFiles(files: Files, before: unknown): Record<string, unknown> {
  const setting = record(before);
  return {
    ...setting,
    enabled: files.enabled,
    allowed_file_types: files.types,
    allowed_file_extensions: files.extensions,
    allowed_file_upload_methods: files.methods,
    number_limits: files.most,
    image: {
      ...record(setting.image),
      enabled: files.enabled && files.types.includes("image"),
      number_limits: files.most,
      detail: files.detail,
      transfer_methods: files.methods,
    },
  };
}

/** `pdf .MD, txt` as `.pdf .md .txt`. */
export function extensionsOf(text: string): string[] {
  const found = text
    .split(/[\s,;]+/)
    .map((each) => each.toLowerCase().replace(/^\.*/, ""))
    .filter(Boolean);
  return [...new Set(found)].map((each) => `.${each}`);
}

export function filesProblem(files: Files): FilesProblem | undefined {
  if (files.types.length === 0) return "types";
  if (files.types.includes("custom") && files.extensions.length === 0) return "extensions";
  return files.methods.length === 0 ? "methods" : undefined;
}
