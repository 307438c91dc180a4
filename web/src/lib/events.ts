/** Server-sent events: from bytes to values. Knows nothing of addresses or sessions. */

export interface StreamEvent {
  readonly event: string;
  readonly [key: string]: unknown;
}

/** Splits a byte stream into the data of its events, whatever the chunk borders are. */
export class EventParser {
  private rest = "";
  private data: string[] = [];

  push(text: string): string[] {
    const out: string[] = [];
    this.rest += text;
    const lines = this.rest.split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "") {
        if (this.data.length > 0) out.push(this.data.join("\n"));
        this.data = [];
      } else if (line.startsWith("data:")) this.data.push(line.slice(line.charAt(5) === " " ? 6 : 5));
    }
    return out;
  }

  end(): string[] {
    return this.push("\n\n");
  }
}

export function isEvent(value: unknown): value is StreamEvent {
  return typeof value === "object" && value !== null && typeof Reflect.get(value, "event") === "string";
}

function deliver(texts: readonly string[], onEvent: (event: StreamEvent) => void): void {
  for (const text of texts) {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      continue;
    }
    if (isEvent(value)) onEvent(value);
  }
}

export async function readEvents(body: ReadableStream<Uint8Array>, onEvent: (event: StreamEvent) => void): Promise<void> {
  const parser = new EventParser();
  const decoder = new TextDecoder();
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    deliver(parser.push(decoder.decode(value, { stream: true })), onEvent);
  }
  deliver(parser.end(), onEvent);
}
