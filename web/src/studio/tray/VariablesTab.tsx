/** The variable inspector: what the draft has computed, by node and scope; values can be changed for the next runs of single nodes. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Download, Eraser, RotateCcw, Trash2 } from "lucide-react";
import { Fragment, useState } from "react";
import { useTranslation } from "react-i18next";
import { allVariables, changeVariable, clearVariables, deleteVariable, type DraftVariable, oneVariable, resetVariable, scopeVariables } from "../api";
import { TypedValue } from "../editors/TypedValue";
import { typeIcon } from "../nodes/typeIcon";
import { asText, JsonView } from "../panels/JsonView";
import { Button, IconButton, Wrong } from "../parts/controls";
import { scopeIcon } from "../editors/Chip";
import { openSide } from "../store/actions";
import { shown, useStudio } from "../store/studio";
import { KindTile } from "./TraceTab";

interface Group {
  /** The node, or the name of a scope. */
  readonly id: string;
  readonly scope: boolean;
  readonly variables: readonly DraftVariable[];
}

const KEY = "draft-variables";

function useGroups() {
  const owner = useStudio((s) => s.owner);
  const mode = useStudio((s) => s.mode);
  const moment = useStudio((s) => `${s.run.status}${[...s.run.spans.values()].filter((x) => x.end !== undefined).length > 0}${s.nodeRun?.status ?? ""}${s.nodeRun?.id ?? ""}`);
  return useQuery({
    queryKey: [KEY, owner, "all", moment],
    placeholderData: (before: Group[] | undefined) => before,
    queryFn: async (): Promise<Group[]> => {
      const [conversation, environment, system, all] = await Promise.all([mode === "advanced-chat" ? scopeVariables(owner, "conversation") : [], scopeVariables(owner, "environment"), scopeVariables(owner, "system"), allVariables(owner)]);
      const nodes = new Map<string, DraftVariable[]>();
      for (const variable of all) {
        const [node = ""] = variable.selector;
        if (variable.type === "node") nodes.set(node, [...(nodes.get(node) ?? []), variable]);
      }
      const groups: Group[] = [...nodes].map(([id, variables]) => ({ id, scope: false, variables }));
      const scopes: Group[] = [
        { id: "conversation", scope: true, variables: conversation },
        { id: "env", scope: true, variables: environment },
        { id: "sys", scope: true, variables: system },
      ];
      return [...scopes.slice(0, 1), ...groups, ...scopes.slice(1)].filter((g) => g.variables.length > 0);
    },
  });
}

export function VariablesTab() {
  const { t } = useTranslation("studio");
  const client = useQueryClient();
  const owner = useStudio((s) => s.owner);
  const groups = useGroups();
  const [chosen, setChosen] = useState<string>();
  const [failed, setFailed] = useState<string>();
  const rows = (groups.data ?? []).flatMap((g) => g.variables.map((variable) => ({ group: g, variable })));
  const open = rows.find((r) => keyOf(r.variable) === chosen) ?? rows[0];
  const again = () => client.invalidateQueries({ queryKey: [KEY] });
  const attempt = (work: Promise<unknown>) => void work.then(() => setFailed(undefined)).then(again).catch((e: unknown) => setFailed(e instanceof Error ? e.message : String(e)));
  // The answer is shown at once: the list behind it may tell of the change before the variable is read again.
  const attemptOn = (work: Promise<DraftVariable | undefined>) =>
    attempt(
      work.then(async (variable) => {
        if (!variable) return;
        const queryKey = [KEY, owner, "one", variable.id];
        await client.cancelQueries({ queryKey });
        client.setQueryData(queryKey, variable);
      }),
    );
  if (groups.error) return <div className="st-empty"><Wrong>{groups.error.message}</Wrong></div>;
  if (!open) return <div className="st-empty">{groups.isPending ? t("common.loading") : t("variables.noValues")}</div>;
  return (
    <div className="st-columns st-inspect">
      <div className="st-scroll">
        <div className="st-between st-subtabs">
          <span className="st-meta">{t("inspect.hint")}</span>
          <Button size="sm" look="quiet" icon={Eraser} onClick={() => attempt(clearVariables(owner))}>
            {t("inspect.clearAll")}
          </Button>
        </div>
        {(groups.data ?? []).map((group) => (
          <Fragment key={group.id}>
            <GroupHead group={group} onClear={group.scope ? undefined : () => attempt(clearVariables(owner, group.id))} />
            {group.variables.map((variable) => (
              <VariableLine key={keyOf(variable)} variable={variable} active={keyOf(variable) === keyOf(open.variable)} onChoose={() => setChosen(keyOf(variable))} />
            ))}
          </Fragment>
        ))}
      </div>
      <div className="st-scroll">
        {failed ? <Wrong>{failed}</Wrong> : null}
        <VariableDetail key={keyOf(open.variable)} group={open.group} variable={open.variable} attempt={attempt} attemptOn={attemptOn} />
      </div>
    </div>
  );
}

function keyOf(variable: DraftVariable): string {
  return `${variable.type}/${variable.id}/${variable.name}`;
}

