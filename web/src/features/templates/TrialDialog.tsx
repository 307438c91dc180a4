/** A template's page in a frame, to run it before an app is made of it. */
import { Plus } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { Template } from "../../data/templates";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";

interface TrialProps {
  readonly template: Template;
  readonly busy: boolean;
  readonly onCreate: () => void;
  readonly onClose: () => void;
}

export function TrialDialog({ template, busy, onCreate, onClose }: TrialProps) {
  const { t, i18n } = useTranslation("templates");
  const { t: c } = useTranslation();
  const { id, name } = template.app;
  return (
    <Dialog
      open
      size="lg"
      title={t("tryNamed", { name })}
      about={t("trialAbout")}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        <Button icon={Plus} kind="primary" busy={busy} aria-label={t("createNamed", { name })} onClick={onCreate}>
          {t("create")}
        </Button>
      }
    >
      <iframe
        src={`/trial/${id}?locale=${i18n.language}`}
        title={name}
        className="w-full border border-line-1 rounded-md block"
        style={{ height: "min(620px, 60dvh)" }}
        allow="microphone; clipboard-write"
      />
    </Dialog>
  );
}
