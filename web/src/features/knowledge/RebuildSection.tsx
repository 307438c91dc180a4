/** The index of a knowledge base: made anew from here, and how far that is, whoever does it. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { RotateCw, Square } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { useRights, workspace } from "../../data/session";
import { useFormat } from "../../lib/format";
import { messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Confirm } from "../../ui/Dialog";
import { indexState } from "./api";
import { clockOf, isAlive, liveIndexState, percentOf, startRebuild, stopRebuild } from "./rebuilds";
import type { IndexRebuild } from "./types";

interface Props {
  readonly dataset: { readonly id: string; readonly name: string };
}

export function RebuildSection({ dataset }: Props) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const { admin } = useRights();
  const known = useQuery(workspace).isSuccess;
  const client = useQueryClient();
  const [sure, setSure] = useState(false);
  const state = useQuery(liveIndexState(dataset.id));
  const again = () => client.invalidateQueries({ queryKey: indexState(dataset.id).queryKey });
  const failed = (error: Error) => toast.error(c("common.failed", { message: messageOf(error) }));
  // Also after a refusal: somebody else may have begun it.
  const begin = useMutation({
    mutationFn: () => startRebuild(dataset.id),
    onError: failed,
    onSettled: () => {
      setSure(false);
      return again();
    },
  });
  const end = useMutation({ mutationFn: () => stopRebuild(dataset.id), onError: failed, onSettled: again });
  const rebuild = state.data?.rebuild;
  const runs = isAlive(rebuild);
  return (
    <section className="border-t border-line-1 pt-5 flex flex-col gap-3" aria-busy={state.isPending || undefined}>
      <div className="flex items-center gap-3 flex-wrap">
        <div className="flex-1 min-w-[200px]">
          <h2 className="font-semibold">{t("rebuild.title")}</h2>
          <p className="text-ink-2">{t("rebuild.text")}</p>
        </div>
        {admin && rebuild?.can_stop ? (
          <Button icon={Square} busy={end.isPending} onClick={() => end.mutate()}>
            {t("rebuild.stop")}
          </Button>
        ) : null}
        {admin ? (
          <Button icon={RotateCw} busy={begin.isPending} disabled={state.isPending || runs} onClick={() => setSure(true)}>
            {t("rebuild.start")}
          </Button>
        ) : null}
      </div>
      {state.isError ? (
        <div className="banner" data-tone="bad" role="alert">
          <span className="flex-1">{t("rebuild.unknown", { message: messageOf(state.error) })}</span>
          <Button size="sm" onClick={() => void state.refetch()}>
            {c("common.retry")}
          </Button>
        </div>
      ) : rebuild ? (
        <RebuildProgress rebuild={rebuild} />
      ) : null}
      {admin || !known ? null : <p className="hint">{t("rebuild.admins")}</p>}
      <Confirm
        open={sure}
        title={t("rebuild.sure", { name: dataset.name })}
        text={t("rebuild.sureText")}
        confirm={t("rebuild.start")}
        cancel={c("common.cancel")}
        busy={begin.isPending}
        onClose={() => setSure(false)}
        onConfirm={() => begin.mutate()}
      />
    </section>
  );
}

/** How far it is, or how it ended. */
function RebuildProgress({ rebuild }: { rebuild: IndexRebuild }) {
  const { t } = useTranslation("knowledge");
  const format = useFormat();
  const { status, kind, target, origin } = rebuild;
  const place = target === "local" ? t("rebuild.local") : target;
  if (status === "completed" || status === "stopped")
    return (
      <p className="text-13 text-ink-2" role="status">
        {t(status === "stopped" ? "rebuild.stopped" : kind === "move" ? "rebuild.moved" : "rebuild.done", {
          place,
          when: format.dateTime(rebuild.finished_at ?? rebuild.updated_at),
        })}
      </p>
    );
  if (status === "error")
    return (
      <div className="banner" data-tone="bad" role="alert">
        {t("rebuild.failed", { place, when: format.dateTime(rebuild.finished_at ?? rebuild.updated_at), message: rebuild.error ?? t("progress.noCause") })}
      </div>
    );
  if (status === "interrupted")
    return (
      <div className="banner" data-tone="warn" role="status">
        {t(origin === "studio" ? "rebuild.takenOver" : "rebuild.interrupted", { place, when: format.dateTime(rebuild.updated_at) })}
      </div>
    );
  return <Running rebuild={rebuild} place={place} />;
}

function Running({ rebuild, place }: { rebuild: IndexRebuild; place: string }) {
  const { t } = useTranslation("knowledge");
  const { done, total, rate, seconds_left, phase } = rebuild;
  const percent = percentOf(rebuild);
  const phaseName = t(`rebuild.phases.${phase}`, { place });
  const clock = seconds_left === null ? undefined : clockOf(seconds_left);
  const facts = [
    ...(percent === undefined ? [] : [t("rebuild.count", { done, total })]),
    ...(rate ? [t("rebuild.rate", { rate })] : []),
    ...(clock ? [t(`rebuild.left.${clock.unit}`, { large: clock.large, small: clock.small })] : []),
  ];
  return (
    <div className="flex flex-col gap-1.5">
      <div className="flex items-baseline gap-2 flex-wrap text-13">
        {/* Said aloud when the phase changes, not each second. */}
        <span role="status">{phaseName}</span>
        <span className="text-ink-2 num">{facts.join(" · ")}</span>
      </div>
      <span className="kb-meter" role="progressbar" aria-label={phaseName} aria-valuemin={0} aria-valuemax={100} aria-valuenow={percent}>
        <span style={{ width: `${percent ?? 0}%` }} />
      </span>
      <p className="hint">{t(rebuild.kind === "move" ? "rebuild.serves.move" : "rebuild.serves.rebuild")}</p>
    </div>
  );
}
