/** An agent: its strategy and model, the tools it may call, what it is told and asked, how often it may think. */
import { useQuery } from "@tanstack/react-query";
import { Plus, Settings2, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { inLanguage, listStrategies, type Tool, type ToolProvider } from "../api";
import { readRules, ruleFields, type ToolRules } from "../../lib/toolRules";
import { ClosedTool, CredentialField } from "../editors/CredentialField";
import { ModelField } from "../editors/ModelField";
import { ToolInputs } from "../editors/ToolInputs";
import { ToolPicker, useTools } from "../editors/ToolPicker";
import { type AgentData, agentModel, type AgentTool, agentTools, STRATEGIES, STRATEGY_PROVIDER } from "../nodes/agent";
import type { PanelProps } from "../nodes/kind";
import { inputOf, parameterSchema, type ToolParameter, type ToolValues } from "../nodes/tool";
import { Button, IconButton, NumberField, SelectField, SwitchRow, TextField, Wrong } from "../parts/controls";
import { Dialog } from "../parts/Dialog";
import { InstructionBox, MemoryFields } from "./ModelExtras";

const MOST_ROUNDS = 99;
const LABELS: Readonly<Record<string, string>> = { function_calling: "FunctionCalling", ReAct: "ReAct" };
/** Parameters of strategies that have a place of their own here. */
const KNOWN = new Set(["model", "tools", "instruction", "query", "maximum_iterations"]);

interface Way {
  readonly key: string;
  readonly provider: string;
  readonly plugin: string | undefined;
  readonly name: string;
  readonly label: string;
  /** Without who offers it. */
  readonly plain: string;
  readonly about: string;
  readonly parameters: readonly unknown[];
}

/** Every strategy of the server; those that every server has, where it does not list them. */
function useWays(): Way[] {
  const { t, i18n } = useTranslation("studio");
  const { data } = useQuery({ queryKey: ["agent-strategies"], queryFn: listStrategies, staleTime: 300_000 });
  // Two providers may offer ways of one name: then each is shown with who offers it.
  const names = (data ?? []).flatMap((from) => from.declaration.strategies.map((strategy) => strategy.identity.name));
  const shared = (name: string) => names.indexOf(name) !== names.lastIndexOf(name);
  const known = (data ?? []).flatMap((from) =>
    from.declaration.strategies.map((strategy) => ({
      key: `${from.provider}|${strategy.identity.name}`,
      provider: from.provider,
      plugin: from.plugin_unique_identifier ?? undefined,
      name: strategy.identity.name,
      label: `${inLanguage(strategy.identity.label, i18n.language) || strategy.identity.name}${shared(strategy.identity.name) ? ` · ${inLanguage(from.declaration.identity?.label, i18n.language) || from.provider}` : ""}`,
      plain: inLanguage(strategy.identity.label, i18n.language) || strategy.identity.name,
      about: inLanguage(strategy.description, i18n.language),
      parameters: strategy.parameters,
    })),
  );
  if (known.length > 0) return known;
  return STRATEGIES.map((name) => ({
    key: `${STRATEGY_PROVIDER}|${name}`,
    provider: STRATEGY_PROVIDER,
    plugin: undefined,
    name,
    label: t(`agent.strategies.${name}`),
    plain: t(`agent.strategies.${name}`),
    about: t(`agent.strategyHints.${name}`),
    parameters: [],
  }));
}

export function AgentPanel({ id, data, update }: PanelProps<AgentData>) {
  const { t } = useTranslation("studio");
  const ways = useWays();
  const put = (name: string, type: "constant" | "mixed", value: unknown) => update({ agent_parameters: { ...data.agent_parameters, [name]: { type, value } } });
  const model = agentModel(data);
  const text = (name: string) => {
    const value = inputOf(data.agent_parameters, name)?.value;
    return Array.isArray(value) ? `{{#${value.join(".")}#}}` : typeof value === "string" ? value : "";
  };
  const rounds = Number(inputOf(data.agent_parameters, "maximum_iterations")?.value ?? 5);
  const ofName = ways.filter((each) => each.name === data.agent_strategy_name);
  const way =
    ofName.find((each) => each.provider === data.agent_strategy_provider_name) ??
    ofName.find((each) => each.provider.split("/").at(-1) === data.agent_strategy_provider_name.split("/").at(-1));
  const lost = data.agent_strategy_name !== "" && !way;
  const declared = (way?.parameters ?? []).flatMap((p) => parameterSchema.safeParse(p).data ?? []);
  const most = declared.find((p) => p.name === "maximum_iterations")?.max ?? MOST_ROUNDS;
  // What the strategy asks for besides, and what the file has that it does not know.
  const extra = declared.filter((p) => !KNOWN.has(p.name));
  const unknown = Object.keys(data.agent_parameters).filter((name) => !KNOWN.has(name) && !extra.some((p) => p.name === name));
  const tools = agentTools(data).filter((tool) => tool.enabled);
  const generator = {
    model: { provider: model.provider, name: model.model, mode: model.mode, completion_params: model.completion_params },
    facts: `It is the instruction of an agent. Tools it may call: ${tools.map((tool) => tool.tool_name).join(", ") || "none"}.`,
  };
  const others: ToolParameter[] = [...extra, ...unknown.map((name) => parameterSchema.parse({ name, type: "string" }))];
  return (
    <>
      <section className="st-section">
        <SelectField
          label={t("agent.strategy")}
          hint={way?.about ?? ""}
          value={lost ? "lost" : (way?.key ?? "")}
          options={[...ways.map((each) => ({ value: each.key, label: each.label })), ...(lost ? [{ value: "lost", label: data.agent_strategy_label || data.agent_strategy_name }] : [])]}
          onChange={(key) => {
            const next = ways.find((each) => each.key === key);
            if (next)
              update({
                agent_strategy_name: next.name,
                agent_strategy_label: LABELS[next.name] ?? next.plain,
                agent_strategy_provider_name: next.provider,
                ...(next.plugin ? { plugin_unique_identifier: next.plugin } : {}),
              });
          }}
        />
        {lost ? <Wrong>{t("agent.lost", { name: data.agent_strategy_label || data.agent_strategy_name })}</Wrong> : null}
        <ModelField
          value={generator.model}
          onChange={(next) => put("model", "constant", { ...model, provider: next.provider, model: next.name, model_type: "llm", mode: next.mode, completion_params: next.completion_params })}
        />
      </section>
      <Tools id={id} tools={agentTools(data)} onChange={(tools) => put("tools", "constant", tools)} />
      <section className="st-section">
        <InstructionBox node={id} label={t("agent.instruction")} value={text("instruction")} generator={generator} onChange={(value) => put("instruction", "mixed", value)} />
        <InstructionBox node={id} label={t("agent.query")} value={text("query")} onChange={(value) => put("query", "mixed", value)} />
        <span className="st-label">{t("agent.rounds")}</span>
        <div className="st-row">
          <input className="st-range" type="range" aria-label={t("agent.rounds")} min={1} max={Math.min(30, most)} step={1} value={Math.min(30, rounds)} onChange={(e) => put("maximum_iterations", "constant", Number(e.target.value))} />
          <div className="st-number">
            <NumberField label={t("agent.rounds")} hideLabel min={1} max={most} value={rounds} onChange={(v) => put("maximum_iterations", "constant", Math.min(most, Math.max(1, Math.round(v ?? 1))))} />
          </div>
        </div>
        <MemoryFields node={id} value={data.memory} onChange={(memory) => update({ memory })} />
      </section>
      {others.length > 0 ? (
        <section className="st-section" aria-label={t("agent.others")}>
          <span className="st-label">{t("agent.others")}</span>
          <ToolInputs node={id} parameters={others} values={data.agent_parameters} onChange={(agent_parameters) => update({ agent_parameters })} />
        </section>
      ) : null}
    </>
  );
}

/** A tool as an agent keeps it: the model fills every input unless somebody fixes one. */
function agentTool(provider: ToolProvider, tool: Tool, language: string): AgentTool {
  const parameters = Object.fromEntries(tool.parameters.filter((p) => p.form !== "form").map((p) => [p.name, { auto: 1, value: null }]));
  return {
    enabled: true,
    type: provider.type,
    provider_name: provider.name,
    provider_show_name: provider.type === "app" ? inLanguage(provider.label, language) || provider.name : provider.name,
    tool_name: tool.name,
    tool_label: inLanguage(tool.label, language) || tool.name,
    tool_description: inLanguage(tool.description, language),
    parameters,
    settings: {},
    schemas: tool.parameters,
    extra: { description: "" },
  };
}

function findProvider(providers: readonly ToolProvider[] | undefined, tool: AgentTool): ToolProvider | undefined {
  const last = tool.provider_name.split("/").at(-1);
  return (
    providers?.find((p) => p.name === tool.provider_name || p.id === tool.provider_name) ??
    providers?.find((p) => p.type === tool.type && p.id.split("/").at(-1) === last)
  );
}

/** An app is one tool, and may be called otherwise by now. */
function findTool(provider: ToolProvider | undefined, tool: AgentTool): Tool | undefined {
  return provider?.type === "app" ? provider.tools[0] : provider?.tools.find((x) => x.name === tool.tool_name);
}

interface ToolsProps {
  readonly id: string;
  readonly tools: readonly AgentTool[];
  readonly onChange: (tools: AgentTool[]) => void;
}

function Tools({ id, tools, onChange }: ToolsProps) {
  const { t, i18n } = useTranslation("studio");
  const [at, setAt] = useState<{ x: number; y: number; flipTo: number }>();
  const [editing, setEditing] = useState<number>();
  const { data: providers } = useTools();
  const lost = (tool: AgentTool) => providers !== undefined && !findTool(findProvider(providers, tool), tool);
  const source = (tool: AgentTool) => (tool.type === "app" ? t("tool.sources.app") : tool.provider_name.split("/").at(-1));
  const put = (index: number, patch: Partial<AgentTool>) => onChange(tools.map((x, i) => (i === index ? { ...x, ...patch } : x)));
  const open = editing === undefined ? undefined : tools[editing];
  return (
    <section className="st-section" aria-label={t("agent.tools")}>
      <div className="st-between">
        <span className="st-label">{t("agent.tools")}</span>
        <Button
          look="quiet"
          size="sm"
          icon={Plus}
          onClick={(e) => {
            const box = e.currentTarget.getBoundingClientRect();
            setAt({ x: box.right - 300, y: box.bottom + 4, flipTo: box.top - 4 });
          }}
        >
          {t("common.add")}
        </Button>
      </div>
      {tools.length === 0 ? <span className="st-hint">{t("agent.noTools")}</span> : null}
      {tools.map((tool, i) => (
        <div className="st-row" key={`${tool.provider_name}/${tool.tool_name}`}>
          <div className="st-grow">
            <SwitchRow label={tool.tool_label || tool.tool_name} note={lost(tool) ? t("agent.toolGone") : source(tool)} checked={tool.enabled} onChange={(enabled) => put(i, { enabled })} />
          </div>
          <IconButton label={t("agent.toolSettings", { name: tool.tool_label })} icon={Settings2} onClick={() => setEditing(i)} />
          <IconButton label={t("inputs.remove", { name: tool.tool_label })} icon={Trash2} onClick={() => onChange(tools.filter((_, j) => j !== i))} />
        </div>
      ))}
      {at ? (
        <ToolPicker
          at={at}
          onClose={() => setAt(undefined)}
          onChoose={(provider, tool) => {
            setAt(undefined);
            if (!tools.some((x) => x.tool_name === tool.name && x.provider_name === provider.name)) onChange([...tools, agentTool(provider, tool, i18n.language)]);
          }}
        />
      ) : null}
      {open && editing !== undefined ? <AgentToolDialog id={id} tool={open} onClose={() => setEditing(undefined)} onChange={(patch) => put(editing, patch)} /> : null}
    </section>
  );
}

function fixedOf(stored: unknown): { auto: boolean; value: unknown } {
  const auto: unknown = typeof stored === "object" && stored !== null ? Reflect.get(stored, "auto") : 1;
  const value: unknown = typeof stored === "object" && stored !== null ? Reflect.get(stored, "value") : null;
  return { auto: auto !== 0, value };
}

/** What a person is asked before the tool is called. */
function Rules({ tool, onChange }: { tool: AgentTool; onChange: (patch: Partial<AgentTool>) => void }) {
  const { t } = useTranslation("studio");
  const rules = readRules(tool);
  const put = (patch: Partial<ToolRules>) => onChange(ruleFields({ ...rules, ...patch }, tool));
  return (
    <>
      <SelectField
        label={t("approval.when")}
        hint={t("approval.whenHint")}
        value={rules.always ? "always" : rules.guard ? "guard" : "never"}
        options={["never", "guard", "always"].map((value) => ({ value, label: t(`approval.${value}`) }))}
        onChange={(next) => put({ always: next === "always", guard: next === "guard" })}
      />
      {rules.always || rules.guard ? (
        <SelectField
          label={t("approval.who")}
          value={rules.byMember ? "member" : "user"}
          options={["user", "member"].map((value) => ({ value, label: t(`approval.${value}`) }))}
          onChange={(next) => put({ byMember: next === "member" })}
        />
      ) : null}
    </>
  );
}

/** What the model fills in, and what is fixed. */
function AgentToolDialog({ id, tool, onClose, onChange }: { id: string; tool: AgentTool; onClose: () => void; onChange: (patch: Partial<AgentTool>) => void }) {
  const { t, i18n } = useTranslation("studio");
  const { data: providers } = useTools();
  const provider = findProvider(providers, tool);
  const here = findTool(provider, tool);
  const raw: unknown = here?.parameters ?? tool.schemas;
  const parameters = (Array.isArray(raw) ? raw : []).flatMap((p) => parameterSchema.safeParse(p).data ?? []);
  const inputs = parameters.filter((p) => p.form !== "form");
  const settings = parameters.filter((p) => p.form === "form");
  const values: ToolValues = Object.fromEntries(settings.map((p) => [p.name, fixedOf(tool.settings[p.name]).value]));
  return (
    <Dialog title={tool.tool_label || tool.tool_name} closeLabel={t("common.close")} onClose={onClose} footer={<Button look="primary" onClick={onClose}>{t("common.close")}</Button>}>
      {here && provider ? <ClosedTool provider={provider} tool={here.name} /> : null}
      {here && provider ? <CredentialField provider={provider} value={tool.credential_id ?? undefined} onChange={(credential) => onChange({ credential_id: credential ?? null })} /> : null}
      <TextField label={t("agent.toolDescription")} hint={t("agent.toolDescriptionHint")} rows={3} placeholder={tool.tool_description} value={tool.extra?.description ?? ""} onChange={(description) => onChange({ extra: { ...tool.extra, description } })} />
      <Rules tool={tool} onChange={onChange} />
      {inputs.map((p) => {
        const { auto, value } = fixedOf(tool.parameters[p.name]);
        const put = (next: { auto: 0 | 1; value: unknown }) => onChange({ parameters: { ...tool.parameters, [p.name]: next } });
        return (
          <div className="st-case" key={p.name}>
            <SwitchRow label={inLanguage(p.label, i18n.language) || p.name} note={t(auto ? "agent.byModel" : "agent.fixed")} checked={auto} onChange={(on) => put({ auto: on ? 1 : 0, value: on ? null : { type: "mixed", value: "" } })} />
            {auto ? null : <ToolInputs node={id} parameters={[p]} values={{ [p.name]: value }} onChange={(next) => put({ auto: 0, value: next[p.name] })} />}
          </div>
        );
      })}
      {settings.length > 0 ? <ToolInputs node={id} parameters={settings} values={values} onChange={(next) => onChange({ settings: { ...tool.settings, ...Object.fromEntries(Object.entries(next).map(([name, input]) => [name, { value: input }])) } })} /> : null}
      {parameters.length === 0 ? <span className="st-hint">{t("tool.noInputs")}</span> : null}
    </Dialog>
  );
}
