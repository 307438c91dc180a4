/** A published workflow as a tool: what it is called by, what it is for, and who fills in its inputs. */
import { CircleAlert } from "lucide-react";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { addWorkflowTool, changeWorkflowTool, useToolChange, type WorkflowTool } from "../../data/tools";
import { messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Input, Textarea } from "../../ui/Input";
import { Badge } from "../../ui/Marks";
import { Select } from "../../ui/Select";
import { emojiOf, PLAIN, TOOL_NAME } from "./model";
import { IconPick, LabelPick } from "./parts";

/** What a workflow that is no tool yet starts with. */
export interface NewWorkflowTool extends Pick<WorkflowTool, "name" | "label" | "description" | "icon" | "parameters" | "workflow_app_id"> {
  readonly workflow_tool_id?: undefined;
  readonly privacy_policy?: string | null;
}

interface Props {
  readonly start: WorkflowTool | NewWorkflowTool;
  readonly labels: readonly string[];
  readonly onClose: () => void;
  readonly onSaved: () => void;
}

export function WorkflowToolDialog({ start, labels: firstLabels, onClose, onSaved }: Props) {
  const { t } = useTranslation("tools");
  const { t: c } = useTranslation();
  const form = useId();
  const [label, setLabel] = useState(start.label);
  const [name, setName] = useState(start.name);
  const [icon, setIcon] = useState(() => emojiOf(start.icon, "⚙️"));
  const [description, setDescription] = useState(start.description);
  const [parameters, setParameters] = useState(start.parameters);
  const [labels, setLabels] = useState(firstLabels);
  const [privacy, setPrivacy] = useState(start.privacy_policy ?? "");
  const [checked, setChecked] = useState(false);
  const problems = {
    label: label.trim() === "" ? t("form.needName") : undefined,
    name: TOOL_NAME.test(name) ? undefined : t("workflow.wrongName"),
    description: description.trim() === "" ? t("workflow.needAbout") : undefined,
  };
  const save = useToolChange(() => {
    const fields = {
      name,
      label: label.trim(),
      description: description.trim(),
      icon: { content: icon, background: PLAIN },
      parameters: parameters.map(({ name: key, description: about, form: by }) => ({ name: key, description: about, form: by })),
      privacy_policy: privacy.trim(),
      labels,
    };
    return start.workflow_tool_id === undefined ? addWorkflowTool(start.workflow_app_id, fields) : changeWorkflowTool(start.workflow_tool_id, fields);
  });
  return (
    <Dialog
      open
      size="lg"
      title={t(start.workflow_tool_id === undefined ? "workflow.new" : "workflow.configure")}
      about={t("workflow.about")}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{c("common.cancel")}</Button>
          <Button kind="primary" type="submit" form={form} busy={save.isPending}>
            {c("common.save")}
          </Button>
        </>
      }
    >
      <form
        id={form}
        noValidate
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          setChecked(true);
          if (problems.label || problems.name || problems.description) return;
          save.mutate(undefined, {
            onSuccess: () => {
              toast(t("workflow.saved", { name: label.trim() }));
              onSaved();
            },
          });
        }}
      >
        <div className="flex items-end gap-3">
          <IconPick value={icon} onChange={setIcon} />
          <div className="flex-1 min-w-0">
            <Field label={t("form.name")} error={checked ? problems.label : undefined}>
              <Input autoFocus maxLength={100} value={label} onChange={(event) => setLabel(event.target.value)} />
            </Field>
          </div>
        </div>
        <Field label={t("workflow.call")} hint={t("workflow.callHint")} error={checked ? problems.name : undefined}>
          <Input className="mono" maxLength={64} spellCheck={false} value={name} onChange={(event) => setName(event.target.value)} />
        </Field>
        <Field label={t("workflow.description")} hint={t("workflow.descriptionHint")} error={checked ? problems.description : undefined}>
          <Textarea rows={3} value={description} onChange={(event) => setDescription(event.target.value)} />
        </Field>
        <section aria-label={t("workflow.parameters")}>
          <h3 className="lbl mb-1">{t("workflow.parameters")}</h3>
          {parameters.length === 0 ? <p className="hint">{t("workflow.noParameters")}</p> : null}
          <ul className="flex flex-col gap-2">
            {parameters.map((parameter, i) => {
              const put = (part: Partial<typeof parameter>) => setParameters((now) => now.map((each, j) => (i === j ? { ...each, ...part } : each)));
              return (
                <li key={parameter.name} className="card p-2.5 flex items-center gap-2.5 flex-wrap">
                  <span className="mono">{parameter.name}</span>
                  {parameter.required ? <Badge tone="line">{t("required")}</Badge> : null}
                  <Input
                    className="flex-1 min-w-[180px]"
                    aria-label={t("workflow.aboutNamed", { name: parameter.name })}
                    placeholder={t("workflow.aboutParameter")}
                    value={parameter.description}
                    onChange={(event) => put({ description: event.target.value })}
                  />
                  <Select
                    className="w-[170px]"
                    aria-label={t("workflow.filledNamed", { name: parameter.name })}
                    value={parameter.form === "form" ? "form" : "llm"}
                    onChange={(by) => put({ form: by })}
                    options={[
                      { value: "llm", label: t("byModel") },
                      { value: "form", label: t("byHand") },
                    ]}
                  />
                </li>
              );
            })}
          </ul>
        </section>
        <LabelPick value={labels} onChange={setLabels} />
        <Field label={t("form.privacy")} optional={c("common.optional")}>
          <Input value={privacy} placeholder="https://" onChange={(event) => setPrivacy(event.target.value)} />
        </Field>
        {save.error ? (
          <p className="wrong" role="alert">
            <CircleAlert size={14} aria-hidden />
            <span className="wrap-anywhere">{messageOf(save.error)}</span>
          </p>
        ) : null}
      </form>
    </Dialog>
  );
}
