/** What a basic app does beside answering: each a row with a switch. */
import { CopyPlus, Hand, HelpCircle, MessageCircleQuestion, Mic, Paperclip, Quote, Volume2 } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../ui/Button";
import { Textarea } from "../../ui/Input";
import { Badge, Tile } from "../../ui/Marks";
import { Switch } from "../../ui/Switch";
import type { PartProps } from "./ConfigurationPage";
import { FilesDialog } from "./FilesDialog";
import { filesProblem, readFiles, writeFiles } from "./files";
import { ModerationRow } from "./ModerationRow";

const MARK = { size: 14, strokeWidth: 1.9, "aria-hidden": true } as const;

export function Features({ config, completion, onChange }: PartProps & { completion: boolean }) {
  const { t } = useTranslation("basic");
  return (
    <section>
      <h2 className="font-semibold mb-2">{t("features.title")}</h2>
      <div className="card">
        {completion ? (
          <FeatureRow icon={<CopyPlus {...MARK} />} title={t("features.more")} text={t("features.moreText")}>
            <Switch checked={config.more} label={t("features.more")} onChange={(more) => onChange({ more })} />
          </FeatureRow>
        ) : (
          <ChatFeatures config={config} onChange={onChange} />
        )}
        <FilesRow value={config.files} onChange={(files) => onChange({ files })} />
        <ModerationRow value={config.moderation} onChange={(moderation) => onChange({ moderation })} />
      </div>
    </section>
  );
}

function ChatFeatures({ config, onChange }: PartProps) {
  const { t } = useTranslation("basic");
  return (
    <>
      <TextRow icon={<Hand {...MARK} />} title={t("features.opening")} hint={t("features.openingText")} summary={config.opening}>
        <Textarea
          rows={2}
          aria-label={t("features.opening")}
          placeholder={t("features.openingPlaceholder")}
          value={config.opening}
          onChange={(event) => onChange({ opening: event.target.value })}
        />
      </TextRow>
      <TextRow
        icon={<HelpCircle {...MARK} />}
        title={t("features.questions")}
        hint={t("features.questionsText")}
        summary={config.questions.filter((question) => question.trim()).join(" · ")}
      >
        <Textarea
          rows={3}
          aria-label={t("features.questions")}
          value={config.questions.join("\n")}
          onChange={(event) => onChange({ questions: event.target.value === "" ? [] : event.target.value.split("\n") })}
        />
      </TextRow>
      <FeatureRow icon={<MessageCircleQuestion {...MARK} />} title={t("features.followUp")} text={t("features.followUpText")}>
        <Switch checked={config.followUp} label={t("features.followUp")} onChange={(followUp) => onChange({ followUp })} />
      </FeatureRow>
      <FeatureRow icon={<Quote {...MARK} />} title={t("features.citations")} text={t("features.citationsText")}>
        <Switch checked={config.citations} label={t("features.citations")} onChange={(citations) => onChange({ citations })} />
      </FeatureRow>
      <FeatureRow icon={<Mic {...MARK} />} title={t("features.listens")} text={t("features.listensText")}>
        <Switch checked={config.listens} label={t("features.listens")} onChange={(listens) => onChange({ listens })} />
      </FeatureRow>
      <FeatureRow icon={<Volume2 {...MARK} />} title={t("features.speaks")} text={t("features.speaksText")}>
        <Switch checked={config.speaks} label={t("features.speaks")} onChange={(speaks) => onChange({ speaks })} />
      </FeatureRow>
    </>
  );
}

function FilesRow({ value, onChange }: { value: unknown; onChange: (value: Record<string, unknown>) => void }) {
  const { t } = useTranslation("basic");
  const [editing, setEditing] = useState(false);
  const files = readFiles(value);
  const toggle = (enabled: boolean) => {
    // What cannot work yet is set up first.
    if (enabled && filesProblem({ ...files, enabled })) setEditing(true);
    else onChange(writeFiles({ ...files, enabled }, value));
  };
  return (
    <FeatureRow icon={<Paperclip {...MARK} />} title={t("files.title")} text={t("files.text")}>
      {files.enabled ? <Badge>{files.types.map((type) => t(`files.type.${type}`)).join(", ")}</Badge> : null}
      <Button size="sm" aria-label={t("files.open")} onClick={() => setEditing(true)}>
        {t("files.settings")}
      </Button>
      <Switch checked={files.enabled} label={t("files.title")} onChange={toggle} />
      {editing ? (
        <FilesDialog
          start={files}
          onClose={() => setEditing(false)}
          onSave={(next) => {
            onChange(writeFiles({ ...next, enabled: true }, value));
            setEditing(false);
          }}
        />
      ) : null}
    </FeatureRow>
  );
}

interface TextRowProps {
  readonly icon: ReactNode;
  readonly title: string;
  readonly hint: string;
  /** What was written, on the line; empty while nothing is. */
  readonly summary: string;
  readonly children: ReactNode;
}

/** A text that shows its beginning on one line and opens to be written. */
function TextRow({ icon, title, hint, summary, children }: TextRowProps) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  return (
    <FeatureRow icon={icon} title={title} text={open || summary === "" ? hint : summary} below={open ? children : null}>
      <Button
        size="sm"
        aria-expanded={open}
        aria-label={`${t(open ? "common.close" : summary === "" ? "common.add" : "common.edit")}: ${title}`}
        onClick={() => setOpen(!open)}
      >
        {t(open ? "common.close" : summary === "" ? "common.add" : "common.edit")}
      </Button>
    </FeatureRow>
  );
}

interface RowProps {
  readonly icon: ReactNode;
  readonly title: string;
  readonly text: string;
  /** Under the line, as wide as the row. */
  readonly below?: ReactNode;
  readonly children?: ReactNode;
}

function FeatureRow({ icon, title, text, below, children }: RowProps) {
  return (
    <div className="px-2.5 py-[7px] border-b border-line-1 last:border-b-0 flex flex-col gap-2">
      <div className="flex items-center gap-2.5 max-md:flex-wrap min-h-6">
        <Tile>{icon}</Tile>
        <span className="font-semibold">{title}</span>
        <span className="text-12 text-ink-3 truncate flex-1 max-md:basis-1/3">{text}</span>
        {children}
      </div>
      {below}
    </div>
  );
}
