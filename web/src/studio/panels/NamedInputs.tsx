/** Rows of local names for variables: the inputs of code and templates, the outputs of End. */
import { Plus, Trash2 } from "lucide-react";
import { useTranslation } from "react-i18next";
import { VariableField } from "../editors/VariableField";
import type { VariableType } from "../model/variables";
import { freeName, NAME, type NamedInput } from "../nodes/schema";
import { Button, IconButton, TextField } from "../parts/controls";

interface Props<T extends NamedInput> {
  readonly node: string;
  readonly title: string;
  readonly hint?: string;
  readonly rows: readonly T[];
  readonly add: (name: string) => T;
  readonly onChange: (rows: T[]) => void;
  readonly onVariable?: (row: T, type: VariableType) => T;
  readonly base: string;
}

export function NamedInputs<T extends NamedInput>({ node, title, hint, rows, add, onChange, onVariable, base }: Props<T>) {
  const { t } = useTranslation("studio");
  const put = (index: number, row: T) => onChange(rows.map((r, i) => (i === index ? row : r)));
  const names = rows.map((r) => r.variable);
  return (
    <section className="st-section" aria-label={title}>
      <div className="st-between">
        <span className="st-label">{title}</span>
        <Button look="quiet" size="sm" icon={Plus} onClick={() => onChange([...rows, add(freeName(names, base))])}>
          {t("common.add")}
        </Button>
      </div>
      {hint && rows.length === 0 ? <div className="st-hint">{hint}</div> : null}
      {rows.map((row, i) => {
        const wrong = !NAME.test(row.variable) || names.indexOf(row.variable) !== i;
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: the rows have no identity but their place
          <div className="st-listrow" key={i}>
            <TextField label={t("inputs.name", { number: i + 1 })} hideLabel mono value={row.variable} error={wrong ? t("inputs.badName") : undefined} onChange={(variable) => put(i, { ...row, variable })} />
            <VariableField
              node={node}
              label={t("inputs.value", { name: row.variable })}
              value={row.value_selector}
              onChange={(value_selector, type) => {
                const next = { ...row, value_selector };
                put(i, onVariable ? onVariable(next, type) : next);
              }}
            />
            <IconButton label={t("inputs.remove", { name: row.variable })} icon={Trash2} onClick={() => onChange(rows.filter((_, j) => j !== i))} />
          </div>
        );
      })}
    </section>
  );
}
