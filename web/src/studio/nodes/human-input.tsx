import { Mail, Globe } from "lucide-react";
import { lazy } from "react";
import { useTranslation } from "react-i18next";
import { z } from "zod";
import { CardLine } from "./CardLine";
import { defineKind, type KindProblem, outputText } from "./kind";
import { baseShape, flag, listOf, selectorSchema, text } from "./schema";

export const TIMEOUT = "__timeout__";
export const FIELD_KINDS = ["paragraph", "select", "file", "file-list"];
export const BUTTON_STYLES = ["primary", "default", "accent", "ghost"];
/** Ids of actions and names of fields can be addressed and used as ports. */
const ACTION_ID = /^[A-Za-z_][A-Za-z0-9_]{0,19}$/;
const FIELD_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,29}$/;
const MAX_TITLE = 100;

const sourceSchema = z.looseObject({ type: z.string().catch("constant"), selector: selectorSchema, value: z.unknown().optional() }).nullish().catch(null);

export const humanFieldSchema = z.looseObject({
  type: z.string().catch("paragraph").transform((v) => (v === "text_input" ? "paragraph" : v)),
  output_variable_name: text,
  default: sourceSchema,
  option_source: sourceSchema,
  allowed_file_types: listOf(z.string()),
  allowed_file_extensions: listOf(z.string()),
  allowed_file_upload_methods: listOf(z.string()),
  number_limits: z.number().nullish().catch(0).transform((v) => v ?? 0),
});
export type HumanField = z.infer<typeof humanFieldSchema>;

export const actionSchema = z.looseObject({ id: text, title: text, button_style: z.string().catch("default") });
export type HumanAction = z.infer<typeof actionSchema>;

const recipientSchema = z.looseObject({ type: z.string().catch("external"), user_id: z.string().nullish(), reference_id: z.string().nullish(), email: z.string().nullish() });
export type Recipient = z.infer<typeof recipientSchema>;

export const mailSchema = z
  .looseObject({
    recipients: z
      .looseObject({ whole_workspace: flag, include_bound_group: flag, items: listOf(recipientSchema) })
      .catch({ whole_workspace: false, include_bound_group: false, items: [] }),
    subject: text,
    body: text,
    debug_mode: flag,
  })
  .catch({ recipients: { whole_workspace: false, include_bound_group: false, items: [] }, subject: "", body: "", debug_mode: false });
export type MailConfig = z.infer<typeof mailSchema>;

export const deliverySchema = z.looseObject({ id: text, enabled: z.boolean().nullish().catch(true).transform((v) => v ?? true), type: z.string().catch("webapp"), config: z.unknown().optional() });
export type Delivery = z.infer<typeof deliverySchema>;

const schema = z.looseObject({
  ...baseShape,
  delivery_methods: listOf(deliverySchema),
  form_content: text,
  inputs: listOf(humanFieldSchema),
  user_actions: listOf(actionSchema),
  timeout: z.number().nullish().catch(undefined).transform((v) => v ?? 36),
  timeout_unit: z.string().nullish().catch("hour").transform((v) => v ?? "hour"),
});
export type HumanData = z.infer<typeof schema>;

const FIELD_TYPES: Readonly<Record<string, string>> = { file: "file", "file-list": "array[file]" };

export function fieldType(field: HumanField): string {
  return FIELD_TYPES[field.type] ?? "string";
}

/** The mark of a field in the text of the form. */
export function fieldMark(name: string): string {
  return `{{#$output.${name}#}}`;
}

export function humanFieldProblem(field: HumanField, others: readonly HumanField[]): KindProblem | undefined {
  const name = field.output_variable_name;
  if (!FIELD_NAME.test(name)) return { code: "badName", values: { name } };
  if (others.some((o) => o !== field && o.output_variable_name === name)) return { code: "sameName", values: { name } };
  const source = field.option_source;
  const options = source?.type === "variable" ? source.selector.length > 1 : Array.isArray(source?.value) && source.value.length > 0;
  return field.type === "select" && !options ? { code: "noOptions", values: { name } } : undefined;
}

