/** Files that go with a message or a form: what is allowed, what kind it is, how it is named to the server. */
import { flag, isRecord, type Json, number, record, text, texts } from "./read";

export type FileKind = "image" | "document" | "audio" | "video" | "custom";

export interface Limits {
  readonly image: number;
  readonly video: number;
  readonly audio: number;
  readonly other: number;
}

export interface UploadRules {
  readonly kinds: readonly FileKind[];
  /** With a dot, lower case; only for the kind `custom`. */
  readonly extensions: readonly string[];
  readonly most: number;
  readonly local: boolean;
  readonly remote: boolean;
}

/** A file that the visitor chose. */
export interface Attachment {
  readonly key: string;
  readonly name: string;
  readonly kind: FileKind;
  readonly size: number;
  /** 0 to 1 while it travels, 1 when the server has it. */
  readonly progress: number;
  readonly failed: string | null;
  readonly uploadId: string | null;
  /** A picture to show, or the link itself. */
  readonly url: string | null;
  readonly remote: boolean;
}

const EXTENSIONS: Record<Exclude<FileKind, "custom">, readonly string[]> = {
  image: ["jpg", "jpeg", "png", "webp", "gif", "svg"],
  video: ["mp4", "mov", "mpeg", "webm"],
  audio: ["mp3", "m4a", "wav", "amr", "mpga"],
  document: [
    "txt",
    "markdown",
    "md",
    "mdx",
    "pdf",
    "html",
    "htm",
    "xlsx",
    "xls",
    "docx",
    "csv",
    "vtt",
    "properties",
    "doc",
    "eml",
    "msg",
    "pptx",
    "ppt",
    "xml",
    "epub",
  ],
};
const KINDS: readonly FileKind[] = ["image", "document", "audio", "video", "custom"];
const MB = 1024 * 1024;

export function extensionOf(name: string): string {
  const dot = name.lastIndexOf(".");
  return dot > 0 ? name.slice(dot + 1).toLowerCase() : "";
}

export function kindOf(name: string, mime = ""): FileKind {
  const extension = extensionOf(name);
  for (const [kind, known] of Object.entries(EXTENSIONS)) if (known.includes(extension)) return asKind(kind);
  if (mime.startsWith("image/")) return "image";
  if (mime.startsWith("video/")) return "video";
  if (mime.startsWith("audio/")) return "audio";
  return mime.startsWith("text/") || mime === "application/pdf" ? "document" : "custom";
}

export function asKind(value: unknown): FileKind {
  return KINDS.find((kind) => kind === value) ?? "custom";
}

export function limitsFrom(parameters: Json): Limits {
  const system = record(parameters.system_parameters);
  return {
    image: number(system.image_file_size_limit, 10) * MB,
    video: number(system.video_file_size_limit, 100) * MB,
    audio: number(system.audio_file_size_limit, 50) * MB,
    other: number(system.file_size_limit, 15) * MB,
  };
}

/** Both shapes of `file_upload`: pictures only, and files of chosen kinds. */
export function rulesFrom(value: unknown): UploadRules | null {
  const upload = record(value);
  if (flag(upload.enabled)) {
    const methods = texts(upload.allowed_file_upload_methods);
    const kinds = texts(upload.allowed_file_types).map(asKind);
    return {
      kinds: kinds.length > 0 ? kinds : ["image"],
      extensions: texts(upload.allowed_file_extensions).map((extension) => `.${extension.replace(/^\./, "").toLowerCase()}`),
      most: number(upload.number_limits, 3),
      local: methods.length === 0 || methods.includes("local_file"),
      remote: methods.includes("remote_url"),
    };
  }
  const image = record(upload.image);
  if (!flag(image.enabled)) return null;
  const methods = texts(image.transfer_methods);
  return {
    kinds: ["image"],
    extensions: [],
    most: number(image.number_limits, 3),
    local: methods.length === 0 || methods.includes("local_file"),
    remote: methods.includes("remote_url"),
  };
}

/** Files of a list that does not say how many. */
const MOST_IN_A_LIST = 10;

