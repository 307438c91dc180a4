/** The first variable that has a value, alone or in named groups. */
import { Plus, Trash2 } from "lucide-react";
import { useTranslation } from "react-i18next";
import { VariableField } from "../editors/VariableField";
import type { PanelProps } from "../nodes/kind";
import { freeName, NAME } from "../nodes/schema";
import type { AggregatorData, AggregatorGroup } from "../nodes/variable-aggregator";
import { Button, IconButton, SwitchRow, TextField } from "../parts/controls";
import { renameVariable, settingsChanges } from "../store/actions";

interface ListProps {
  readonly node: string;
  readonly selectors: readonly (readonly string[])[];
  readonly type: string;
  readonly onChange: (selectors: string[][], type: string) => void;
}

function SelectorList({ node, selectors, type, onChange }: ListProps) {
  const { t } = useTranslation("studio");
  const all = selectors.map((s) => [...s]);
  const wanted = selectors.some((s) => s.length > 1) && type !== "any" ? [type] : undefined;
  return (
    <>
      {selectors.map((selector, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the rows have no identity but their place
        <div className="st-row" key={i}>
          <div className="st-grow">
            <VariableField
              node={node}
              label={t("aggregator.variable", { number: i + 1 })}
              value={selector}
              types={selectors.length > 1 ? wanted : undefined}
              onChange={(next, nextType) => onChange(all.map((s, j) => (j === i ? next : s)), selectors.length > 1 && type !== "any" ? type : nextType)}
            />
          </div>
          <IconButton label={t("aggregator.remove", { number: i + 1 })} icon={Trash2} onClick={() => onChange(all.filter((_, j) => j !== i), all.length > 1 ? type : "any")} />
        </div>
      ))}
      <Button size="sm" look="quiet" icon={Plus} onClick={() => onChange([...all, []], type)}>
        {t("aggregator.add")}
      </Button>
    </>
  );
}

export function AggregatorPanel({ id, data, update }: PanelProps<AggregatorData>) {
  const { t } = useTranslation("studio");
  const groups = data.advanced_settings?.groups ?? [];
  const on = data.advanced_settings?.group_enabled ?? false;
  const write = (next: readonly AggregatorGroup[], group_enabled = on) => ({ advanced_settings: { ...data.advanced_settings, group_enabled, groups: [...next] } });
  const fresh = (): AggregatorGroup => ({ groupId: crypto.randomUUID(), group_name: freeName(groups.map((g) => g.group_name), "Group1"), output_type: "any", variables: [] });
  const toggle = (enabled: boolean) => {
    const first = { ...fresh(), output_type: data.output_type, variables: data.variables };
    update(write(enabled && groups.length === 0 ? [first] : groups, enabled));
  };
  return (
    <section className="st-section">
      <span className="st-hint">{t("aggregator.hint")}</span>
      <SwitchRow label={t("aggregator.groups")} note={t("aggregator.groupsNote")} checked={on} onChange={toggle} />
      {on ? (
        <>
          {groups.map((group, i) => {
            const put = (patch: Partial<AggregatorGroup>) => write(groups.map((g, j) => (j === i ? { ...g, ...patch } : g)));
            return (
              <div className="st-case" key={group.groupId || i}>
                <div className="st-row">
                  <TextField
                    label={t("aggregator.groupName")}
                    hideLabel
                    mono
                    value={group.group_name}
                    error={NAME.test(group.group_name) ? undefined : t("inputs.badName")}
                    onChange={(group_name) => renameVariable(id, group.group_name, group_name, settingsChanges(id, put({ group_name })))}
                  />
                  <IconButton label={t("inputs.remove", { name: group.group_name })} icon={Trash2} onClick={() => update(write(groups.filter((_, j) => j !== i)))} />
                </div>
                <SelectorList node={id} selectors={group.variables} type={group.output_type} onChange={(variables, output_type) => update(put({ variables, output_type }))} />
              </div>
            );
          })}
          <Button size="sm" icon={Plus} onClick={() => update(write([...groups, fresh()]))}>
            {t("aggregator.addGroup")}
          </Button>
        </>
      ) : (
        <SelectorList node={id} selectors={data.variables} type={data.output_type} onChange={(variables, output_type) => update({ variables, output_type })} />
      )}
    </section>
  );
}
