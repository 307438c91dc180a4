/** Rounds until a condition holds: the variables that go from round to round, when to stop, how often at most. */
import { Plus, Trash2 } from "lucide-react";
import { useTranslation } from "react-i18next";
import { ConditionRow, newCondition } from "../editors/ConditionRow";
import { isStructured, TypedValue } from "../editors/TypedValue";
import { VariableField } from "../editors/VariableField";
import type { PanelProps } from "../nodes/kind";
import { LOOP_TYPES, type LoopData, type LoopVariable, MOST_ROUNDS } from "../nodes/loop";
import { freeName, NAME } from "../nodes/schema";
import { Button, IconButton, NumberField, SelectField, TextField } from "../parts/controls";
import { renameVariable, settingsChanges } from "../store/actions";

function firstConstant(type: string): unknown {
  if (type === "number") return 0;
  if (type === "boolean") return false;
  if (type === "object") return {};
  return type.startsWith("array") ? "[]" : "";
}

export function LoopPanel({ id, data, update }: PanelProps<LoopData>) {
  const { t } = useTranslation("studio");
  const { break_conditions: conditions } = data;
  return (
    <>
      <LoopVariables id={id} data={data} update={update} />
      <section className="st-section" aria-label={t("loop.stop")}>
        <div className="st-between">
          <span className="st-label">{t("loop.stop")}</span>
          {conditions.length > 1 ? (
            <Button size="sm" look="quiet" title={t("condition.switchLogic")} onClick={() => update({ logical_operator: data.logical_operator === "or" ? "and" : "or" })}>
              {t(data.logical_operator === "or" ? "condition.any" : "condition.all")}
            </Button>
          ) : null}
        </div>
        <span className="st-hint">{t("loop.stopHint")}</span>
        {conditions.map((condition, i) => (
          <ConditionRow
            key={condition.id || i}
            inside
            node={id}
            condition={condition}
            onChange={(next) => update({ break_conditions: conditions.map((c, j) => (j === i ? next : c)) })}
            onRemove={() => update({ break_conditions: conditions.filter((_, j) => j !== i) })}
          />
        ))}
        <div>
          <Button size="sm" look="quiet" icon={Plus} onClick={() => update({ break_conditions: [...conditions, newCondition()] })}>
            {t("condition.add")}
          </Button>
        </div>
      </section>
      <section className="st-section">
        <span className="st-label">{t("loop.most")}</span>
        <div className="st-row">
          <input className="st-range" type="range" aria-label={t("loop.most")} min={1} max={MOST_ROUNDS} step={1} value={Math.min(data.loop_count, MOST_ROUNDS)} onChange={(e) => update({ loop_count: Number(e.target.value) })} />
          <div className="st-number">
            <NumberField label={t("loop.most")} hideLabel min={1} max={MOST_ROUNDS} value={data.loop_count} onChange={(v) => update({ loop_count: Math.max(1, Math.round(v ?? 1)) })} />
          </div>
        </div>
      </section>
    </>
  );
}

function LoopVariables({ id, data, update }: PanelProps<LoopData>) {
  const { t } = useTranslation("studio");
  const rows = data.loop_variables;
  const fresh = (): LoopVariable => ({ id: crypto.randomUUID(), label: freeName(rows.map((r) => r.label), "value"), var_type: "string", value_type: "constant", value: "" });
  const replaced = (index: number, patch: Partial<LoopVariable>) => rows.map((r, i) => (i === index ? { ...r, ...patch } : r));
  const put = (index: number, patch: Partial<LoopVariable>) => update({ loop_variables: replaced(index, patch) });
  const rename = (index: number, before: string, label: string) => renameVariable(id, before, label, settingsChanges(id, { loop_variables: replaced(index, { label }) }));
  return (
    <section className="st-section" aria-label={t("loop.variables")}>
      <div className="st-between">
        <span className="st-label">{t("loop.variables")}</span>
        <Button look="quiet" size="sm" icon={Plus} onClick={() => update({ loop_variables: [...rows, fresh()] })}>
          {t("common.add")}
        </Button>
      </div>
      {rows.length === 0 ? <span className="st-hint">{t("loop.variablesHint")}</span> : null}
      {rows.map((row, i) => {
        const wrong = !NAME.test(row.label) || rows.findIndex((r) => r.label === row.label) !== i;
        const from = row.value_type === "variable";
        return (
          <div className="st-case" key={row.id || i}>
            <div className="st-listrow">
              <TextField label={t("loop.variableName", { number: i + 1 })} hideLabel mono value={row.label} error={wrong ? t("inputs.badName") : undefined} onChange={(label) => rename(i, row.label, label)} />
              <SelectField label={t("code.outputType", { name: row.label })} hideLabel value={row.var_type} options={LOOP_TYPES.map((type) => ({ value: type, label: t(`types.${type}`) }))} onChange={(var_type) => put(i, { var_type, value: from ? row.value : firstConstant(var_type) })} />
              <IconButton label={t("inputs.remove", { name: row.label })} icon={Trash2} onClick={() => update({ loop_variables: rows.filter((_, j) => j !== i) })} />
            </div>
            <div className="st-pair">
              <SelectField
                label={t("loop.startsWith", { name: row.label })}
                hideLabel
                value={from ? "variable" : "constant"}
                options={["constant", "variable"].map((v) => ({ value: v, label: t(`valueForms.${v}`) }))}
                onChange={(value_type) => put(i, { value_type, value: value_type === "variable" ? [] : firstConstant(row.var_type) })}
              />
              {from ? (
                <VariableField node={id} label={t("loop.startsWith", { name: row.label })} types={[row.var_type]} value={Array.isArray(row.value) ? row.value.map(String) : []} onChange={(value) => put(i, { value })} />
              ) : (
                <TypedValue key={row.var_type} label={t("loop.startsWith", { name: row.label })} type={row.var_type} value={row.value} asText={isStructured(row.var_type) && row.var_type !== "object"} onChange={(value) => put(i, { value })} />
              )}
            </div>
          </div>
        );
      })}
    </section>
  );
}
