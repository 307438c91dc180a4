/** What must be known before anything else: a conflict, no connection, a version that is only looked at. */
import { History, Users, WifiOff } from "lucide-react";
import { useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { compare } from "../model/compare";
import { Button } from "../parts/controls";
import { Dialog } from "../parts/Dialog";
import { keepMine, takeTheirs } from "../store/autosave";
import { closePreview, restoreVersion } from "../store/previews";
import { useStudio } from "../store/studio";
import { DifferenceList } from "./DifferenceList";

export function Banners() {
  return (
    <div className="st-banner">
      <ConflictBanner />
      <OfflineBanner />
      <PreviewBanner />
    </div>
  );
}

function ConflictBanner() {
  const { t } = useTranslation("studio");
  const theirs = useStudio((s) => s.sync.theirs);
  const document = useStudio((s) => s.document);
  const [comparing, setComparing] = useState(false);
  const rows = useMemo(() => (theirs && comparing ? compare(theirs.document, document) : []), [theirs, comparing, document]);
  if (!theirs) return null;
  const choices = (
    <>
      <Button size="sm" onClick={keepMine}>
        {t("conflict.keepMine")}
      </Button>
      <Button size="sm" onClick={takeTheirs}>
        {t("conflict.takeTheirs")}
      </Button>
    </>
  );
  return (
    <div className="st-note-banner" role="alert">
      <Users size={15} strokeWidth={1.75} aria-hidden />
      <span className="st-grow">{theirs.by ? t("conflict.by", { name: theirs.by }) : t("conflict.text")}</span>
      <Button size="sm" onClick={() => setComparing(true)}>
        {t("conflict.compare")}
      </Button>
      {choices}
      {comparing ? (
        <Dialog wide title={t("conflict.title")} closeLabel={t("common.close")} onClose={() => setComparing(false)} footer={choices}>
          <span className="st-hint">{t("conflict.reading")}</span>
          <DifferenceList rows={rows} />
        </Dialog>
      ) : null}
    </div>
  );
}

function OfflineBanner() {
  const { t } = useTranslation("studio");
  const [online, setOnline] = useState(() => navigator.onLine);
  useEffect(() => {
    const read = () => setOnline(navigator.onLine);
    window.addEventListener("online", read);
    window.addEventListener("offline", read);
    return () => {
      window.removeEventListener("online", read);
      window.removeEventListener("offline", read);
    };
  }, []);
  if (online) return null;
  return (
    <div className="st-note-banner plain" role="status">
      <WifiOff size={15} strokeWidth={1.75} aria-hidden />
      {t("sync.offline")}
    </div>
  );
}

function PreviewBanner() {
  const { t } = useTranslation("studio");
  const preview = useStudio((s) => s.preview);
  if (!preview) return null;
  return (
    <div className="st-note-banner plain" role="status">
      <History size={15} strokeWidth={1.75} aria-hidden />
      <span className="st-grow">{t(preview.kind === "version" ? "preview.version" : "preview.run", { title: preview.title })}</span>
      {preview.kind === "version" ? (
        <Button size="sm" onClick={() => void restoreVersion()}>
          {t("preview.restore")}
        </Button>
      ) : null}
      <Button size="sm" onClick={closePreview}>
        {t("preview.back")}
      </Button>
    </div>
  );
}
