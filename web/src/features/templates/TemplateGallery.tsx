/** Apps to begin with, as cards; one click makes an app of one, or tries it. */
import { useQuery } from "@tanstack/react-query";
import { Play, Plus } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { importApp, useAppChange } from "../../data/apps";
import { type Template, templateFile, templateList } from "../../data/templates";
import { errorDetails, messageOf } from "../../lib/http";
import { wireLanguage } from "../../lib/i18n";
import { AppTile } from "../../ui/AppTile";
import { Button } from "../../ui/Button";
import { Segmented } from "../../ui/Segmented";
import { Failed, SkeletonRows } from "../../ui/States";
import { TrialDialog } from "./TrialDialog";

const ALL = "all";

export function TemplateGallery({ onOpen }: { onOpen: (appId: string) => void }) {
  const { t, i18n } = useTranslation("templates");
  const { t: c } = useTranslation();
  const language = wireLanguage(i18n.language);
  const list = useQuery(templateList(language));
  const [category, setCategory] = useState(ALL);
  const [tried, setTried] = useState<Template | null>(null);
  const create = useAppChange(async (template: Template) => {
    const result = await importApp({ mode: "yaml-content", yaml_content: await templateFile(template.app.id, language) });
    if (!result.app_id) throw new Error(result.error);
    return result.app_id;
  });
  if (list.isPending) return <SkeletonRows rows={4} height={72} slow={c("common.slow")} label={c("common.loading")} />;
  if (list.error) {
    return (
      <Failed
        title={t("failed")}
        text={messageOf(list.error)}
        retry={{ label: c("common.retry"), onClick: () => void list.refetch() }}
        details={{ label: c("common.details"), copied: c("common.copied"), text: errorDetails(list.error) }}
      />
    );
  }
  const { categories, recommended_apps: all } = list.data;
  // A category of another language is none here.
  const chosen = categories.includes(category) ? category : ALL;
  const shown = all.filter((template) => chosen === ALL || template.category === chosen);
  const make = (template: Template) =>
    create.mutate(template, { onSuccess: (id) => onOpen(id), onError: (error) => toast.error(c("common.failed", { message: messageOf(error) })) });
  return (
    <div className="flex flex-col gap-3">
      <div className="overflow-x-auto">
        <Segmented
          label={t("categories")}
          value={chosen}
          onChange={setCategory}
          segments={[{ value: ALL, label: t("all") }, ...categories.map((name) => ({ value: name, label: name }))]}
        />
      </div>
      <ul aria-label={t("section")} className="grid gap-3" style={{ gridTemplateColumns: "repeat(auto-fill, minmax(min(260px, 100%), 1fr))" }}>
        {shown.map((template) => (
          <Card
            key={template.app.id}
            template={template}
            busy={create.isPending && create.variables.app.id === template.app.id}
            disabled={create.isPending}
            onCreate={() => make(template)}
            onTry={template.can_trial ? () => setTried(template) : undefined}
          />
        ))}
      </ul>
      {tried ? <TrialDialog template={tried} busy={create.isPending} onCreate={() => make(tried)} onClose={() => setTried(null)} /> : null}
    </div>
  );
}

interface CardProps {
  readonly template: Template;
  readonly busy: boolean;
  readonly disabled: boolean;
  readonly onCreate: () => void;
  /** Without it, it cannot be tried. */
  readonly onTry?: (() => void) | undefined;
}

function Card({ template, busy, disabled, onCreate, onTry }: CardProps) {
  const { t } = useTranslation("templates");
  const { t: c } = useTranslation();
  const { app, category, description } = template;
  return (
    <li className="card p-4 flex flex-col gap-2.5">
      <div className="flex items-start gap-3">
        <AppTile app={app} size="lg" />
        <div className="flex-1 min-w-0">
          <div className="font-semibold truncate">{app.name}</div>
          <div className="text-12 text-ink-3 truncate">
            {c(`modes.${app.mode}.name`)} · {category}
          </div>
        </div>
      </div>
      <p className="text-12 text-ink-2 flex-1">{description}</p>
      <div className="flex flex-wrap gap-2">
        <Button icon={Plus} busy={busy} disabled={disabled} aria-label={t("createNamed", { name: app.name })} onClick={onCreate}>
          {t("create")}
        </Button>
        {onTry ? (
          <Button icon={Play} kind="quiet" aria-label={t("tryNamed", { name: app.name })} onClick={onTry}>
            {t("try")}
          </Button>
        ) : null}
      </div>
    </li>
  );
}
