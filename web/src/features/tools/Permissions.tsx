/** Which roles may build with a provider's tools and try them out: one rule for all, and one for single tools. */
import { useQuery } from "@tanstack/react-query";
import { ChevronDown, Plus, UserRoundCheck, X } from "lucide-react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { useRights } from "../../data/session";
import { setToolRule, type ToolProvider, type ToolRule, toolRules, toolsOf, useToolChange } from "../../data/tools";
import { inLanguage } from "../../lib/format";
import { messageOf } from "../../lib/http";
import { Button, IconButton } from "../../ui/Button";
import { Menu } from "../../ui/Menu";

export const RULED_ROLES = ["owner", "admin", "editor", "normal"] as const;

export function Permissions({ provider }: { provider: ToolProvider }) {
  const { t, i18n } = useTranslation("tools");
  const { t: c } = useTranslation();
  const rights = useRights();
  const rules = useQuery(toolRules);
  const change = useToolChange(({ tool, roles }: Change) => setToolRule(provider, tool, roles));
  const tools = toolsOf(provider);
  if (rules.error) return <p className="wrong">{messageOf(rules.error)}</p>;
  if (!rules.data || tools.length === 0) return null;
  const own = rules.data.filter((rule) => rule.provider_type === provider.type && rule.provider_id === provider.id);
  const all = own.find((rule) => !rule.tool_name);
  const single = own.filter((rule) => rule.tool_name);
  const free = tools.filter((tool) => !single.some((rule) => rule.tool_name === tool.name));
  const nameOf = (tool: string) => inLanguage(tools.find((each) => each.name === tool)?.label, i18n.language) || tool;
  const set = (next: Change) => change.mutate(next, { onError: (error) => toast.error(c("common.failed", { message: messageOf(error) })) });
  // Who reads that everybody may, learns nothing.
  if (!rights.admin && own.length === 0) return null;
  return (
    <section aria-label={t("rights.title")}>
      <div className="flex items-center justify-between mb-1.5">
        <h3 className="lbl">{t("rights.title")}</h3>
        {rights.admin && tools.length > 1 && free.length > 0 ? (
          <Menu
            trigger={
              <Button size="sm" kind="quiet" icon={Plus}>
                {t("rights.forOne")}
              </Button>
            }
            entries={free.map((tool) => ({
              key: tool.name,
              label: nameOf(tool.name),
              onSelect: () => set({ tool: tool.name, roles: all?.roles ?? RULED_ROLES }),
            }))}
          />
        ) : null}
      </div>
      <ul className="card">
        <RuleRow
          label={t("rights.all")}
          roles={all?.roles ?? RULED_ROLES}
          onRoles={(roles) => set({ tool: undefined, roles: roles.length === RULED_ROLES.length ? undefined : roles })}
        />
        {single.map((rule) => (
          <RuleRow
            key={rule.tool_name}
            label={nameOf(rule.tool_name ?? "")}
            roles={rule.roles}
            onRoles={(roles) => set({ tool: rule.tool_name ?? undefined, roles })}
            onRemove={() => set({ tool: rule.tool_name ?? undefined, roles: undefined })}
          />
        ))}
      </ul>
      <p className="hint mt-1.5">{t("rights.hint")}</p>
    </section>
  );
}

interface Change {
  readonly tool: string | undefined;
  readonly roles: ToolRule["roles"] | undefined;
}

interface RowProps {
  readonly label: string;
  readonly roles: readonly string[];
  readonly onRoles: (roles: string[]) => void;
  readonly onRemove?: () => void;
}

function RuleRow({ label, roles, onRoles, onRemove }: RowProps) {
  const { t } = useTranslation("tools");
  const rights = useRights();
  const names = RULED_ROLES.filter((role) => roles.includes(role)).map((role) => t(`rights.roles.${role}`));
  const told = names.length === RULED_ROLES.length ? t("rights.everybody") : names.length === 0 ? t("rights.nobody") : names.join(t("rights.and"));
  return (
    <li className="flex items-center gap-2 px-3 min-h-9.5 border-b border-line-1 last:border-b-0 flex-wrap">
      <UserRoundCheck size={14} strokeWidth={1.9} className="text-ink-3" aria-hidden />
      <span className="font-medium truncate">{label}</span>
      <span className="flex-1" />
      {rights.admin ? (
        <Menu
          trigger={
            <Button size="sm" kind="quiet" icon={ChevronDown} aria-label={t("rights.who", { name: label, roles: told })}>
              {told}
            </Button>
          }
          entries={RULED_ROLES.map((role) => ({
            key: role,
            label: t(`rights.roles.${role}`),
            checked: roles.includes(role),
            onSelect: () => onRoles(RULED_ROLES.filter((each) => (each === role) !== roles.includes(each))),
          }))}
        />
      ) : (
        <span className="text-12 text-ink-2">{told}</span>
      )}
      {rights.admin && onRemove ? <IconButton icon={X} label={t("rights.remove", { name: label })} onClick={onRemove} /> : null}
    </li>
  );
}
