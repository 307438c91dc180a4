/** A form that waits for a person, as events and routes carry it. */
import { z } from "zod";

const source = z.looseObject({ type: z.string().catch("constant"), value: z.unknown().optional() }).nullish().catch(null);
const strings = z.array(z.string()).nullish().catch([]).transform((v) => v ?? []);
const text = z.string().nullish().catch("").transform((v) => v ?? "");

export const humanFormSchema = z.looseObject({
  form_id: text,
  node_id: text,
  node_title: text,
  form_content: text,
  inputs: z
    .array(
      z.looseObject({
        type: z.string(),
        output_variable_name: z.string(),
        default: source,
        option_source: source,
        allowed_file_types: strings,
        allowed_file_extensions: strings,
        allowed_file_upload_methods: strings,
      }),
    )
    .catch([]),
  actions: z.array(z.looseObject({ id: z.string(), title: z.string(), button_style: z.string().catch("default") })).catch([]),
  form_token: z.string().nullish().catch(null),
  resolved_default_values: z.record(z.string(), z.unknown()).nullish().catch({}).transform((v) => v ?? {}),
  expiration_time: z.number().nullish().catch(null),
});
export type HumanForm = z.infer<typeof humanFormSchema>;
