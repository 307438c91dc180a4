/** Environment and conversation variables. Renaming follows every reference; deleting a used one asks. */
import { Pencil, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { StoredVariable } from "../model/document";
import { references } from "../model/references";
import { freeName } from "../nodes/schema";
import { typeIcon } from "../nodes/typeIcon";
import { Button, IconButton } from "../parts/controls";
import { Dialog } from "../parts/Dialog";
import { renameVariable, setVariables } from "../store/actions";
import { edit, useStudio } from "../store/studio";
import { SideHead } from "./SideHead";
import { VariableDialog } from "./VariableDialog";

export type VariableScope = "environment" | "conversation";

export const SCOPE_NAMES: Readonly<Record<VariableScope, string>> = { environment: "env", conversation: "conversation" };

function usersOf(scope: VariableScope, name: string): number {
  const { document } = useStudio.getState();
  return [...document.nodes.values()].filter((n) => references(n.data).some((s) => s[0] === SCOPE_NAMES[scope] && s[1] === name)).length;
}

export function VariablesPanel({ scope }: { scope: VariableScope }) {
  const { t } = useTranslation("studio");
  const variables = useStudio((s) => s.document[scope]);
  const readOnly = useStudio((s) => s.preview !== undefined);
  const [editing, setEditing] = useState<StoredVariable>();
  const [removing, setRemoving] = useState<StoredVariable>();
  const write = (after: readonly StoredVariable[]) => edit("edit.variables", setVariables(scope, after));
  const save = (next: StoredVariable) => {
    const before = variables.find((v) => v.id === next.id);
    const after = before ? variables.map((v) => (v.id === next.id ? next : v)) : [...variables, next];
    setEditing(undefined);
    if (before && before.name !== next.name) renameVariable(SCOPE_NAMES[scope], before.name, next.name, setVariables(scope, after));
    else write(after);
  };
  const remove = (variable: StoredVariable) => {
    setRemoving(undefined);
    write(variables.filter((v) => v.id !== variable.id));
  };
  const fresh = (): StoredVariable => ({ id: crypto.randomUUID(), name: freeName(variables.map((v) => v.name), scope === "environment" ? "NEW_VARIABLE" : "variable"), value_type: "string", value: "", description: "" });
  return (
    <>
      <SideHead title={t(`${scope}.title`)} />
      <div className="st-inspector-body">
        <section className="st-section">
          <span className="st-hint">{t(`${scope}.about`)}</span>
          {variables.map((variable) => {
            const Icon = typeIcon(variable.value_type);
            return (
              <div className="st-row" key={variable.id || variable.name}>
                <button type="button" className="st-pick" disabled={readOnly} onClick={() => setEditing(variable)} aria-label={t("start.edit", { name: variable.name })}>
                  <Icon size={13} strokeWidth={2} aria-hidden />
                  <span className="st-mono st-field-name">{variable.name}</span>
                  <span className="st-meta st-clip">{variable.description || shortValue(variable)}</span>
                  <Pencil size={12} strokeWidth={2} aria-hidden />
                </button>
                <IconButton label={t("inputs.remove", { name: variable.name })} icon={Trash2} disabled={readOnly} onClick={() => (usersOf(scope, variable.name) > 0 ? setRemoving(variable) : remove(variable))} />
              </div>
            );
          })}
          <div>
            <Button icon={Plus} disabled={readOnly} onClick={() => setEditing(fresh())}>
              {t("common.add")}
            </Button>
          </div>
        </section>
      </div>
      {editing ? <VariableDialog scope={scope} variable={editing} others={variables.filter((v) => v.id !== editing.id)} onClose={() => setEditing(undefined)} onSave={save} /> : null}
      {removing ? (
        <Dialog
          title={t("start.removeTitle", { name: removing.name })}
          closeLabel={t("common.close")}
          onClose={() => setRemoving(undefined)}
          footer={
            <>
              <Button onClick={() => setRemoving(undefined)}>{t("common.keep")}</Button>
              <Button look="danger" onClick={() => remove(removing)}>
                {t("common.delete")}
              </Button>
            </>
          }
        >
          {t("variables.usedBy", { count: usersOf(scope, removing.name) })}
        </Dialog>
      ) : null}
    </>
  );
}

function shortValue(variable: StoredVariable): string {
  if (variable.value_type === "secret") return "••••••";
  return typeof variable.value === "string" ? variable.value : JSON.stringify(variable.value);
}
