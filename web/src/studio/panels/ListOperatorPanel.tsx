/** A list made smaller: filter, take one, put in order, take the first ones; in this order. */
import { Plus, Trash2 } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { PromptEditor } from "../editors/PromptEditor";
import { VariableField } from "../editors/VariableField";
import { FILE_KEYS, needsValue, valueOptions } from "../model/conditions";
import { elementType } from "../model/variables";
import type { PanelProps } from "../nodes/kind";
import { filterOperators, itemType, LIST_TYPES, type ListFilterCondition, type ListOperatorData } from "../nodes/list-operator";
import { Button, IconButton, NumberField, SelectField, SwitchRow } from "../parts/controls";

export function ListOperatorPanel({ id, data, update }: PanelProps<ListOperatorData>) {
  const { t } = useTranslation("studio");
  const item = itemType(data);
  const files = item === "file";
  const fileKeys = FILE_KEYS.map((key) => ({ value: key, label: t(`fileKeys.${key}`) }));
  const choose = (variable: string[], var_type: string) => {
    const item_var_type = elementType(var_type);
    const same = item_var_type === item;
    update({ variable, var_type, item_var_type, ...(same ? {} : { filter_by: { ...data.filter_by, conditions: [] }, order_by: { ...data.order_by, key: item_var_type === "file" ? "name" : "" } }) });
  };
  return (
    <>
      <section className="st-section">
        <span className="st-label">{t("list.input")}</span>
        <VariableField node={id} label={t("list.input")} types={LIST_TYPES} value={data.variable} onChange={choose} />
      </section>
      <Step label={t("list.filter")} on={data.filter_by.enabled} onSwitch={(enabled) => update({ filter_by: { ...data.filter_by, enabled, conditions: enabled && data.filter_by.conditions.length === 0 ? [freshFilter(item)] : data.filter_by.conditions } })}>
        <Filters id={id} item={item} conditions={data.filter_by.conditions} onChange={(conditions) => update({ filter_by: { ...data.filter_by, conditions } })} />
      </Step>
      <Step label={t("list.extract")} note={t("list.extractNote")} on={data.extract_by.enabled} onSwitch={(enabled) => update({ extract_by: { ...data.extract_by, enabled } })}>
        <div className="st-box">
          <PromptEditor single node={id} label={t("list.serial")} placeholder="1" value={data.extract_by.serial} onChange={(serial) => update({ extract_by: { ...data.extract_by, serial } })} />
        </div>
      </Step>
      <Step label={t("list.order")} on={data.order_by.enabled} onSwitch={(enabled) => update({ order_by: { ...data.order_by, enabled, key: files ? data.order_by.key || "name" : "" } })}>
        <div className="st-pair">
          {files ? <SelectField label={t("condition.attribute")} hideLabel value={data.order_by.key} options={fileKeys} onChange={(key) => update({ order_by: { ...data.order_by, key } })} /> : null}
          <SelectField label={t("list.direction")} hideLabel value={data.order_by.value} options={["asc", "desc"].map((d) => ({ value: d, label: t(`list.directions.${d}`) }))} onChange={(value) => update({ order_by: { ...data.order_by, value } })} />
        </div>
      </Step>
      <Step label={t("list.limit")} note={data.limit.enabled ? t("list.limitNote", { count: data.limit.size }) : ""} on={data.limit.enabled} onSwitch={(enabled) => update({ limit: { ...data.limit, enabled, size: data.limit.size < 1 ? 10 : data.limit.size } })}>
        <NumberField label={t("list.limitSize")} hideLabel min={1} max={1000} value={data.limit.size} onChange={(v) => update({ limit: { ...data.limit, size: Math.max(1, Math.round(v ?? 1)) } })} />
      </Step>
    </>
  );
}

interface StepProps {
  readonly label: string;
  readonly note?: string;
  readonly on: boolean;
  readonly onSwitch: (on: boolean) => void;
  readonly children: ReactNode;
}

