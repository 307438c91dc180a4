/** Marks of hits: what the question of a test should find. */
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { messageOf } from "../../lib/http";
import { useKnowledgeChange } from "./api";
import { type Mark, type Marked, markExpected, markOf, storedQuestion } from "./evaluation";
import { useKnowledgeRights } from "./rights";
import type { Dataset, HitRecord } from "./types";

export interface Marks {
  readonly of: (record: HitRecord) => Marked;
  /** Nothing takes the mark away. */
  readonly set: (record: HitRecord, mark: Marked) => void;
  readonly busy: boolean;
}

/** Nothing where marks cannot be kept. */
export function useMarks(dataset: Dataset, question: string | undefined): Marks | undefined {
  const { t: c } = useTranslation();
  const edit = useKnowledgeRights();
  const may = edit && dataset.provider !== "external";
  const stored = useQuery({ ...storedQuestion(dataset.id, question ?? ""), enabled: may && question !== undefined && question !== "" });
  const change = useKnowledgeChange(async (marks: readonly Mark[]) => {
    for (const mark of marks) await markExpected(dataset.id, mark);
  });
  if (!may || question === undefined || question === "") return undefined;
  const expected = stored.data?.data[0]?.expected ?? [];
  return {
    of: (record) => markOf(expected, record),
    busy: change.isPending,
    set: (record, mark) => {
      const before = markOf(expected, record);
      const one = (which: Marked, on: boolean): Mark => ({
        question,
        document_id: record.segment.document.id,
        segment_id: which === "chunk" ? record.segment.id : null,
        expected: on,
      });
      const marks = [...(mark ? [one(mark, true)] : []), ...(before && before !== mark ? [one(before, false)] : [])];
      if (marks.length > 0) change.mutate(marks, { onError: (error) => toast.error(c("common.failed", { message: messageOf(error) })) });
    },
  };
}
