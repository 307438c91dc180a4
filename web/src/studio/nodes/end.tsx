import { lazy } from "react";
import { z } from "zod";
import { CardLine } from "./CardLine";
import { defineKind } from "./kind";
import { baseShape, inputProblems, selectorSchema, text } from "./schema";
import { typeIcon } from "./typeIcon";

const schema = z.looseObject({
  ...baseShape,
  outputs: z
    .array(z.looseObject({ variable: text, value_selector: selectorSchema, value_type: z.string().catch("any") }))
    .nullish()
    .catch([])
    .transform((v) => v ?? []),
});
export type EndData = z.infer<typeof schema>;

export const end = defineKind<EndData>({
  type: "end",
  modes: ["workflow"],
  inside: "never",
  schema,
  defaults: () => ({ outputs: [] }),
  ports: () => [],
  outputs: () => [],
  check: (data) => (data.outputs.length === 0 ? [{ code: "noOutputs" }] : inputProblems(data.outputs)),
  Card: ({ data }) => (
    <>
      {data.outputs.slice(0, 2).map((output, i) => {
        const rest = data.outputs.length - 2;
        return (
          <CardLine key={output.variable || i} icon={typeIcon(output.value_type)} mono right={i === 1 && rest > 0 ? `+${rest}` : undefined}>
            {output.variable}
          </CardLine>
        );
      })}
    </>
  ),
  Panel: lazy(() => import("../panels/EndPanel").then((m) => ({ default: m.EndPanel }))),
});
