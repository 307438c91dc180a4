/** What is known of the answers of several models while they come. */
import type { StreamEvent } from "../../lib/events";

export interface Answer {
  readonly state: "running" | "done" | "failed" | "stopped";
  readonly text: string;
  readonly reasoning: string;
  readonly error: string;
  /** Seconds. */
  readonly firstToken: number | undefined;
  readonly total: number | undefined;
  readonly promptTokens: number | undefined;
  readonly completionTokens: number | undefined;
  /** `undefined` while it runs, `null` where no price is known. */
  readonly cost: number | null | undefined;
  readonly currency: string;
}

export const BEGUN: Answer = {
  state: "running",
  text: "",
  reasoning: "",
  error: "",
  firstToken: undefined,
  total: undefined,
  promptTokens: undefined,
  completionTokens: undefined,
  cost: undefined,
  currency: "USD",
};

const text = (value: unknown): string => (typeof value === "string" ? value : "");
const number = (value: unknown): number | undefined => (typeof value === "number" ? value : undefined);

function next(answer: Answer, event: StreamEvent): Answer {
  switch (event.event) {
    case "piece":
      return { ...answer, text: answer.text + text(event.text), reasoning: answer.reasoning + text(event.reasoning) };
    case "done":
      return {
        ...answer,
        state: "done",
        firstToken: number(event.first_token),
        total: number(event.total),
        promptTokens: number(event.prompt_tokens),
        completionTokens: number(event.completion_tokens),
        cost: event.cost === null || event.cost === undefined ? null : Number(event.cost),
        currency: text(event.currency) || "USD",
      };
    case "error":
      return { ...answer, state: "failed", error: text(event.message), total: number(event.total) };
    default:
      return answer;
  }
}

/** The answers after an event; its `index` tells whose it is. */
export function told(answers: readonly Answer[], event: StreamEvent): readonly Answer[] {
  return answers.map((answer, at) => (at === event.index && answer.state === "running" ? next(answer, event) : answer));
}

/** Nothing more comes: those that were not done were stopped, or the connection broke. */
export function ended(answers: readonly Answer[], error: string): readonly Answer[] {
  return answers.map((answer) => (answer.state === "running" ? { ...answer, state: error ? "failed" : "stopped", error } : answer));
}

/** A picture as an address that holds it. */
export function dataUrl(file: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(text(reader.result));
    reader.onerror = () => reject(reader.error ?? new Error("unreadable"));
    reader.readAsDataURL(file);
  });
}
