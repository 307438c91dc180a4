/** Writing variables: conversation variables and the variables of the loop around this node, row by row. */
import { ArrowDown, ArrowUp, Plus, Trash2 } from "lucide-react";
import { useTranslation } from "react-i18next";
import { TypedValue } from "../editors/TypedValue";
import { VariableField } from "../editors/VariableField";
import { elementType, resolve, type VariableGroup } from "../model/variables";
import { type AssignerData, type AssignerItem, formOf, itemsOf, operationsFor } from "../nodes/assigner";
import type { PanelProps } from "../nodes/kind";
import { Button, IconButton, SelectField } from "../parts/controls";
import { useVariables } from "../store/useVariables";

/** What may be written: what outlives this node. */
const WRITABLE = (group: VariableGroup) => group.scope === "conversation" || group.kind === "loop";

function firstValue(operation: string, type: string): unknown {
  const form = formOf(operation);
  if (form === "none") return "";
  if (form === "variable") return [];
  if (type === "number") return 0;
  if (type === "boolean") return false;
  return type === "object" ? {} : "";
}

function valueTypes(operation: string, type: string): string[] {
  return [operation === "append" ? elementType(type) : type];
}

export function AssignerPanel({ id, data, update }: PanelProps<AssignerData>) {
  const { t } = useTranslation("studio");
  const groups = useVariables(id);
  const items = itemsOf(data);
  // The first version of the format has one row; any edit writes the second.
  const write = (next: readonly AssignerItem[]) =>
    update({ version: "2", items: [...next], assigned_variable_selector: undefined, input_variable_selector: undefined, write_mode: undefined });
  const put = (index: number, patch: Partial<AssignerItem>) => write(items.map((item, i) => (i === index ? { ...item, ...patch } : item)));
  const swap = (a: number, b: number) => {
    const next = [...items];
    const [x, y] = [next[a], next[b]];
    if (!x || !y) return;
    next[a] = y;
    next[b] = x;
    write(next);
  };
  const nothing = !groups.some(WRITABLE);
  return (
    <section className="st-section" aria-label={t("assigner.rows")}>
      <div className="st-between">
        <span className="st-label">{t("assigner.rows")}</span>
        <Button look="quiet" size="sm" icon={Plus} onClick={() => write([...items, { variable_selector: [], input_type: "variable", operation: "over-write", value: [] }])}>
          {t("common.add")}
        </Button>
      </div>
      <span className="st-hint">{t(nothing ? "assigner.nothing" : "assigner.hint")}</span>
      {items.map((item, i) => {
        const type = resolve(groups, item.variable_selector)?.type ?? "any";
        const choose = (operation: string, targetType = type) => ({ operation, input_type: formOf(operation) === "constant" ? "constant" : "variable", value: firstValue(operation, targetType) });
        const operations = operationsFor(type);
        const label = t("assigner.row", { number: i + 1 });
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: the rows have no identity but their place
          <fieldset className="st-case" key={i} aria-label={label}>
            <div className="st-row">
              <div className="st-grow">
                <VariableField
                  node={id}
                  label={t("assigner.target", { number: i + 1 })}
                  only={WRITABLE}
                  value={item.variable_selector}
                  onChange={(variable_selector, next) => {
                    const operation = operationsFor(next).includes(item.operation) ? item.operation : "over-write";
                    put(i, { variable_selector, ...choose(operation, next) });
                  }}
                />
              </div>
              <IconButton label={t("assigner.up", { number: i + 1 })} icon={ArrowUp} disabled={i === 0} onClick={() => swap(i, i - 1)} />
              <IconButton label={t("assigner.down", { number: i + 1 })} icon={ArrowDown} disabled={i === items.length - 1} onClick={() => swap(i, i + 1)} />
              <IconButton label={t("inputs.remove", { name: label })} icon={Trash2} onClick={() => write(items.filter((_, j) => j !== i))} />
            </div>
            <SelectField
              label={t("assigner.operation", { number: i + 1 })}
              hideLabel
              value={item.operation}
              options={operations.map((o) => ({ value: o, label: t(`assigner.operations.${o}`) }))}
              onChange={(operation) => put(i, choose(operation))}
            />
            {formOf(item.operation) === "none" ? null : item.input_type === "variable" ? (
              <VariableField node={id} label={t("assigner.value", { number: i + 1 })} types={valueTypes(item.operation, type)} value={Array.isArray(item.value) ? item.value.map(String) : []} onChange={(value) => put(i, { value })} />
            ) : (
              <TypedValue key={`${type}${item.operation}`} label={t("assigner.value", { number: i + 1 })} type={type} value={item.value} onChange={(value) => put(i, { value })} />
            )}
          </fieldset>
        );
      })}
    </section>
  );
}
