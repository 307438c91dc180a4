/** Server-sent events over fetch: a POST with a body and headers, which EventSource cannot do. */
import { readEvents, type StreamEvent } from "./events";
import { type RequestOptions, request } from "./http";

export { EventParser, isEvent, readEvents, type StreamEvent } from "./events";

export async function stream(path: string, body: unknown, onEvent: (event: StreamEvent) => void, signal?: AbortSignal): Promise<void> {
  const options: RequestOptions = signal ? { method: "POST", body, signal } : { method: "POST", body };
  const response = await request(path, options);
  if (response.body) await readEvents(response.body, onEvent);
}
