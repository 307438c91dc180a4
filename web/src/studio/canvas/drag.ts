/** A node kind on its way from the palette to the canvas. */
import { z } from "zod";
import type { NewNode } from "../store/actions";

const MIME = "application/x-oxidify-node";

const schema = z.object({
  type: z.string(),
  title: z.string(),
  model: z.object({ provider: z.string(), name: z.string(), mode: z.string() }).optional(),
  data: z.record(z.string(), z.unknown()).optional(),
});

export function putOnDrag(transfer: DataTransfer, node: NewNode): void {
  transfer.setData(MIME, JSON.stringify(node));
  transfer.effectAllowed = "copy";
}

export function newNodeFromDrag(transfer: DataTransfer): NewNode | undefined {
  const text = transfer.getData(MIME);
  if (!text) return undefined;
  const parsed = schema.safeParse(JSON.parse(text));
  return parsed.success ? { ...parsed.data, model: parsed.data.model } : undefined;
}
