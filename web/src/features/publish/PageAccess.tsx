/** Who may open the page: everyone, the workspace, or some of it. */
import { useQuery } from "@tanstack/react-query";
import { Lock } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { type AppDetail, type PageAccessMode, pageAccess, setPageAccess, useAppChange } from "../../data/apps";
import { messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Tile } from "../../ui/Marks";
import { Skeleton } from "../../ui/States";

const MODES: readonly PageAccessMode[] = ["public", "private_all", "private"];

export function PageAccess({ app }: { app: AppDetail }) {
  const { t } = useTranslation("publish");
  const { t: c } = useTranslation();
  const now = useQuery(pageAccess(app.id));
  const [draft, setDraft] = useState<{ mode: PageAccessMode; chosen: readonly string[] } | null>(null);
  const save = useAppChange((next: { mode: PageAccessMode; chosen: readonly string[] }) => setPageAccess(app.id, next.mode, next.chosen));
  const shown = draft ?? now.data;
  const isEmpty = shown?.mode === "private" && shown.chosen.length === 0;
  const change = (part: Partial<{ mode: PageAccessMode; chosen: readonly string[] }>) =>
    shown && setDraft({ mode: part.mode ?? shown.mode, chosen: part.chosen ?? shown.chosen });
  return (
    <section className="card p-4 flex flex-col gap-3" aria-label={t("access.title")}>
      <div className="flex items-center gap-2.5">
        <Tile>
          <Lock size={14} strokeWidth={1.9} aria-hidden />
        </Tile>
        <h2 className="font-semibold flex-1">{t("access.title")}</h2>
      </div>
      {now.error ? <div className="wrong">{t("access.failed")}</div> : null}
      {shown ? (
        <fieldset className="flex flex-col gap-1.5">
          <legend className="visually-hidden">{t("access.title")}</legend>
          {MODES.map((mode) => (
            <label key={mode} className="flex items-center gap-2.5 min-h-7 max-md:min-h-11">
              <input type="radio" name="access" checked={shown.mode === mode} onChange={() => change({ mode })} />
              {t(`access.${mode}`)}
            </label>
          ))}
        </fieldset>
      ) : now.error ? null : (
        <Skeleton height={60} />
      )}
      {shown?.mode === "private" ? (
        <fieldset className="flex flex-col gap-1 max-h-[240px] overflow-auto ps-6">
          <legend className="lbl mb-1">{t("access.people")}</legend>
          {(now.data?.people ?? []).map((person) => (
            <label key={person.id} className="flex items-center gap-2.5 min-h-7 max-md:min-h-11 min-w-0">
              <input
                type="checkbox"
                checked={shown.chosen.includes(person.id)}
                onChange={(event) => change({ chosen: event.target.checked ? [...shown.chosen, person.id] : shown.chosen.filter((id) => id !== person.id) })}
              />
              <span className="truncate">{person.name}</span>
              <span className="text-12 text-ink-3 truncate">{person.email}</span>
            </label>
          ))}
        </fieldset>
      ) : null}
      {shown && shown.mode !== "public" ? <p className="hint">{t("access.note")}</p> : null}
      {isEmpty ? <p className="hint">{t("access.choose")}</p> : null}
      {draft ? (
        <div className="flex gap-2">
          <Button
            kind="primary"
            busy={save.isPending}
            disabled={isEmpty}
            onClick={() =>
              save.mutate(draft, {
                onSuccess: () => {
                  setDraft(null);
                  toast(t("access.saved"));
                },
                onError: (error) => toast.error(c("common.failed", { message: messageOf(error) })),
              })
            }
          >
            {t("access.save")}
          </Button>
          <Button onClick={() => setDraft(null)}>{c("common.cancel")}</Button>
        </div>
      ) : null}
    </section>
  );
}
