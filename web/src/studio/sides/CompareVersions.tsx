/** Two versions side by side, or one and the draft: what differs, setting by setting. */
import { ArrowLeftRight } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Version } from "../api";
import { DifferenceList } from "../bar/DifferenceList";
import { compare } from "../model/compare";
import { readDocument } from "../model/document";
import { Button, IconButton, SelectField } from "../parts/controls";
import { Dialog } from "../parts/Dialog";
import { useStudio } from "../store/studio";

export const DRAFT = "draft";

interface Props {
  readonly versions: readonly Version[];
  readonly names: (version: Version) => string;
  readonly from: string;
  readonly to: string;
  readonly onClose: () => void;
}

export function CompareVersions({ versions, names, from: firstFrom, to: firstTo, onClose }: Props) {
  const { t } = useTranslation("studio");
  const draft = useStudio((s) => s.document);
  const [from, setFrom] = useState(firstFrom);
  const [to, setTo] = useState(firstTo);
  const [moved, setMoved] = useState(false);
  const options = [{ value: DRAFT, label: t("versions.draft") }, ...versions.map((v) => ({ value: v.id, label: names(v) }))];
  const rows = useMemo(() => {
    const read = (id: string) => {
      const version = versions.find((v) => v.id === id);
      return version ? readDocument(version).document : draft;
    };
    return compare(read(from), read(to));
  }, [from, to, versions, draft]);
  const shownRows = moved ? rows : rows.filter((r) => r.kind !== "moved");
  const hidden = rows.length - rows.filter((r) => r.kind !== "moved").length;
  return (
    <Dialog wide title={t("versions.compareTitle")} closeLabel={t("common.close")} onClose={onClose} footer={<Button onClick={onClose}>{t("common.close")}</Button>}>
      <div className="st-versus">
        <SelectField label={t("versions.from")} value={from} options={options} onChange={setFrom} />
        <IconButton
          label={t("versions.swap")}
          icon={ArrowLeftRight}
          onClick={() => {
            setFrom(to);
            setTo(from);
          }}
        />
        <SelectField label={t("versions.to")} value={to} options={options} onChange={setTo} />
      </div>
      {shownRows.length === 0 ? <div className="st-empty">{t("versions.same")}</div> : <DifferenceList detail rows={shownRows} />}
      {hidden > 0 ? (
        <div>
          <Button size="sm" look="quiet" aria-pressed={moved} onClick={() => setMoved(!moved)}>
            {t("versions.moved", { count: hidden })}
          </Button>
        </div>
      ) : null}
    </Dialog>
  );
}
