/** Features of a chatflow: what the chat says first and suggests, which files it takes, what it keeps out. */
import { Plus, Settings2, Trash2 } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { z } from "zod";
import { filesProblem, readFiles, writeFiles } from "../../features/basic/files";
import { problemOf, readModeration, writeModeration } from "../../features/basic/moderation";
import { Button, IconButton, SwitchRow, TextField } from "../parts/controls";
import { setFeatures } from "../store/actions";
import { useStudio } from "../store/studio";
import { SideHead } from "./SideHead";

const schema = z.looseObject({
  opening_statement: z.string().nullish().catch("").transform((v) => v ?? ""),
  suggested_questions: z.array(z.string()).nullish().catch([]).transform((v) => v ?? []),
  speech_to_text: z.looseObject({ enabled: z.boolean().catch(false) }).nullish().catch(undefined),
  text_to_speech: z.looseObject({ enabled: z.boolean().catch(false) }).nullish().catch(undefined),
  retriever_resource: z.looseObject({ enabled: z.boolean().catch(true) }).nullish().catch(undefined),
  suggested_questions_after_answer: z.looseObject({ enabled: z.boolean().catch(false) }).nullish().catch(undefined),
});

const MAX_QUESTIONS = 10;

const FilesDialog = lazy(() => import("../../features/basic/FilesDialog").then((m) => ({ default: m.FilesDialog })));
const ModerationDialog = lazy(() => import("../../features/basic/ModerationDialog").then((m) => ({ default: m.ModerationDialog })));

export function FeaturesPanel() {
  const { t } = useTranslation("studio");
  const { t: b } = useTranslation("basic");
  const raw = useStudio((s) => s.document.features);
  const readOnly = useStudio((s) => s.preview !== undefined);
  const features = schema.parse(raw);
  const questions = features.suggested_questions;
  const write = (suggested_questions: readonly string[]) => setFeatures({ suggested_questions });
  return (
    <>
      <SideHead title={t("features.title")} />
      <div className="st-inspector-body">
        <fieldset className="st-plain" disabled={readOnly}>
          <section className="st-section">
            <TextField label={t("features.opening")} hint={t("features.openingHint")} rows={4} value={features.opening_statement} onChange={(opening_statement) => setFeatures({ opening_statement })} />
          </section>
          <section className="st-section" aria-label={t("features.questions")}>
            <div className="st-between">
              <span className="st-label">{t("features.questions")}</span>
              <Button look="quiet" size="sm" icon={Plus} disabled={questions.length >= MAX_QUESTIONS} onClick={() => write([...questions, ""])}>
                {t("common.add")}
              </Button>
            </div>
            {questions.length === 0 ? <span className="st-hint">{t("features.questionsHint")}</span> : null}
            {questions.map((question, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the rows have no identity but their place
              <div className="st-row" key={i}>
                <div className="st-grow">
                  <TextField label={t("features.question", { number: i + 1 })} hideLabel value={question} onChange={(next) => write(questions.map((q, j) => (j === i ? next : q)))} />
                </div>
                <IconButton label={t("inputs.remove", { name: question })} icon={Trash2} onClick={() => write(questions.filter((_, j) => j !== i))} />
              </div>
            ))}
          </section>
          <section className="st-section">
            <SwitchRow
              label={t("features.after")}
              note={t("features.afterNote")}
              checked={features.suggested_questions_after_answer?.enabled ?? false}
              onChange={(enabled) => setFeatures({ suggested_questions_after_answer: { ...features.suggested_questions_after_answer, enabled } })}
            />
            <SwitchRow
              label={t("features.citations")}
              note={t("features.citationsNote")}
              checked={features.retriever_resource?.enabled ?? true}
              onChange={(enabled) => setFeatures({ retriever_resource: { ...features.retriever_resource, enabled } })}
            />
            <SwitchRow
              label={b("features.listens")}
              checked={features.speech_to_text?.enabled ?? false}
              onChange={(enabled) => setFeatures({ speech_to_text: { ...features.speech_to_text, enabled } })}
            />
            <SwitchRow
              label={b("features.speaks")}
              checked={features.text_to_speech?.enabled ?? false}
              onChange={(enabled) => setFeatures({ text_to_speech: { ...features.text_to_speech, enabled } })}
            />
          </section>
          <FilesSection value={raw.file_upload} />
          <ModerationSection value={raw.sensitive_word_avoidance} />
        </fieldset>
      </div>
    </>
  );
}

interface SectionProps {
  /** The feature as it is stored. */
  readonly value: unknown;
}

/** Files that come with a message: the flow reads them as `sys.files`. */
function FilesSection({ value }: SectionProps) {
  const { t } = useTranslation("studio");
  const { t: b } = useTranslation("basic");
  const [editing, setEditing] = useState(false);
  const files = readFiles(value);
  // What cannot work yet is set up first.
  const toggle = (enabled: boolean) => (enabled && filesProblem(files) ? setEditing(true) : setFeatures({ file_upload: writeFiles({ ...files, enabled }, value) }));
  return (
    <section className="st-section">
      <SwitchRow label={b("files.title")} note="sys.files" checked={files.enabled} onChange={toggle} />
      <div className="st-between">
        <span className="st-hint">{files.enabled ? t("features.filesOf", { types: files.types.map((type) => b(`files.type.${type}`)).join(", "), count: files.most }) : b("files.text")}</span>
        <IconButton label={b("files.open")} icon={Settings2} onClick={() => setEditing(true)} />
      </div>
      {editing ? (
        <Suspense fallback={null}>
          <FilesDialog
            start={files}
            onClose={() => setEditing(false)}
            onSave={(next) => {
              setFeatures({ file_upload: writeFiles({ ...next, enabled: true }, value) });
              setEditing(false);
            }}
          />
        </Suspense>
      ) : null}
    </section>
  );
}

function ModerationSection({ value }: SectionProps) {
  const { t } = useTranslation("studio");
  const { t: b } = useTranslation("basic");
  const [editing, setEditing] = useState(false);
  const moderation = readModeration(value);
  const toggle = (enabled: boolean) =>
    enabled && problemOf(moderation) ? setEditing(true) : setFeatures({ sensitive_word_avoidance: writeModeration({ ...moderation, enabled }, value) });
  return (
    <section className="st-section">
      <SwitchRow label={b("moderation.title")} checked={moderation.enabled} onChange={toggle} />
      <div className="st-between">
        <span className="st-hint">{moderation.enabled ? b(`moderation.kind.${moderation.kind}`) : b("moderation.text")}</span>
        <IconButton label={t("features.moderationOpen")} icon={Settings2} onClick={() => setEditing(true)} />
      </div>
      {editing ? (
        <Suspense fallback={null}>
          <ModerationDialog
            start={moderation}
            onClose={() => setEditing(false)}
            onSave={(next) => {
              setFeatures({ sensitive_word_avoidance: writeModeration({ ...next, enabled: true }, value) });
              setEditing(false);
            }}
          />
        </Suspense>
      ) : null}
    </section>
  );
}
