/** The preview of an unsaved configuration: turns, streaming, stop. */
import { useEffect, useRef, useState } from "react";
import { type Approval, withApproval } from "../../lib/approvals";
import { get, messageOf, post } from "../../lib/http";
import { hush, Spoken } from "../../lib/sound";
import { type StreamEvent, stream } from "../../lib/sse";
import { type AgentLog, type Thought, withLog, withThought } from "../../lib/thoughts";

export interface Turn {
  readonly key: number;
  readonly query: string;
  readonly inputs: Record<string, unknown>;
  readonly files: readonly SentFile[];
  readonly answer: string;
  readonly state: "writing" | "done" | "stopped" | "failed";
  readonly error?: string;
  readonly first?: number;
  readonly total?: number;
  readonly tokens?: number;
  /** Of these, what was sent and what was written. */
  readonly split?: { readonly sent: number; readonly written: number };
  readonly price?: number;
  readonly currency?: string;
  readonly followUps?: readonly string[];
  readonly sources?: readonly Source[];
  /** Where the log keeps it; known once the server has begun. */
  readonly logged?: { readonly conversation: string; readonly message: string };
  /** What an agent did for it. */
  readonly thoughts: readonly Thought[];
  /** Calls of tools that wait for somebody. */
  readonly approvals: readonly Approval[];
}

/** A file that was sent, as the server takes it and by its name. */
export interface SentFile {
  readonly name: string;
  readonly mapping: Readonly<Record<string, unknown>>;
}

/** A chunk that the answer rests on. */
export interface Source {
  readonly position: number;
  readonly document: string;
  readonly content: string;
  /** From 1. */
  readonly page?: number;
  /** How well it fits, where it was measured. */
  readonly score?: number;
  /** Where it is; nothing for knowledge of others. */
  readonly chunk?: { readonly dataset: string; readonly document: string; readonly segment: string };
}

interface Ask {
  readonly query: string;
  readonly inputs: Record<string, unknown>;
  readonly files: readonly SentFile[];
  readonly config: Record<string, unknown>;
  readonly followUp: boolean;
  /** Another answer beside those that are there. */
  readonly another?: boolean;
}

function sourcesOf(event: StreamEvent): Pick<Turn, "sources"> {
  const metadata = event.metadata;
  const given: unknown = typeof metadata === "object" && metadata !== null ? Reflect.get(metadata, "retriever_resources") : undefined;
  const sources = (Array.isArray(given) ? given : []).flatMap((item: unknown, index): Source[] => {
    if (typeof item !== "object" || item === null) return [];
    const text = (name: string) => {
      const value: unknown = Reflect.get(item, name);
      return typeof value === "string" ? value : "";
    };
    const page: unknown = Reflect.get(item, "page");
    const score: unknown = Reflect.get(item, "score");
    const chunk = { dataset: text("dataset_id"), document: text("document_id"), segment: text("segment_id") };
    return [
      {
        position: index + 1,
        document: text("document_name") || text("dataset_name"),
        content: text("content"),
        ...(typeof page === "number" ? { page: page + 1 } : {}),
        ...(typeof score === "number" ? { score } : {}),
        ...(chunk.dataset && chunk.document && chunk.segment ? { chunk } : {}),
      },
    ];
  });
  return sources.length > 0 ? { sources } : {};
}

function usageOf(event: StreamEvent): Partial<Turn> {
  const metadata = event.metadata;
  const usage: unknown = typeof metadata === "object" && metadata !== null ? Reflect.get(metadata, "usage") : undefined;
  if (typeof usage !== "object" || usage === null) return {};
  const tokens: unknown = Reflect.get(usage, "total_tokens");
  const sent: unknown = Reflect.get(usage, "prompt_tokens");
  const written: unknown = Reflect.get(usage, "completion_tokens");
  const price: unknown = Reflect.get(usage, "total_price");
  const currency: unknown = Reflect.get(usage, "currency");
  return {
    ...(typeof tokens === "number" ? { tokens } : {}),
    ...(typeof sent === "number" && typeof written === "number" ? { split: { sent, written } } : {}),
    ...(price === undefined || price === null || !Number(price) ? {} : { price: Number(price) }),
    ...(typeof currency === "string" ? { currency } : {}),
  };
}

