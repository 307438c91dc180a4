/** A form that a waiting run asks a person to fill in, as the page shows it. Pure. */
import { rulesFrom } from "../lib/files";
import { isRecord, type Json, list, number, record, text, texts } from "../lib/read";
import type { Field } from "./form";
import { type Site, siteFrom } from "./wire";

export interface FormAction {
  readonly id: string;
  readonly title: string;
  readonly primary: boolean;
}

export interface HumanForm {
  readonly site: Site;
  readonly fields: readonly Field[];
  /** The text before a field, by its name. */
  readonly before: Readonly<Record<string, string>>;
  readonly after: string;
  readonly start: Json;
  readonly actions: readonly FormAction[];
  readonly expires: number;
}

const TYPES = ["paragraph", "select", "file", "file-list"] as const;
const PLACE = /\{\{#\$output\.([A-Za-z0-9_]+)#\}\}/g;

function fieldFrom(item: Json): Field | null {
  const variable = text(item.output_variable_name);
  const type = TYPES.find((known) => known === item.type);
  if (!variable || !type) return null;
  const isFile = type === "file" || type === "file-list";
  const limit = number(item.number_limits, type === "file" ? 1 : 5);
  return {
    type,
    variable,
    label: variable.replaceAll("_", " "),
    // An empty text is an answer; a choice and a file are not to be left out.
    required: type !== "paragraph",
    hidden: false,
    most: null,
    options: texts(record(item.option_source).value),
    preset: undefined,
    placeholder: "",
    unit: "",
    upload: isFile ? rulesFrom({ ...item, enabled: true, number_limits: type === "file" ? 1 : limit || 5 }) : null,
  };
}

/** The text falls apart at the places of the fields; a field without a place comes last. */
export function humanFormFrom(body: Json): HumanForm {
  const known = new Map<string, Field>();
  for (const field of list(body.inputs).filter(isRecord).map(fieldFrom)) if (field) known.set(field.variable, field);
  const content = text(body.form_content);
  const before: Record<string, string> = {};
  const fields: Field[] = [];
  let at = 0;
  for (const match of content.matchAll(PLACE)) {
    const field = known.get(match[1] ?? "");
    if (!field || fields.includes(field)) continue;
    before[field.variable] = content.slice(at, match.index).trim();
    fields.push(field);
    at = match.index + match[0].length;
  }
  for (const field of known.values()) if (!fields.includes(field)) fields.push(field);
  const actions = list(body.user_actions)
    .filter(isRecord)
    .map((action) => ({ id: text(action.id), title: text(action.title) || text(action.id), primary: action.button_style === "primary" }));
  return {
    site: siteFrom({ site: record(body.site) }),
    fields,
    before,
    after: content.slice(at).trim(),
    start: record(body.resolved_default_values),
    actions,
    expires: number(body.expiration_time),
  };
}