/** What a field of the types `file` and `file-list` takes: where it names nothing, everything, as the server does. */
export function fieldRules(type: "file" | "file-list", control: Json): UploadRules {
  const kinds = texts(control.allowed_file_types).map(asKind);
  const methods = texts(control.allowed_file_upload_methods);
  const most = number(control.max_length);
  return {
    kinds: kinds.length > 0 ? kinds : KINDS,
    extensions: kinds.length > 0 ? texts(control.allowed_file_extensions).map((extension) => `.${extension.replace(/^\./, "").toLowerCase()}`) : [],
    most: type === "file" ? 1 : most > 0 ? most : MOST_IN_A_LIST,
    local: methods.length === 0 || methods.includes("local_file"),
    remote: methods.length === 0 || methods.includes("remote_url"),
  };
}

/** For the `accept` of the file picker; empty where every file is taken. */
export function acceptOf(rules: UploadRules): string {
  if (rules.kinds.includes("custom") && rules.extensions.length === 0) return "";
  return rules.kinds.flatMap((kind) => (kind === "custom" ? rules.extensions : EXTENSIONS[kind].map((extension) => `.${extension}`))).join(",");
}

/** The kind under which these rules take the file, or null. */
export function acceptedKind(rules: UploadRules, name: string, mime = ""): FileKind | null {
  const kind = kindOf(name, mime);
  if (kind !== "custom" && rules.kinds.includes(kind)) return kind;
  if (!rules.kinds.includes("custom")) return null;
  return rules.extensions.length === 0 || rules.extensions.includes(`.${extensionOf(name)}`) ? "custom" : null;
}

export interface Problem {
  readonly key: string;
  readonly values?: Readonly<Record<string, string | number>>;
}

/** Why the file cannot be taken, or null. */
export function problemOf(rules: UploadRules, limits: Limits, file: { name: string; size: number; type: string }, already: number): Problem | null {
  if (already >= rules.most) return { key: "files.tooMany", values: { count: rules.most } };
  if (!acceptedKind(rules, file.name, file.type)) return { key: "files.wrongType", values: { name: file.name } };
  const kind = kindOf(file.name, file.type);
  const most = kind === "image" || kind === "video" || kind === "audio" ? limits[kind] : limits.other;
  if (file.size > most) return { key: "files.tooBig", values: { name: file.name, size: megabytes(file.size), limit: megabytes(most) } };
  return file.size === 0 ? { key: "files.empty", values: { name: file.name } } : null;
}

export function megabytes(bytes: number): string {
  return (bytes / MB).toFixed(bytes < 10 * MB && bytes % MB !== 0 ? 1 : 0);
}

export function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < MB ? `${Math.round(bytes / 1024)} KB` : `${megabytes(bytes)} MB`;
}

/** As the server wants a file named. */
export function mappingOf(file: Attachment): Json {
  if (file.remote) return { type: file.kind, transfer_method: "remote_url", url: file.url ?? "" };
  return { type: file.kind, transfer_method: "local_file", upload_file_id: file.uploadId ?? "" };
}

/** A stored file value back to a mapping, to send the same inputs again. */
export function mappingFrom(value: Json): Json {
  const type = text(value.type, "custom");
  if (value.transfer_method === "remote_url") return { type, transfer_method: "remote_url", url: text(value.remote_url) || text(value.url) };
  const id = text(value.upload_file_id) || text(value.related_id);
  return { type, transfer_method: text(value.transfer_method, "local_file"), upload_file_id: id };
}

export const isFileValue = (value: unknown): value is Json => isRecord(value) && typeof value.transfer_method === "string";

/** A file of a stored message or an output, for showing. */
export function attachmentFrom(value: Json): Attachment {
  const url = text(value.url) || text(value.remote_url);
  const name = text(value.filename) || decodeURIComponent(/\/([^/?#]+)(?:[?#]|$)/.exec(url)?.[1] ?? "file");
  return {
    key: text(value.id) || text(value.related_id) || url,
    name,
    kind: value.type ? asKind(value.type) : kindOf(name, text(value.mime_type)),
    size: number(value.size),
    progress: 1,
    failed: null,
    uploadId: text(value.upload_file_id) || text(value.related_id) || null,
    url: url || null,
    remote: value.transfer_method === "remote_url",
  };
}
