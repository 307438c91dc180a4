/** Which models and regions a role or an app may use. */
import { useQuery } from "@tanstack/react-query";
import { Trash2 } from "lucide-react";
import { useTranslation } from "react-i18next";
import { allApps } from "../../../data/apps";
import type { AccessPolicy } from "../../../data/policies";
import { IconButton } from "../../../ui/Button";
import { Field } from "../../../ui/Field";
import { Input } from "../../../ui/Input";
import { Select } from "../../../ui/Select";
import { ALL_TYPES, ModelsField, PolicyCard } from "./fields";
import { newAccess, ROLES, replaced, without } from "./policies";

interface Props {
  readonly access: readonly AccessPolicy[];
  readonly onChange: (access: readonly AccessPolicy[]) => void;
}

const keyOf = (list: AccessPolicy) => (list.role ? `role:${list.role}` : `app:${list.app ?? ""}`);

export function AccessCard({ access, onChange }: Props) {
  const { t } = useTranslation("policies");
  const apps = useQuery(allApps).data?.data ?? [];
  const fresh = newAccess(
    access,
    apps.map((app) => app.id),
  );
  const add = fresh ? { label: t("access.add"), onClick: () => onChange([...access, fresh]) } : undefined;
  const subjects = [
    ...ROLES.map((role) => ({ value: `role:${role}`, label: t(`access.roles.${role}`) })),
    ...apps.map((app) => ({ value: `app:${app.id}`, label: t("access.app", { name: app.name }) })),
  ];
  return (
    <PolicyCard title={t("access.title")} text={t("access.text")} add={add}>
      {access.length > 0 ? (
        <ul className="flex flex-col gap-4">
          {access.map((list, at) => {
            const change = (part: Partial<AccessPolicy>) => onChange(replaced(access, at, { ...list, ...part }));
            const value = keyOf(list);
            const free = subjects.filter((one) => one.value === value || !access.some((other) => keyOf(other) === one.value));
            const known = free.some((one) => one.value === value) ? free : [...free, { value, label: value }];
            const choose = (next: string) => {
              const [kind, id] = [next.slice(0, next.indexOf(":")), next.slice(next.indexOf(":") + 1)];
              onChange(replaced(access, at, { ...(kind === "role" ? { role: id } : { app: id }), models: list.models, regions: list.regions }));
            };
            return (
              <li key={value} className="border border-line-1 rounded-md p-3 flex flex-col gap-4">
                <div className="flex items-end gap-2">
                  <div className="flex-1 min-w-0">
                    <Field label={t("access.who")}>
                      <Select value={value} onChange={choose} options={known} />
                    </Field>
                  </div>
                  <IconButton icon={Trash2} label={t("access.remove", { count: at + 1 })} onClick={() => onChange(without(access, at))} />
                </div>
                <ModelsField
                  label={t("access.models")}
                  all={t("access.allModels")}
                  value={list.models}
                  types={ALL_TYPES}
                  onChange={(models) => change({ models })}
                />
                <Field label={t("access.regions")} hint={t("access.regionsHint")}>
                  <Input
                    className="mono"
                    spellCheck={false}
                    placeholder={t("access.allRegions")}
                    defaultValue={(list.regions ?? []).join(", ")}
                    onBlur={(event) => {
                      const regions = event.target.value.split(/[\s,]+/).filter(Boolean);
                      change({ regions: regions.length > 0 ? regions : null });
                    }}
                  />
                </Field>
              </li>
            );
          })}
        </ul>
      ) : null}
    </PolicyCard>
  );
}
