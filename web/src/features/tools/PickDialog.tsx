/** Choose tools of the workspace: search, where they come from, several at once. */
import { useQuery } from "@tanstack/react-query";
import { Search, Wrench } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { allTools, CALLED_KINDS, type CalledKind, type Tool, type ToolProvider, toolsOf } from "../../data/tools";
import { inLanguage } from "../../lib/format";
import { messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Input } from "../../ui/Input";
import { Badge } from "../../ui/Marks";
import { Segmented } from "../../ui/Segmented";
import { Empty, Failed, SkeletonRows } from "../../ui/States";
import { ToolTile } from "../../ui/ToolTile";
import { titleOf } from "./model";

export interface PickedTool {
  readonly provider: ToolProvider;
  readonly tool: Tool;
}

interface Props {
  readonly taken: (provider: ToolProvider, tool: Tool) => boolean;
  readonly onClose: () => void;
  readonly onPick: (picked: readonly PickedTool[]) => void;
}

const keyOf = (provider: ToolProvider, tool: Tool) => `${provider.type}/${provider.id}/${tool.name}`;

export function PickDialog({ taken, onClose, onPick }: Props) {
  const { t, i18n } = useTranslation("tools");
  const { t: c } = useTranslation();
  const all = useQuery(allTools);
  const [kind, setKind] = useState<CalledKind | "all">("all");
  const [query, setQuery] = useState("");
  const [picked, setPicked] = useState<readonly string[]>([]);
  const groups = useMemo(() => {
    const needle = query.trim().toLocaleLowerCase();
    return (all.data ?? [])
      .filter((provider) => kind === "all" || provider.type === kind)
      .map((provider) => ({
        provider,
        tools: toolsOf(provider).filter((tool) =>
          `${titleOf(provider, i18n.language)} ${tool.name} ${inLanguage(tool.label, i18n.language)} ${inLanguage(tool.description, i18n.language)}`
            .toLocaleLowerCase()
            .includes(needle),
        ),
      }))
      .filter((group) => group.tools.length > 0);
  }, [all.data, kind, query, i18n.language]);
  const done = () => {
    const chosen = (all.data ?? []).flatMap((provider) => toolsOf(provider).map((tool) => ({ provider, tool })));
    onPick(chosen.filter(({ provider, tool }) => picked.includes(keyOf(provider, tool))));
  };
  return (
    <Dialog
      open
      title={t("pick.title")}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{c("common.cancel")}</Button>
          <Button kind="primary" disabled={picked.length === 0} onClick={done}>
            {picked.length === 0 ? c("common.add") : t("pick.add", { count: picked.length })}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-3">
        <Input icon={Search} autoFocus aria-label={t("filter")} placeholder={t("filter")} value={query} onChange={(event) => setQuery(event.target.value)} />
        <div className="flex max-w-full">
          <Segmented
            label={t("kind.label")}
            value={kind}
            onChange={setKind}
            segments={[{ value: "all" as const, label: t("pick.all") }, ...CALLED_KINDS.map((value) => ({ value, label: t(`kind.${value}`) }))]}
          />
        </div>
        {all.isPending ? (
          <SkeletonRows rows={5} height={44} slow={c("common.slow")} label={c("common.loading")} />
        ) : all.error ? (
          <Failed title={t("failed")} text={messageOf(all.error)} retry={{ label: c("common.retry"), onClick: () => void all.refetch() }} />
        ) : groups.length === 0 ? (
          <Empty icon={Wrench} cat="connect" title={t(query === "" ? "pick.none" : "noMatch")} />
        ) : (
          <div className="max-h-[46vh] overflow-auto flex flex-col gap-1">
            {groups.map(({ provider, tools }) => (
              <fieldset key={`${provider.type}/${provider.id}`}>
                <legend className="menu-head flex items-center gap-1.5">
                  {titleOf(provider, i18n.language)}
                  {provider.is_team_authorization === false ? <Badge tone="warn">{t(provider.type === "mcp" ? "mcp.notLetIn" : "needsKey")}</Badge> : null}
                </legend>
                {tools.map((tool) => {
                  const key = keyOf(provider, tool);
                  const has = taken(provider, tool);
                  const on = has || picked.includes(key);
                  return (
                    <label key={key} className="menu-row hover:bg-surface-3 has-[:focus-visible]:outline-2 has-[:focus-visible]:outline-focus">
                      <input
                        type="checkbox"
                        className="accent-accent"
                        checked={on}
                        disabled={has}
                        onChange={() => setPicked((now) => (now.includes(key) ? now.filter((each) => each !== key) : [...now, key]))}
                      />
                      <ToolTile icon={provider.icon} />
                      <span className="min-w-0 flex-1">
                        <span className="font-medium block truncate">{inLanguage(tool.label, i18n.language) || tool.name}</span>
                        <span className="text-12 text-ink-3 block truncate">{inLanguage(tool.description, i18n.language)}</span>
                      </span>
                      {has ? <Badge>{t("pick.has")}</Badge> : null}
                    </label>
                  );
                })}
              </fieldset>
            ))}
          </div>
        )}
      </div>
    </Dialog>
  );
}
