/** The tools an agent may call: each with a switch, its settings and its key. */
import { useQuery } from "@tanstack/react-query";
import { Plus, SlidersHorizontal, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { allTools, type Tool, type ToolProvider, toolsOf } from "../../data/tools";
import { inLanguage } from "../../lib/format";
import { messageOf } from "../../lib/http";
import { NO_RULES } from "../../lib/toolRules";
import { Button, IconButton } from "../../ui/Button";
import { Badge } from "../../ui/Marks";
import { Switch } from "../../ui/Switch";
import { ToolTile } from "../../ui/ToolTile";
import { wantsOwnSignIn } from "../tools/model";
import { PickDialog } from "../tools/PickDialog";
import { ToolSettings } from "../tools/ToolSettings";
import { type Agent, type AgentTool, sameTool } from "./model";

interface Props {
  readonly agent: Agent;
  readonly onChange: (agent: Agent) => void;
}

function asAgentTool(provider: ToolProvider, tool: Tool, language: string): AgentTool {
  return {
    enabled: true,
    kind: provider.type,
    provider: provider.id,
    providerName: provider.name,
    name: tool.name,
    label: inLanguage(tool.label, language) || tool.name,
    parameters: {},
    credential: undefined,
    rules: NO_RULES,
    rest: {},
  };
}

export function AgentTools({ agent, onChange }: Props) {
  const { t, i18n } = useTranslation("basic");
  const { t: c } = useTranslation();
  const known = useQuery(allTools);
  const [adding, setAdding] = useState(false);
  const [setting, setSetting] = useState<number>();
  const { tools } = agent;
  const put = (index: number, part: Partial<AgentTool>) => onChange({ ...agent, tools: tools.map((each, i) => (i === index ? { ...each, ...part } : each)) });
  const find = (tool: AgentTool) => {
    for (const provider of known.data ?? []) {
      for (const each of toolsOf(provider)) {
        if (sameTool(tool, { kind: provider.type, provider: provider.id, name: each.name })) return { provider, tool: each };
        if (provider.type === tool.kind && provider.name === tool.providerName && each.name === tool.name) return { provider, tool: each };
      }
    }
    return undefined;
  };
  const open = setting === undefined ? undefined : tools[setting];
  const opened = open ? find(open) : undefined;
  return (
    <section>
      <div className="flex items-center justify-between mb-1.5">
        <h2 className="font-semibold">
          {t("agent.tools")}
          {tools.length > 0 ? (
            <span className="text-12 text-ink-3 font-regular num"> {t("agent.on", { count: tools.filter((each) => each.enabled).length })}</span>
          ) : null}
        </h2>
        <Button size="sm" kind="quiet" icon={Plus} onClick={() => setAdding(true)}>
          {c("common.add")}
        </Button>
      </div>
      {known.error ? <p className="wrong">{messageOf(known.error)}</p> : null}
      {tools.length === 0 ? (
        <p className="text-ink-3">{t("agent.noTools")}</p>
      ) : (
        <ul className="card">
          {tools.map((tool, i) => {
            const here = find(tool);
            const from = here ? inLanguage(here.provider.label, i18n.language) || here.provider.name : (tool.providerName.split("/").at(-1) ?? "");
            // The name of an app is its label already.
            const provider = tool.kind === "app" ? t("agent.app") : from;
            const label = here ? inLanguage(here.tool.label, i18n.language) || tool.label : tool.label;
            return (
              <li
                key={`${tool.kind}/${tool.provider}/${tool.name}`}
                className="flex items-center gap-2.5 px-2.5 min-h-9.5 border-b border-line-1 last:border-b-0 max-md:flex-wrap max-md:py-1"
              >
                <ToolTile icon={here?.provider.icon} />
                <span className="font-semibold truncate">{label}</span>
                <span className="text-ink-3 truncate flex-1 max-md:basis-1/3">{provider}</span>
                {known.isSuccess && !here ? <Badge tone="bad">{t("agent.gone")}</Badge> : null}
                {tool.rules.always || tool.rules.guard ? <Badge>{t("agent.asks")}</Badge> : null}
                {here && (here.provider.personal ? wantsOwnSignIn(here.provider) : here.provider.is_team_authorization === false) ? (
                  <Badge tone="warn">{t("agent.noKey")}</Badge>
                ) : null}
                {here ? <IconButton size="sm" icon={SlidersHorizontal} label={t("agent.toolSettings", { name: label })} onClick={() => setSetting(i)} /> : null}
                <IconButton
                  size="sm"
                  icon={Trash2}
                  label={t("form.delete", { name: label })}
                  onClick={() => onChange({ ...agent, tools: tools.filter((_, at) => at !== i) })}
                />
                <Switch checked={tool.enabled} label={t("tools.on", { name: label })} onChange={(enabled) => put(i, { enabled })} />
              </li>
            );
          })}
        </ul>
      )}
      {adding ? (
        <PickDialog
          taken={(provider, tool) => tools.some((each) => sameTool(each, { kind: provider.type, provider: provider.id, name: tool.name }))}
          onClose={() => setAdding(false)}
          onPick={(picked) => {
            onChange({ ...agent, tools: [...tools, ...picked.map(({ provider, tool }) => asAgentTool(provider, tool, i18n.language))] });
            setAdding(false);
          }}
        />
      ) : null}
      {open && opened && setting !== undefined ? (
        <ToolSettings
          provider={opened.provider}
          tool={opened.tool}
          values={open.parameters}
          credential={open.credential}
          rules={open.rules}
          onClose={() => setSetting(undefined)}
          onSave={(parameters, credential, rules) => {
            put(setting, { parameters, credential, rules });
            setSetting(undefined);
          }}
        />
      ) : null}
    </section>
  );
}
