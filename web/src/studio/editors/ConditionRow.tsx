/** One condition: variable, operator, value. Operators follow the type of the variable. */
import { Plus, Trash2 } from "lucide-react";
import { useTranslation } from "react-i18next";
import { type Condition, FILE_KEYS, fileOperators, needsFields, needsValue, operatorsFor, type SubCondition, valueOptions } from "../model/conditions";
import { resolve } from "../model/variables";
import { Button, IconButton, NumberField, SelectField, TextField } from "../parts/controls";
import { useVariables } from "../store/useVariables";
import { PromptEditor } from "./PromptEditor";
import { VariableField } from "./VariableField";

export function newCondition(): Condition {
  return { id: crypto.randomUUID(), varType: "string", variable_selector: [], comparison_operator: "contains", value: "" };
}

interface Props {
  readonly node: string;
  readonly condition: Condition;
  readonly onChange: (condition: Condition) => void;
  readonly onRemove: () => void;
  /** Offers what a container holds. */
  readonly inside?: boolean;
}

export function ConditionRow({ node, condition, onChange, onRemove, inside }: Props) {
  const { t } = useTranslation("studio");
  const groups = useVariables(node, inside);
  const { variable_selector: selector, comparison_operator: operator } = condition;
  const parent = selector.length > 2 ? resolve(groups, selector.slice(0, -1)) : undefined;
  const fileField = parent?.type === "file";
  const operators = operatorsFor(condition.varType, selector, fileField);
  return (
    <div className="st-condition">
      <VariableField
        node={node}
        label={t("condition.variable")}
        value={selector}
        inside={inside}
        onChange={(variable_selector, type) => {
          const above = variable_selector.length > 2 ? resolve(groups, variable_selector.slice(0, -1))?.type : undefined;
          const first = operatorsFor(type, variable_selector, above === "file")[0] ?? "is";
          onChange({ ...condition, variable_selector, varType: type, comparison_operator: first, value: type === "boolean" ? true : "", sub_variable_condition: undefined });
        }}
      />
      <IconButton label={t("condition.remove")} icon={Trash2} onClick={onRemove} />
      <div className="wide">
        <SelectField
          label={t("condition.operator")}
          hideLabel
          value={operator}
          options={operators.map((o) => ({ value: o, label: t(`operators.${o}`, { defaultValue: o }) }))}
          onChange={(comparison_operator) => onChange({ ...condition, comparison_operator })}
        />
      </div>
      {needsFields(condition.varType, operator) ? (
        <FileFields condition={condition} onChange={onChange} />
      ) : needsValue(operator) ? (
        <div className="wide">
          <ConditionValue node={node} condition={condition} fileField={fileField} onChange={onChange} />
        </div>
      ) : null}
    </div>
  );
}

function ConditionValue({ node, condition, fileField, onChange }: Omit<Props, "onRemove"> & { fileField: boolean }) {
  const { t } = useTranslation("studio");
  const { value, varType } = condition;
  const options = fileField ? valueOptions(condition.variable_selector.at(-1) ?? "") : undefined;
  if (options) return <Choices options={options} value={value} onChange={(next) => onChange({ ...condition, value: next })} />;
  if (varType === "boolean" || varType === "array[boolean]") {
    return (
      <SelectField
        label={t("condition.value")}
        hideLabel
        value={String(value === true || value === "true")}
        options={[
          { value: "true", label: t("condition.true") },
          { value: "false", label: t("condition.false") },
        ]}
        onChange={(next) => onChange({ ...condition, value: next === "true" })}
      />
    );
  }
  const text = Array.isArray(value) ? value.join(", ") : value === null || value === undefined ? "" : String(value);
  return (
    <div className="st-box">
      <PromptEditor
        single
        node={node}
        label={t("condition.value")}
        placeholder={t(varType === "number" ? "condition.numberPlaceholder" : "condition.valuePlaceholder")}
        value={text}
        onChange={(next) => onChange({ ...condition, value: next, ...(varType === "number" ? { numberVarType: next.includes("{{#") ? "variable" : "constant" } : {}) })}
      />
    </div>
  );
}

function Choices({ options, value, onChange }: { options: readonly string[]; value: Condition["value"]; onChange: (value: string[]) => void }) {
  const { t } = useTranslation("studio");
  const chosen = Array.isArray(value) ? value : typeof value === "string" && value ? [value] : [];
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

/** Conditions on the attributes of the files in a list. */
function FileFields({ condition, onChange }: Pick<Props, "condition" | "onChange">) {
  const { t } = useTranslation("studio");
  const group = condition.sub_variable_condition ?? { logical_operator: "and", conditions: [] };
  const write = (conditions: SubCondition[]) => onChange({ ...condition, sub_variable_condition: { ...group, conditions } });
  const fresh: SubCondition = { id: "", key: "name", varType: "string", comparison_operator: "contains", value: "" };
  return (
    <div className="wide st-col">
      {group.conditions.map((sub, i) => {
        const put = (patch: Partial<SubCondition>) => write(group.conditions.map((s, j) => (j === i ? { ...s, ...patch } : s)));
        const options = valueOptions(sub.key);
        return (
          <div className="st-col" key={sub.id || i}>
            <div className="st-row">
              <SelectField label={t("condition.attribute")} hideLabel value={sub.key} options={FILE_KEYS.map((k) => ({ value: k, label: t(`fileKeys.${k}`) }))} onChange={(key) => put({ key, varType: key === "size" ? "number" : "string", comparison_operator: fileOperators(key)[0] ?? "is", value: valueOptions(key) ? [] : "" })} />
              <SelectField label={t("condition.operator")} hideLabel value={sub.comparison_operator} options={fileOperators(sub.key).map((o) => ({ value: o, label: t(`operators.${o}`, { defaultValue: o }) }))} onChange={(comparison_operator) => put({ comparison_operator })} />
              <IconButton label={t("condition.remove")} icon={Trash2} onClick={() => write(group.conditions.filter((_, j) => j !== i))} />
            </div>
            {!needsValue(sub.comparison_operator) ? null : options ? (
              <Choices options={options} value={sub.value} onChange={(value) => put({ value })} />
            ) : sub.key === "size" ? (
              <NumberField label={t("condition.value")} hideLabel value={sub.value ? Number(sub.value) : undefined} min={0} onChange={(value) => put({ value: value === undefined ? "" : String(value) })} />
            ) : (
              <TextField label={t("condition.value")} hideLabel value={typeof sub.value === "string" ? sub.value : ""} onChange={(value) => put({ value })} />
            )}
          </div>
        );
      })}
      <Button size="sm" look="quiet" icon={Plus} onClick={() => write([...group.conditions, { ...fresh, id: crypto.randomUUID() }])}>
        {t("condition.addAttribute")}
      </Button>
    </div>
  );
}