export function usePreview(appId: string, kind: "chat" | "completion") {
  const [turns, setTurns] = useState<readonly Turn[]>([]);
  const conversation = useRef<string>("");
  const parent = useRef<string>(undefined);
  const task = useRef<string>(undefined);
  const abort = useRef<AbortController>(undefined);
  // Nobody reads on when the screen is left.
  useEffect(() => () => abort.current?.abort(), []);
  const busy = turns.at(-1)?.state === "writing";
  const change = (key: number, part: (turn: Turn) => Partial<Turn>) =>
    setTurns((now) => now.map((turn) => (turn.key === key ? { ...turn, ...part(turn) } : turn)));

  const ask = async ({ query, inputs, files, config, followUp, another }: Ask) => {
    const key = Date.now();
    const start = performance.now();
    const since = () => (performance.now() - start) / 1000;
    setTurns((now) => [
      ...(kind === "completion" && !another ? [] : now),
      { key, query, inputs, files, answer: "", state: "writing", thoughts: [], approvals: [] },
    ]);
    hush();
    const spoken = new Spoken();
    const mine = new AbortController();
    abort.current = mine;
    let message: string | undefined;
    let buffer = "";
    let frame = 0;
    const flush = () => {
      frame = 0;
      const text = buffer;
      change(key, () => ({ answer: text }));
    };
    let thoughts: readonly Thought[] = [];
    const calledAt = new Map<string, number>();
    /** A round comes when it begins, when it calls and when it has seen: between the last two the tool ran. */
    const think = (event: StreamEvent) => {
      thoughts = withThought(thoughts, event).map((thought) => {
        if (thought.id !== event.id || thought.calls.length === 0) return thought;
        const from = calledAt.get(thought.id);
        if (from === undefined) calledAt.set(thought.id, since());
        const seen = thought.calls.some((call) => call.output !== "");
        return from !== undefined && seen ? { ...thought, calls: thought.calls.map((call) => ({ ...call, time: since() - from })) } : thought;
      });
      const now = thoughts;
      change(key, () => ({ thoughts: now }));
    };
    const onEvent = (event: StreamEvent) => {
      spoken.hear(event);
      if (typeof event.task_id === "string") task.current = event.task_id;
      if (typeof event.conversation_id === "string" && event.conversation_id) conversation.current = event.conversation_id;
      if (typeof event.message_id === "string" && event.message_id !== message) {
        message = event.message_id;
        const logged = { conversation: conversation.current, message };
        if (logged.conversation) change(key, () => ({ logged }));
      }
      if ((event.event === "message" || event.event === "agent_message") && typeof event.answer === "string") {
        if (buffer === "" && event.answer !== "") {
          const first = since();
          change(key, () => ({ first }));
        }
        buffer += event.answer;
        frame ||= requestAnimationFrame(flush);
      } else if (event.event === "message_replace" && typeof event.answer === "string") {
        buffer = event.answer;
        frame ||= requestAnimationFrame(flush);
      } else if (event.event === "agent_thought") think(event);
      else if (event.event?.startsWith("tool_approval_")) change(key, (turn) => ({ approvals: withApproval(turn.approvals, event.event, event.data) }));
      else if (event.event === "message_end") change(key, () => ({ ...usageOf(event), ...sourcesOf(event) }));
      else if (event.event === "error")
        change(key, () => ({ state: "failed", error: typeof event.message === "string" ? event.message : String(event.code ?? "") }));
    };
    try {
      const path = `/apps/${appId}/${kind === "chat" ? "chat" : "completion"}-messages`;
      await stream(
        path,
        {
          inputs,
          query,
          model_config: config,
          response_mode: "streaming",
          conversation_id: conversation.current,
          parent_message_id: parent.current ?? null,
          files: files.map(({ mapping }) => mapping),
        },
        onEvent,
        mine.signal,
      );
      if (frame) cancelAnimationFrame(frame);
      const total = since();
      // The server may end the stream before the call is given up.
      const ended = mine.signal.aborted ? "stopped" : "done";
      change(key, (turn) => ({ answer: buffer, total, approvals: [], state: turn.state === "writing" ? ended : turn.state }));
      if (ended === "done") spoken.play(`preview-${key}`);
      parent.current = message;
      if (thoughts.length > 0 && message) {
        const query = { message_id: message, conversation_id: conversation.current };
        const log = await get<AgentLog>(`/apps/${appId}/agent/logs`, query).catch(() => undefined);
        if (log) change(key, () => ({ thoughts: withLog(thoughts, log) }));
      }
      if (kind === "chat" && followUp && message && ended === "done") {
        const answer = await get<{ data: string[] }>(`/apps/${appId}/chat-messages/${message}/suggested-questions`).catch(() => undefined);
        if (answer) change(key, () => ({ followUps: answer.data }));
      }
    } catch (error) {
      const stopped = mine.signal.aborted;
      change(key, () => ({
        answer: buffer,
        total: since(),
        approvals: [],
        state: stopped ? "stopped" : "failed",
        ...(stopped ? {} : { error: messageOf(error) }),
      }));
    }
  };

  const stop = () => {
    if (task.current) void post(`/apps/${appId}/${kind === "chat" ? "chat" : "completion"}-messages/${task.current}/stop`).catch(() => undefined);
    abort.current?.abort();
  };

  const restart = () => {
    abort.current?.abort();
    conversation.current = "";
    parent.current = undefined;
    setTurns([]);
  };

  return { turns, busy, ask, stop, restart };
}
