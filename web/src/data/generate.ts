/** What a model writes for an editor: prompts, code, schemas. */
import { HttpError, json } from "../lib/http";

/** The model that writes. */
export interface Writer {
  readonly provider: string;
  readonly name: string;
  readonly mode: string;
}

/** An app or a pipeline, and the node in it; empty for a basic app. */
export interface Place {
  readonly flow: string;
  readonly node: string;
}

export type Kind = "prompt" | "code" | "schema";

export interface Wish {
  readonly kind: Kind;
  readonly instruction: string;
  /** `undefined`: the workspace's default model. */
  readonly model: Writer | undefined;
  /** Of code. */
  readonly language?: string | undefined;
  /** Prompts: the form has variables, and the app may open the conversation. */
  readonly withForm?: boolean | undefined;
  /** What is improved, and where it stands; without it something new is written. */
  readonly better?: { readonly place: Place; readonly current: string; readonly ideal: string } | undefined;
}

export interface Proposal {
  readonly text: string;
  /** What is different, when something was improved. */
  readonly message: string;
  readonly variables: readonly string[];
  readonly opening: string;
}

interface Answer {
  readonly prompt?: string;
  readonly code?: string;
  readonly output?: string;
  readonly modified?: string;
  readonly message?: string;
  readonly variables?: readonly string[];
  readonly opening_statement?: string;
  readonly error?: string;
}

function request({ kind, instruction, model, language, withForm, better }: Wish): { path: string; body: Readonly<Record<string, unknown>> } {
  // The parameters of an app are for its answers: a short limit of those would cut off what is written here.
  const model_config = model ? { ...model, completion_params: {} } : {};
  const body = { instruction, model_config };
  if (better) {
    const { place, current, ideal } = better;
    const all = { ...body, flow_id: place.flow, node_id: place.node, current, language: language ?? "", ideal_output: ideal };
    return { path: "/instruction-generate", body: all };
  }
  if (kind === "code") return { path: "/rule-code-generate", body: { ...body, code_language: language } };
  if (kind === "schema") return { path: "/rule-structured-output-generate", body };
  return { path: "/rule-generate", body: { ...body, no_variable: !withForm } };
}

/** Asks for a proposal. What the model answered and cannot be used is an error as well. */
export async function generate(wish: Wish, signal: AbortSignal): Promise<Proposal> {
  const { path, body } = request(wish);
  const answer = await json<Answer>(path, { method: "POST", body, signal });
  if (answer.error) throw new HttpError(200, "not_generated", answer.error);
  const text = answer.modified ?? answer.prompt ?? answer.code ?? answer.output ?? "";
  return { text, message: answer.message ?? "", variables: answer.variables ?? [], opening: answer.opening_statement ?? "" };
}

/** What an instruction to improve may begin with; the server fills in the last run. */
export const generateTemplate = (type: "prompt" | "code") => json<{ data: string }>("/instruction-generate/template", { method: "POST", body: { type } });
