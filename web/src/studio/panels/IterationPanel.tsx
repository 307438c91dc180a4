/** A round for every item of a list: the list, what a round gives, how many at a time, what a failed round means. */
import { useTranslation } from "react-i18next";
import { VariableField } from "../editors/VariableField";
import { containerOf } from "../model/document";
import type { VariableGroup } from "../model/variables";
import { ERROR_MODES, type IterationData, listType } from "../nodes/iteration";
import type { PanelProps } from "../nodes/kind";
import { NumberField, SelectField, SwitchRow } from "../parts/controls";
import { shown, useStudio } from "../store/studio";
import { useVariables } from "../store/useVariables";
import { resolve } from "../model/variables";

const LISTS = ["array"];
const MOST_AT_A_TIME = 10;

/** True for what the container itself holds. */
function heldBy(id: string): (group: VariableGroup) => boolean {
  return (group) => {
    if (group.id === id) return true;
    const node = shown(useStudio.getState()).nodes.get(group.id);
    return node !== undefined && containerOf(node) === id;
  };
}

export function IterationPanel({ id, data, update }: PanelProps<IterationData>) {
  const { t } = useTranslation("studio");
  const groups = useVariables(id, true);
  const given = resolve(groups, data.output_selector)?.type ?? "any";
  return (
    <>
      <section className="st-section">
        <span className="st-label">{t("iteration.list")}</span>
        <VariableField node={id} label={t("iteration.list")} types={LISTS} value={data.iterator_selector} onChange={(iterator_selector, iterator_input_type) => update({ iterator_selector, iterator_input_type })} />
        <span className="st-hint">{t("iteration.listHint")}</span>
        <span className="st-label">{t("iteration.output")}</span>
        <VariableField inside only={heldBy(id)} node={id} label={t("iteration.output")} value={data.output_selector} onChange={(output_selector, type) => update({ output_selector, output_type: listType(type, data.flatten_output) })} />
        <SwitchRow
          label={t("iteration.flatten")}
          note={t("iteration.flattenNote")}
          checked={data.flatten_output}
          onChange={(flatten_output) => update({ flatten_output, output_type: listType(given, flatten_output) })}
        />
      </section>
      <section className="st-section">
        <SwitchRow label={t("iteration.parallel")} note={data.is_parallel ? t("iteration.atATime", { count: data.parallel_nums }) : t("iteration.oneByOne")} checked={data.is_parallel} onChange={(is_parallel) => update({ is_parallel })} />
        {data.is_parallel ? (
          <div className="st-row">
            <input className="st-range" type="range" aria-label={t("iteration.parallelNumber")} min={1} max={MOST_AT_A_TIME} step={1} value={data.parallel_nums} onChange={(e) => update({ parallel_nums: Number(e.target.value) })} />
            <div className="st-number">
              <NumberField label={t("iteration.parallelNumber")} hideLabel min={1} max={MOST_AT_A_TIME} value={data.parallel_nums} onChange={(v) => update({ parallel_nums: Math.min(MOST_AT_A_TIME, Math.max(1, Math.round(v ?? 1))) })} />
            </div>
          </div>
        ) : null}
        {data.is_parallel ? <span className="st-hint">{t("iteration.parallelHint")}</span> : null}
        <SelectField label={t("iteration.onError")} hint={t(`iteration.errorHints.${data.error_handle_mode}`, { defaultValue: "" })} value={data.error_handle_mode} options={ERROR_MODES.map((m) => ({ value: m, label: t(`iteration.errorModes.${m}`) }))} onChange={(error_handle_mode) => update({ error_handle_mode })} />
      </section>
    </>
  );
}
