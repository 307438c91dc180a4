/** From the text of an error to what it means and where it is put right. Pure. */

export type Fix = "models" | "node" | "api" | "server";

export interface Cause {
  /** Key of the texts under `cause`. */
  readonly key: string;
  readonly fix: Fix | undefined;
  readonly status: string | undefined;
}

interface Rule {
  readonly when: RegExp;
  /** Only for these node kinds. */
  readonly kinds?: RegExp;
  readonly key: string;
  readonly fix: Fix;
}

const CALLS = /^(http-request|tool)$/;

/** The first that matches wins, so the narrow ones come first. */
const RULES: readonly Rule[] = [
  { when: /blocked by SSRF/i, key: "egress", fix: "node" },
  { when: /OXIDIFY_CODE_UNCONFINED/, key: "codeOff", fix: "server" },
  { when: /required in input form|in input form must/i, key: "input", fix: "api" },
  { when: /\b(401|403)\b|unauthori[sz]ed|api key|authoriz?ation|authentication/i, kinds: CALLS, key: "httpKey", fix: "node" },
  { when: /\b429\b|rate ?limit|too many requests/i, kinds: CALLS, key: "httpRate", fix: "node" },
  { when: /no answer from|timed? ?out|timeout/i, kinds: CALLS, key: "httpTimeout", fix: "node" },
  { when: /cannot (resolve|connect)|connection to .* broke/i, kinds: CALLS, key: "unreachable", fix: "node" },
  { when: /status code|\b[45]\d\d\b/i, kinds: CALLS, key: "http", fix: "node" },
  { when: /\b401\b|\b403\b|unauthori[sz]ed|invalid api key|incorrect api key|authoriz?ation ?error|authentication/i, key: "key", fix: "models" },
  { when: /\b429\b|rate ?limit|too many requests/i, key: "rate", fix: "models" },
  { when: /\b50[0234]\b|overloaded|unavailable/i, kinds: /^(llm|agent|question-classifier|parameter-extractor)$/, key: "busy", fix: "models" },
  {
    when: /(model|provider|credential)[^.]*(not found|does not exist|not exist|not initiali[sz]ed|not configured|unknown|no credential)|no default model/i,
    key: "model",
    fix: "models",
  },
  { when: /cannot (resolve|connect)|connection to .* broke/i, key: "modelUnreachable", fix: "models" },
  { when: /no answer from|timed? ?out|timeout|deadline/i, key: "timeout", fix: "node" },
  { when: /variable .*not found|VariableNotFound|no value for/i, key: "variable", fix: "node" },
  { when: /not (yet )?supported|not implemented|cannot be run|unknown node/i, key: "kind", fix: "node" },
  { when: /template|jinja|undefined/i, kinds: /^template-transform$/, key: "template", fix: "node" },
  { when: /output .* (missing|must be|not valid)|not a valid|wrong type/i, kinds: /^code$/, key: "codeType", fix: "node" },
  { when: /./, kinds: /^code$/, key: "code", fix: "node" },
  { when: /max(imum)?[ _].*(steps|time|depth)|exceed|limit/i, key: "limit", fix: "node" },
];

export function causeOf(error: string, kind: string | undefined): Cause {
  const rule = RULES.find((r) => r.when.test(error) && (!r.kinds || (kind !== undefined && r.kinds.test(kind))));
  const status = /(?:status(?: code)?|HTTP)\D{0,3}([45]\d\d)\b/i.exec(error)?.[1];
  return { key: rule?.key ?? "other", fix: rule?.fix ?? (kind ? "node" : undefined), status };
}