function useGroupName(group: Group): { name: string; kind: string } {
  const { t } = useTranslation("studio");
  const node = useStudio((s) => shown(s).nodes.get(group.id));
  return group.scope ? { name: t(`scopes.${group.id}`), kind: "" } : { name: node?.data.title ?? t("chip.deletedNode"), kind: node?.data.type ?? "" };
}

function GroupHead({ group, onClear }: { group: Group; onClear: (() => void) | undefined }) {
  const { t } = useTranslation("studio");
  const { name, kind } = useGroupName(group);
  const Icon = scopeIcon(group.id);
  return (
    <div className="st-between st-inspect-head">
      <span className="st-row">
        {kind ? <KindTile kind={kind} /> : Icon ? <span className="st-tile sm"><Icon size={12} strokeWidth={2} aria-hidden /></span> : null}
        <b className="st-clip">{name}</b>
      </span>
      {onClear ? <IconButton label={t("inspect.clearNode", { name })} icon={Eraser} onClick={onClear} /> : null}
    </div>
  );
}

function VariableLine({ variable, active, onChoose }: { variable: DraftVariable; active: boolean; onChoose: () => void }) {
  const { t } = useTranslation("studio");
  const Icon = typeIcon(variable.value_type);
  return (
    <button type="button" className="st-table-row st-inspect-row" data-active={active} onClick={onChoose}>
      <Icon size={13} strokeWidth={2} aria-hidden />
      <span className="st-mono st-clip">{variable.name}</span>
      {variable.edited ? <span className="st-badge warn">{t("inspect.edited")}</span> : <span />}
      <span className="st-meta">{t(`types.${variable.value_type}`, { defaultValue: variable.value_type })}</span>
    </button>
  );
}

interface DetailProps {
  readonly group: Group;
  readonly variable: DraftVariable;
  readonly attempt: (work: Promise<unknown>) => void;
  /** For work that answers with the variable. */
  readonly attemptOn: (work: Promise<DraftVariable | undefined>) => void;
}

const EDITABLE = /^(string|number|integer|float|boolean|object|array\[(string|number|object|boolean)\])$/;

function VariableDetail({ group, variable, attempt, attemptOn }: DetailProps) {
  const { t } = useTranslation("studio");
  const owner = useStudio((s) => s.owner);
  const { name } = useGroupName(group);
  const environment = group.id === "env";
  const full = useQuery({ queryKey: [KEY, owner, "one", variable.id], enabled: !environment, queryFn: () => oneVariable(owner, variable.id), staleTime: 0 });
  const shownVariable = environment ? variable : full.data;
  const title = `${name} / ${variable.name}`;
  if (full.error) return <Wrong>{full.error.message}</Wrong>;
  if (!shownVariable) return <div className="st-empty">{t("common.loading")}</div>;
  const download = shownVariable.full_content?.download_url;
  const editable = !environment && shownVariable.editable !== false && !shownVariable.is_truncated && EDITABLE.test(shownVariable.value_type);
  return (
    <>
      <div className="st-between st-inspect-head">
        <span className="st-row">
          <b className="st-clip">{title}</b>
          <span className="st-badge">{t(`types.${shownVariable.value_type}`, { defaultValue: shownVariable.value_type })}</span>
          {shownVariable.edited ? <span className="st-badge warn">{t("inspect.edited")}</span> : null}
        </span>
        {environment ? (
          <Button size="sm" look="quiet" onClick={() => openSide("environment")}>
            {t("inspect.editThere")}
          </Button>
        ) : (
          <span className="st-row">
            {download ? (
              <a className="st-button quiet sm icon" href={download} download title={t("inspect.download")} aria-label={t("inspect.download")}>
                <Download size={14} strokeWidth={1.9} aria-hidden />
              </a>
            ) : null}
            <IconButton label={t("inspect.reset")} icon={RotateCcw} onClick={() => attemptOn(resetVariable(owner, variable.id))} />
            {group.id === "conversation" ? null : <IconButton label={t("inspect.delete")} icon={Trash2} onClick={() => attempt(deleteVariable(owner, variable.id))} />}
          </span>
        )}
      </div>
      {shownVariable.is_truncated ? <span className="st-note-banner">{t("inspect.truncated")}</span> : null}
      {editable ? <ValueEditor key={asText(shownVariable.value)} title={title} variable={shownVariable} onSave={(value) => attemptOn(changeVariable(owner, variable.id, value))} /> : <JsonView title={t("inspect.value")} value={shownVariable.value} />}
    </>
  );
}

function ValueEditor({ title, variable, onSave }: { title: string; variable: DraftVariable; onSave: (value: unknown) => void }) {
  const { t } = useTranslation("studio");
  const [value, setValue] = useState<unknown>(variable.value);
  const changed = JSON.stringify(value) !== JSON.stringify(variable.value);
  return (
    <section className="st-section st-inspect-value">
      <TypedValue label={title} type={variable.value_type} value={value} onChange={setValue} />
      <div className="st-row">
        <Button size="sm" look="primary" disabled={!changed} onClick={() => onSave(value)}>
          {t("common.save")}
        </Button>
        {changed ? (
          <Button size="sm" look="quiet" onClick={() => setValue(variable.value)}>
            {t("common.cancel")}
          </Button>
        ) : (
          <span className="st-hint">{t("inspect.note")}</span>
        )}
      </div>
    </section>
  );
}
