/** A basic app: instructions, form and features at the left, the preview at the right. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ArrowDown, ArrowUp, Pencil, Plus, Sparkles, TextCursorInput, Trash2, TriangleAlert, Undo2, Variable } from "lucide-react";
import { type ReactNode, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { type AppDetail, saveModelConfig, useAppChange } from "../../data/apps";
import { modelsOfType } from "../../data/models";
import { messageOf } from "../../lib/http";
import { useKeys } from "../../lib/keys";
import { useMedia } from "../../lib/media";
import { BarEnd } from "../../ui/BarEnd";
import { Button, IconButton } from "../../ui/Button";
import { Confirm } from "../../ui/Dialog";
import { Badge, Tile } from "../../ui/Marks";
import { Menu } from "../../ui/Menu";
import { Segmented } from "../../ui/Segmented";
import { Generate } from "../generate/Generate";
import { AgentSettings } from "./AgentSettings";
import { AgentTools } from "./AgentTools";
import { canCallTools, wired } from "./agent";
import { Compare } from "./Compare";
import { Features } from "./Features";
import { FieldDialog } from "./FieldDialog";
import { Knowledge } from "./Knowledge";
import { type Config, type FormField, type ModelChoice, newField, readConfig, sameConfig, unknownVariables, variablesIn, writeConfig } from "./model";
import { Preview } from "./Preview";
import { PromptBox, type PromptHandle } from "./PromptBox";
import { Tools } from "./Tools";
import { useLeaveGuard } from "./useLeaveGuard";

interface Props {
  readonly app: AppDetail;
  readonly picker: (value: ModelChoice | undefined, onChange: (value: ModelChoice) => void) => ReactNode;
}

export function ConfigurationPage({ app, picker }: Props) {
  const { t } = useTranslation("basic");
  const { t: c } = useTranslation();
  const [saved, setSaved] = useState<Config>(() => readConfig(app.model_config, app.mode));
  const [config, setConfig] = useState<Config>(saved);
  const [restoring, setRestoring] = useState(false);
  const completion = app.mode === "completion";
  const change = (part: Partial<Config>) => setConfig((now) => ({ ...now, ...part }));
  const dirty = !sameConfig(saved, config);
  useLeaveGuard(dirty, t("leave"));
  const llms = useQuery(modelsOfType("llm")).data?.data;
  const callsTools = canCallTools(llms, config.model);
  const publish = useAppChange((next: Config) => saveModelConfig(app.id, writeConfig(wired(llms, next))));
  const run = () =>
    publish.mutate(config, {
      onSuccess: () => {
        setSaved(config);
        toast(t("published"));
      },
      onError: (error) => toast.error(c("common.failed", { message: messageOf(error) })),
    });
  useKeys({ "mod+shift+P": run, "mod+shift+p": run });
  const noModels = llms?.length === 0;
  const narrow = useMedia("(max-width: 899px)");
  const [comparing, setComparing] = useState(false);
  const [pane, setPane] = useState<"build" | "preview">("build");
  return (
    <div className={`flex flex-1 min-h-0 ${narrow ? "flex-col" : ""}`}>
      {narrow && !comparing ? (
        <div className="px-4 py-2 border-b border-line-1 flex justify-center">
          <Segmented
            label={t("panes.label")}
            value={pane}
            onChange={setPane}
            segments={[
              { value: "build", label: t("panes.build") },
              { value: "preview", label: t("preview.title") },
            ]}
          />
        </div>
      ) : null}
      <BarEnd>
        {picker(config.model, (model) => change({ model }))}
        {dirty ? (
          <>
            <Badge tone="warn">{t("unsaved")}</Badge>
            <IconButton icon={Undo2} label={t("restore")} onClick={() => setRestoring(true)} />
          </>
        ) : null}
        <Button kind="primary" busy={publish.isPending} disabled={!config.model} onClick={run}>
          {t("publish")}
        </Button>
      </BarEnd>
      <div className={`flex-1 min-w-0 overflow-auto ${comparing || (narrow && pane !== "build") ? "hidden" : ""}`}>
        <div className="max-w-[820px] px-7 max-md:px-4 py-4.5 flex flex-col gap-5 mx-auto">
          {noModels || !config.model ? (
            <div className="banner" data-tone="warn">
              <TriangleAlert size={16} aria-hidden />
              <span className="flex-1">{t(noModels ? "model.noProvider" : "model.none")}</span>
              {noModels ? (
                <Link to="/settings/models" className="font-semibold underline">
                  {t("model.connect")}
                </Link>
              ) : null}
            </div>
          ) : null}
          <Instructions appId={app.id} config={config} completion={completion} onChange={change} />
          <FormSection config={config} completion={completion} onChange={change} />
          {config.agent ? <AgentTools agent={config.agent} onChange={(agent) => change({ agent })} /> : null}
          {config.agent ? <AgentSettings agent={config.agent} prompt={config.prompt} callsTools={callsTools} onChange={(agent) => change({ agent })} /> : null}
          <Knowledge config={config} completion={completion} onChange={change} />
          <Tools config={config} onChange={change} />
          <Features config={config} completion={completion} onChange={change} />
        </div>
      </div>
      <Preview
        appId={app.id}
        completion={completion}
        config={wired(llms, config)}
        narrow={narrow}
        hidden={comparing || (narrow && pane !== "preview")}
        onCompare={() => setComparing(true)}
      />
      {comparing ? (
        <Compare
          appId={app.id}
          completion={completion}
          config={config}
          narrow={narrow}
          picker={picker}
          wire={(each) => wired(llms, each)}
          onUse={(model) => change({ model })}
          onClose={() => setComparing(false)}
        />
      ) : null}
      <Confirm
        open={restoring}
        title={t("restoreTitle")}
        text={t("restoreText")}
        confirm={t("restore")}
        cancel={c("common.keep")}
        onClose={() => setRestoring(false)}
        onConfirm={() => {
          setConfig(saved);
          setRestoring(false);
        }}
      />
    </div>
  );
}

export interface PartProps {
  readonly config: Config;
  readonly onChange: (part: Partial<Config>) => void;
}

const BRACES = { open: "{{", close: "}}" };

function Instructions({ appId, config, completion, onChange }: PartProps & { appId: string; completion: boolean }) {
  const { t } = useTranslation("basic");
  const box = useRef<PromptHandle>(null);
  const [generating, setGenerating] = useState(false);
  const unknown = unknownVariables(config);
  const known = [...config.fields, ...config.tools.filter((tool) => tool.enabled).map((tool) => ({ ...newField(tool.variable), label: tool.label }))];
  return (
    <section>
      <h2 className="font-semibold mb-2">{t("instructions.title")}</h2>
      <div className="rounded-md border border-line-2 focus-within:outline-2 focus-within:outline-focus overflow-hidden">
        <PromptBox
          ref={box}
          label={t("instructions.title")}
          placeholder={t("instructions.placeholder", BRACES)}
          value={config.prompt}
          fields={known}
          onChange={(prompt) => onChange({ prompt })}
        />
        <div className="flex items-center gap-2 px-3 min-h-8 border-t border-line-1 bg-surface-2 text-12 text-ink-3">
          <Menu
            align="start"
            entries={
              known.length === 0
                ? [{ key: "none", head: t("instructions.none") }]
                : known.map((field) => ({
                    key: field.variable,
                    label: field.variable,
                    hint: field.label,
                    icon: TextCursorInput,
                    onSelect: () => box.current?.insert(field.variable),
                  }))
            }
            trigger={
              <Button size="sm" kind="quiet" icon={Variable}>
                {t("instructions.insert")}
              </Button>
            }
          />
          <Button size="sm" kind="quiet" icon={Sparkles} onClick={() => setGenerating(true)}>
            {t("instructions.generate")}
          </Button>
          <span className="flex-1">{t("instructions.hint", BRACES)}</span>
          <span className="num">{t("instructions.length", { count: config.prompt.length })}</span>
        </div>
      </div>
      {generating ? (
        <Generate
          kind="prompt"
          current={config.prompt}
          place={{ flow: appId, node: "" }}
          model={config.model ? { provider: config.model.provider, name: config.model.name, mode: config.model.mode } : undefined}
          withForm
          onClose={() => setGenerating(false)}
          onApply={({ text, opening }) => {
            // An opening that somebody wrote stays.
            onChange(opening && !completion && !config.opening ? { prompt: text, opening } : { prompt: text });
            setGenerating(false);
          }}
        />
      ) : null}
      {unknown.length > 0 ? (
        <div className="banner mt-2" data-tone="warn">
          <TriangleAlert size={16} aria-hidden />
          <span className="flex-1">{t("unknown", { count: unknown.length, names: unknown.join(", ") })}</span>
          <Button size="sm" onClick={() => onChange({ fields: [...config.fields, ...unknown.map(newField)] })}>
            {t("addThem")}
          </Button>
        </div>
      ) : null}
    </section>
  );
}

function FormSection({ config, completion, onChange }: PartProps & { completion: boolean }) {
  const { t } = useTranslation("basic");
  const [editing, setEditing] = useState<{ readonly index: number | undefined }>();
  const used = new Set(variablesIn(config.prompt));
  const { fields } = config;
  const move = (from: number, to: number) => {
    const next = [...fields];
    const [field] = next.splice(from, 1);
    if (field) next.splice(to, 0, field);
    onChange({ fields: next });
  };
  const save = (field: FormField) => {
    const at = editing?.index;
    onChange({ fields: at === undefined ? [...fields, field] : fields.map((old, i) => (i === at ? field : old)) });
    setEditing(undefined);
  };
  return (
    <section>
      <div className="flex items-center justify-between mb-1.5">
        <h2 className="font-semibold">{t(completion ? "form.titleCompletion" : "form.title")}</h2>
        <Button size="sm" kind="quiet" icon={Plus} onClick={() => setEditing({ index: undefined })}>
          {t("form.add")}
        </Button>
      </div>
      {fields.length === 0 ? (
        <p className="text-ink-3">{t(completion ? "form.emptyCompletion" : "form.empty")}</p>
      ) : (
        <ul className="card">
          {fields.map((field, i) => (
            <li key={field.variable} className="flex items-center gap-2.5 px-2.5 min-h-9.5 border-b border-line-1 last:border-b-0 max-md:flex-wrap max-md:py-1">
              <Tile>
                <TextCursorInput size={14} strokeWidth={1.9} aria-hidden />
              </Tile>
              <span className="font-semibold">{field.variable}</span>
              <span className="text-ink-3 truncate flex-1 max-md:basis-1/3">{field.label === field.variable ? "" : field.label}</span>
              {completion || used.has(field.variable) ? null : <Badge tone="warn">{t("form.unused")}</Badge>}
              <Badge>{t(`types.${field.type}`, { defaultValue: field.type })}</Badge>
              {field.required ? <Badge tone="line">{t("form.required")}</Badge> : null}
              {fields.length > 1 ? (
                <>
                  <IconButton size="sm" icon={ArrowUp} label={t("form.up", { name: field.variable })} disabled={i === 0} onClick={() => move(i, i - 1)} />
                  <IconButton
                    size="sm"
                    icon={ArrowDown}
                    label={t("form.down", { name: field.variable })}
                    disabled={i === fields.length - 1}
                    onClick={() => move(i, i + 1)}
                  />
                </>
              ) : null}
              <IconButton size="sm" icon={Pencil} label={t("form.edit", { name: field.variable })} onClick={() => setEditing({ index: i })} />
              <IconButton
                size="sm"
                icon={Trash2}
                label={t("form.delete", { name: field.variable })}
                onClick={() => onChange({ fields: fields.filter((_, at) => at !== i) })}
              />
            </li>
          ))}
        </ul>
      )}
      {editing ? (
        <FieldDialog
          field={editing.index === undefined ? undefined : fields[editing.index]}
          taken={[...fields.filter((_, i) => i !== editing.index), ...config.tools].map((each) => each.variable)}
          onClose={() => setEditing(undefined)}
          onSave={save}
        />
      ) : null}
    </section>
  );
}
