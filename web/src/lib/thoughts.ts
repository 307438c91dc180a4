/** What an agent did for an answer: each round with what it thought, called and saw. Pure; for the Studio and for published pages. */

export interface ToolCall {
  readonly name: string;
  readonly label: unknown;
  /** As it was given to the tool; JSON for anything but text. */
  readonly input: string;
  /** What came back; none while it is waited for. */
  readonly output: string;
  readonly error?: string;
  /** Seconds. */
  readonly time?: number;
  /** A person was asked first: what, and how it ended, as the log has it. */
  readonly approval?: unknown;
}

export interface Thought {
  readonly id: string;
  readonly position: number;
  readonly text: string;
  readonly calls: readonly ToolCall[];
  readonly tokens?: number;
}

type Json = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);
const text = (value: unknown): string => (typeof value === "string" ? value : "");

/** Texts that are JSON as their value; others as they are. */
function read(value: unknown): unknown {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

export function plain(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

/** The part of a map by tool that belongs to one; with a single tool the value may stand for itself. */
function partOf(whole: unknown, name: string, alone: boolean): string {
  const value = read(whole);
  if (isRecord(value) && name in value) return plain(read(value[name]));
  return alone ? plain(value) : "";
}

/** An event `agent_thought`, or one of the `agent_thoughts` of a stored message. */
export function thoughtFrom(value: unknown): Thought | undefined {
  if (!isRecord(value) || !text(value.id)) return undefined;
  const names = [
    ...new Set(
      text(value.tool)
        .split(";")
        .map((name) => name.trim())
        .filter(Boolean),
    ),
  ];
  const labels = isRecord(value.tool_labels) ? value.tool_labels : {};
  const alone = names.length === 1;
  return {
    id: text(value.id),
    position: typeof value.position === "number" ? value.position : 0,
    text: text(value.thought),
    calls: names.map((name) => ({
      name,
      label: labels[name],
      input: partOf(value.tool_input, name, alone),
      output: partOf(value.observation, name, alone),
    })),
  };
}

/** The list with one event added: a round comes several times, and grows. */
export function withThought(before: readonly Thought[], value: unknown): readonly Thought[] {
  const thought = thoughtFrom(value);
  if (!thought) return before;
  return before.some((each) => each.id === thought.id) ? before.map((each) => (each.id === thought.id ? thought : each)) : [...before, thought];
}

export function thoughtsFrom(list: unknown): Thought[] {
  const thoughts = Array.isArray(list) ? list.flatMap((each) => thoughtFrom(each) ?? []) : [];
  return thoughts.sort((a, b) => a.position - b.position);
}

/** Rounds that called something: the others are the answer itself. */
export function worked(thoughts: readonly Thought[]): Thought[] {
  return thoughts.filter((each) => each.calls.length > 0);
}

export interface AgentLog {
  readonly iterations?: readonly {
    readonly tokens?: number;
    readonly thought?: string | null;
    readonly tool_calls?: readonly {
      readonly status?: string;
      readonly error?: string | null;
      readonly time_cost?: number | null;
      readonly tool_name?: string;
      readonly approval?: unknown;
    }[];
  }[];
}

/** The rounds with what only the log of the run knows: tokens, times, errors. */
export function withLog(thoughts: readonly Thought[], log: AgentLog): Thought[] {
  return thoughts.map((thought, i) => {
    const round = log.iterations?.[i];
    if (!round) return thought;
    return {
      ...thought,
      ...(typeof round.tokens === "number" && round.tokens > 0 ? { tokens: round.tokens } : {}),
      calls: thought.calls.map((call) => {
        const known = round.tool_calls?.find((each) => each.tool_name === call.name);
        if (!known) return call;
        return {
          ...call,
          ...(typeof known.time_cost === "number" ? { time: known.time_cost } : {}),
          ...(known.error ? { error: known.error } : {}),
          ...(known.approval ? { approval: known.approval } : {}),
        };
      }),
    };
  });
}