export function actionProblem(action: HumanAction, all: readonly HumanAction[]): KindProblem | undefined {
  if (!ACTION_ID.test(action.id)) return { code: "badAction", values: { name: action.id } };
  if (all.some((o) => o !== action && o.id === action.id)) return { code: "sameName", values: { name: action.id } };
  return !action.title.trim() || action.title.length > MAX_TITLE ? { code: "badActionTitle", values: { name: action.id } } : undefined;
}

function check(data: HumanData): KindProblem[] {
  const out: KindProblem[] = [];
  const ways = data.delivery_methods.filter((d) => d.enabled);
  if (ways.length === 0) out.push({ code: "noDelivery" });
  for (const way of ways.filter((d) => d.type === "email")) {
    const { recipients, subject, body } = mailSchema.parse(way.config ?? {});
    if (!recipients.whole_workspace && !recipients.include_bound_group && recipients.items.length === 0) out.push({ code: "noRecipients" });
    if (!subject.trim()) out.push({ code: "noSubject" });
    if (!body.includes("{{#url#}}")) out.push({ code: "noMailLink" });
  }
  if (!data.form_content.trim()) out.push({ code: "noForm" });
  for (const field of data.inputs) {
    const problem = humanFieldProblem(field, data.inputs);
    if (problem) out.push(problem);
    else if (!data.form_content.includes(fieldMark(field.output_variable_name))) out.push({ code: "fieldUnused", values: { name: field.output_variable_name }, warning: true });
  }
  if (data.user_actions.length === 0) out.push({ code: "noActions" });
  out.push(...data.user_actions.flatMap((a) => actionProblem(a, data.user_actions) ?? []));
  if (data.timeout < 1) out.push({ code: "badTimeout" });
  return out;
}

function PortRow({ data, port }: { data: HumanData; port: string }) {
  const { t } = useTranslation("studio");
  if (port === TIMEOUT) return <span className="st-clip st-soft">{t("human.noAnswer", { count: data.timeout, unit: t(`human.units.${data.timeout_unit}`, { count: data.timeout, defaultValue: data.timeout_unit }) })}</span>;
  const action = data.user_actions.find((a) => a.id === port);
  return <span className="st-clip">{action?.title || port}</span>;
}

function Card({ data }: { data: HumanData }) {
  const { t } = useTranslation("studio");
  return (
    <>
      {data.delivery_methods
        .filter((d) => d.enabled)
        .map((d) => (
          <CardLine key={d.id || d.type} icon={d.type === "email" ? Mail : Globe}>
            {t(`human.ways.${d.type}`, { defaultValue: d.type })}
          </CardLine>
        ))}
    </>
  );
}

export const humanInput = defineKind<HumanData>({
  type: "human-input",
  modes: ["workflow", "advanced-chat"],
  schema,
  defaults: () => ({
    delivery_methods: [{ id: crypto.randomUUID(), type: "webapp", enabled: true, config: {} }],
    form_content: "",
    inputs: [],
    user_actions: [],
    timeout: 3,
    timeout_unit: "day",
  }),
  ports: (data) => [...data.user_actions.map((a) => ({ id: a.id, row: true })), { id: TIMEOUT, row: true }],
  outputs: (data) => [
    ...data.inputs.filter((f) => f.output_variable_name).map((f) => ({ name: f.output_variable_name, type: fieldType(f) })),
    { name: "__action_id", type: "string" },
    { name: "__action_value", type: "string" },
    { name: "__rendered_content", type: "string" },
  ],
  check,
  chosenPort: (out) => outputText(out, "__action_id") || TIMEOUT,
  Card,
  PortRow,
  Panel: lazy(() => import("../panels/HumanPanel").then((m) => ({ default: m.HumanPanel }))),
});
