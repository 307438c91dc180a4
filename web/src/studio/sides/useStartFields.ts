/** The input fields of the draft. */
import { useMemo } from "react";
import { z } from "zod";
import { fieldSchema, type StartField } from "../nodes/start";
import { useStudio } from "../store/studio";

const schema = z.looseObject({ variables: z.array(fieldSchema).catch([]) });

export function useStartFields(): StartField[] {
  const data = useStudio((s) => {
    for (const node of s.document.nodes.values()) if (node.data.type === "start") return node.data;
    return undefined;
  });
  return useMemo(() => (data ? (schema.safeParse(data).data?.variables.filter((v) => v.variable) ?? []) : []), [data]);
}
