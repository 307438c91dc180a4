/** Folders of a drive: what is asked for, and what is found. */
import { z } from "zod";
import { type DriveEntry, sourceRunPath, type Workflow } from "../../data/pipelines";
import { stream } from "../../lib/sse";
import { advance, type SourceState, STARTED } from "./sources";

/** Entries of one answer. */
const AT_A_TIME = 50;

/** A folder; the top has neither bucket nor prefix. */
export interface Place {
  readonly bucket: string;
  readonly prefix: string;
  readonly name: string;
}

export const TOP: Place = { bucket: "", prefix: "", name: "" };

/** What the next part of a folder is asked for with. */
export type Next = Readonly<Record<string, unknown>>;

export const START: Next = {};

/** A part of a folder, or the buckets that stand above all folders. */
export interface Look {
  readonly buckets: readonly string[];
  readonly bucket: string;
  readonly entries: readonly DriveEntry[];
  readonly next: Next | undefined;
}

export function inputsAt(place: Place, next: Next): Next {
  return {
    ...(place.bucket ? { bucket: place.bucket } : {}),
    prefix: place.prefix,
    max_keys: AT_A_TIME,
    ...(Object.keys(next).length > 0 ? { next_page_parameters: next } : {}),
  };
}

const entrySchema = z.object({
  id: z.string(),
  name: z.string(),
  size: z.number().catch(0),
  type: z.enum(["file", "folder"]),
});

const partSchema = z.looseObject({
  bucket: z
    .string()
    .nullish()
    .catch("")
    .transform((bucket) => bucket ?? ""),
  files: z.array(z.unknown()).catch([]),
  is_truncated: z.boolean().catch(false),
  next_page_parameters: z.record(z.string(), z.unknown()).catch({}),
});

export function lookOf(place: Place, data: readonly unknown[]): Look {
  const parts = data.flatMap((each) => partSchema.safeParse(each).data ?? []);
  const top = !place.bucket && !place.prefix;
  // Lists that have a bucket each and no files are the buckets themselves.
  if (top && parts.length > 0 && parts.every((part) => part.bucket && part.files.length === 0 && !part.is_truncated)) {
    return { buckets: parts.map((part) => part.bucket), bucket: "", entries: [], next: undefined };
  }
  const [part] = parts;
  return {
    buckets: [],
    bucket: part?.bucket ?? "",
    entries: (part?.files ?? []).flatMap((file) => entrySchema.safeParse(file).data ?? []),
    next: part?.is_truncated ? part.next_page_parameters : undefined,
  };
}

export interface Drive {
  readonly pipelineId: string;
  readonly which: Workflow;
  readonly node: string;
  readonly credential: string;
}

/** Looks into a folder; what the drive says against it is thrown, and `cut` when it says nothing. */
export async function browse(drive: Drive, place: Place, next: Next, cut: string, signal: AbortSignal): Promise<Look> {
  let state: SourceState = STARTED;
  const body = { inputs: inputsAt(place, next), datasource_type: "online_drive", credential_id: drive.credential };
  await stream(
    sourceRunPath(drive.pipelineId, drive.which, drive.node),
    body,
    (event) => {
      state = advance(state, event);
    },
    signal,
  );
  return resultOf(state, place, cut);
}

function resultOf(state: SourceState, place: Place, cut: string): Look {
  if (state.status === "done") return lookOf(place, state.data);
  throw new Error((state.status === "failed" && state.error) || cut);
}