function Step({ label, note, on, onSwitch, children }: StepProps) {
  return (
    <section className="st-section">
      <SwitchRow label={label} note={note} checked={on} onChange={onSwitch} />
      {on ? children : null}
    </section>
  );
}

function freshFilter(item: string): ListFilterCondition {
  const key = item === "file" ? "name" : "";
  return { key, comparison_operator: filterOperators(item, key)[0] ?? "is", value: item === "boolean" ? true : "" };
}

interface FiltersProps {
  readonly id: string;
  readonly item: string;
  readonly conditions: readonly ListFilterCondition[];
  readonly onChange: (conditions: ListFilterCondition[]) => void;
}

function Filters({ id, item, conditions, onChange }: FiltersProps) {
  const { t } = useTranslation("studio");
  return (
    <>
      {conditions.map((condition, i) => {
        const put = (patch: Partial<ListFilterCondition>) => onChange(conditions.map((c, j) => (j === i ? { ...c, ...patch } : c)));
        const operators = filterOperators(item, condition.key);
        const chooseKey = (key: string) => put({ key, comparison_operator: filterOperators(item, key)[0] ?? "is", value: valueOptions(key) ? [] : "" });
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: the rows have no identity but their place
          <div className="st-condition" key={i}>
            <div className="st-pair">
              {item === "file" ? <SelectField label={t("condition.attribute")} hideLabel value={condition.key} options={FILE_KEYS.map((k) => ({ value: k, label: t(`fileKeys.${k}`) }))} onChange={chooseKey} /> : null}
              <SelectField label={t("condition.operator")} hideLabel value={condition.comparison_operator} options={operators.map((o) => ({ value: o, label: t(`operators.${o}`, { defaultValue: o }) }))} onChange={(comparison_operator) => put({ comparison_operator })} />
            </div>
            <IconButton label={t("condition.remove")} icon={Trash2} onClick={() => onChange(conditions.filter((_, j) => j !== i))} />
            {needsValue(condition.comparison_operator) ? (
              <div className="wide">
                <FilterValue id={id} item={item} condition={condition} onChange={(value) => put({ value })} />
              </div>
            ) : null}
          </div>
        );
      })}
      <div>
        <Button size="sm" look="quiet" icon={Plus} onClick={() => onChange([...conditions, freshFilter(item)])}>
          {t("condition.add")}
        </Button>
      </div>
    </>
  );
}

interface ValueProps {
  readonly id: string;
  readonly item: string;
  readonly condition: ListFilterCondition;
  readonly onChange: (value: ListFilterCondition["value"]) => void;
}

function FilterValue({ id, item, condition, onChange }: ValueProps) {
  const { t } = useTranslation("studio");
  const { value, key } = condition;
  const options = item === "file" ? valueOptions(key) : undefined;
  if (options) {
    const chosen = Array.isArray(value) ? value : [];
    return (
      <fieldset className="st-checks">
        <legend className="st-sr">{t("condition.value")}</legend>
        {options.map((o) => (
          <label key={o} className="st-row">
            <input type="checkbox" checked={chosen.includes(o)} onChange={() => onChange(chosen.includes(o) ? chosen.filter((c) => c !== o) : [...chosen, o])} />
            {t(`fileTypes.${o}`, { defaultValue: t(`transferMethods.${o}`, { defaultValue: o }) })}
          </label>
        ))}
      </fieldset>
    );
  }
  if (item === "boolean") {
    return (
      <SelectField
        label={t("condition.value")}
        hideLabel
        value={String(value === true || value === "true")}
        options={["true", "false"].map((v) => ({ value: v, label: t(`condition.${v}`) }))}
        onChange={(next) => onChange(next === "true")}
      />
    );
  }
  const number = item === "number" || key === "size";
  return (
    <div className="st-box">
      <PromptEditor single node={id} label={t("condition.value")} placeholder={t(number ? "condition.numberPlaceholder" : "condition.valuePlaceholder")} value={value === null || value === undefined ? "" : Array.isArray(value) ? value.join(", ") : String(value)} onChange={onChange} />
    </div>
  );
}
