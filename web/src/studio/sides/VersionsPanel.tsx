/** Published versions: look at one, name it, take it back as the draft. */
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { Ellipsis, GitCompareArrows } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { copyText } from "../../lib/copy";
import { deleteVersion, listVersions, nameVersion, type Version } from "../api";
import { useFormat } from "../canvas/useFormat";
import { Button, IconButton, TextField, Wrong } from "../parts/controls";
import { Dialog } from "../parts/Dialog";
import { Menu } from "../parts/menu";
import { closePreview, openVersion, restoreVersion } from "../store/previews";
import { useStudio } from "../store/studio";
import { CompareVersions, DRAFT } from "./CompareVersions";
import { SideHead } from "./SideHead";

export function VersionsPanel() {
  const { t } = useTranslation("studio");
  const format = useFormat();
  const owner = useStudio((s) => s.owner);
  const shownId = useStudio((s) => (s.preview?.kind === "version" ? s.preview.id : undefined));
  const publishedAt = useStudio((s) => s.publishedAt);
  const client = useQueryClient();
  const [naming, setNaming] = useState<Version>();
  const [failed, setFailed] = useState<string>();
  const [comparing, setComparing] = useState<{ readonly from: string; readonly to: string }>();
  const query = useInfiniteQuery({
    queryKey: ["versions", owner, publishedAt],
    queryFn: ({ pageParam }) => listVersions(owner, pageParam),
    initialPageParam: 1,
    getNextPageParam: (page, all) => (page.has_more ? all.length + 1 : undefined),
  });
  const versions = (query.data?.pages.flatMap((p) => p.items) ?? []).filter((v) => v.version !== "draft");
  const again = () => client.invalidateQueries({ queryKey: ["versions", owner] });
  const attempt = (work: Promise<unknown>) => void work.then(again).catch((e: unknown) => setFailed(e instanceof Error ? e.message : String(e)));
  const nameOf = (v: Version) => v.marked_name || when(v);
  const when = (v: Version) => (v.created_at ? format.dateTime(v.created_at * 1000) : v.version);
  return (
    <>
      <SideHead title={t("versions.title")} />
      <div className="st-inspector-body">
        {failed || query.error ? <Wrong>{failed ?? query.error?.message}</Wrong> : null}
        <button type="button" className="st-table-row st-version-row" data-active={shownId === undefined} onClick={closePreview}>
          <span>
            <b>{t("versions.draft")}</b>
            <span className="st-meta st-block">{t("versions.draftNote")}</span>
          </span>
        </button>
        {versions.length > 0 ? (
          <div className="st-subtabs">
            <Button size="sm" look="quiet" icon={GitCompareArrows} onClick={() => setComparing({ from: versions[0]?.id ?? DRAFT, to: DRAFT })}>
              {t("versions.compare")}
            </Button>
          </div>
        ) : null}
        {versions.map((version, i) => (
          <div key={version.id} className="st-version">
            <button type="button" className="st-table-row st-version-row" data-active={shownId === version.id} onClick={() => openVersion(version, version.marked_name || when(version))}>
              <span className="st-clip">
                <b>{version.marked_name || when(version)}</b> {i === 0 ? <span className="st-badge ok">{t("versions.latest")}</span> : null}
                <span className="st-meta st-block st-clip">{[version.marked_name ? when(version) : "", version.created_by?.name ?? "", version.marked_comment ?? ""].filter(Boolean).join(" · ")}</span>
              </span>
            </button>
            <Menu
              label={t("versions.more", { name: version.marked_name || when(version) })}
              items={[
                { id: "restore", label: t("preview.restore"), run: () => { openVersion(version, nameOf(version)); void restoreVersion(); } },
                { id: "draft", label: t("versions.compareDraft"), run: () => setComparing({ from: version.id, to: DRAFT }) },
                { id: "before", label: t("versions.compareBefore"), disabled: i === versions.length - 1, run: () => setComparing({ from: versions[i + 1]?.id ?? version.id, to: version.id }) },
                { id: "name", label: t("versions.name"), run: () => setNaming(version) },
                { id: "copy", label: t("versions.copyId"), run: () => void copyText(version.id) },
                { id: "delete", label: t("common.delete"), danger: true, disabled: i === 0, run: () => attempt(deleteVersion(owner, version.id)) },
              ]}
              trigger={(props) => <IconButton label={t("versions.more", { name: version.marked_name || when(version) })} icon={Ellipsis} {...props} />}
            />
          </div>
        ))}
        {versions.length === 0 ? <div className="st-empty">{query.isPending ? t("common.loading") : t("versions.none")}</div> : null}
        {query.hasNextPage ? (
          <Button size="sm" look="quiet" busy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            {t("common.more")}
          </Button>
        ) : null}
      </div>
      {comparing ? <CompareVersions versions={versions} names={nameOf} {...comparing} onClose={() => setComparing(undefined)} /> : null}
      {naming ? <NameDialog version={naming} onClose={() => setNaming(undefined)} onSave={(name, comment) => { setNaming(undefined); attempt(nameVersion(owner, naming.id, name, comment)); }} /> : null}
    </>
  );
}

function NameDialog({ version, onClose, onSave }: { version: Version; onClose: () => void; onSave: (name: string, comment: string) => void }) {
  const { t } = useTranslation("studio");
  const [name, setName] = useState(version.marked_name ?? "");
  const [comment, setComment] = useState(version.marked_comment ?? "");
  return (
    <Dialog
      title={t("versions.name")}
      closeLabel={t("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button look="primary" onClick={() => onSave(name.slice(0, 20), comment.slice(0, 100))}>
            {t("common.save")}
          </Button>
        </>
      }
    >
      <TextField label={t("publish.name")} optional={t("common.optional")} value={name} error={name.length > 20 ? t("form.tooLong", { count: 20 }) : undefined} onChange={setName} />
      <TextField label={t("publish.notes")} optional={t("common.optional")} rows={3} value={comment} error={comment.length > 100 ? t("form.tooLong", { count: 100 }) : undefined} onChange={setComment} />
    </Dialog>
  );
}
