/** A question put into one of several classes; every class is a branch. */
import { ArrowDown, ArrowUp, Plus, Trash2 } from "lucide-react";
import { useTranslation } from "react-i18next";
import { ModelField } from "../editors/ModelField";
import { PromptEditor } from "../editors/PromptEditor";
import { VariableField } from "../editors/VariableField";
import type { PanelProps } from "../nodes/kind";
import type { ClassifierData, QuestionClass } from "../nodes/question-classifier";
import { Button, IconButton } from "../parts/controls";
import { InstructionBox, MemoryFields, VisionFields } from "./ModelExtras";

const TEXT = ["string"];

export function ClassifierPanel({ id, data, update }: PanelProps<ClassifierData>) {
  const { t } = useTranslation("studio");
  const names = data.classes.map(({ name }) => name).filter((name) => name !== "");
  const facts = `It tells a model how to put a text into one of these classes, which the model sees beside it: ${names.join("; ") || "none yet"}.`;
  return (
    <>
      <section className="st-section">
        <ModelField value={data.model} onChange={(model) => update({ model })} />
        <span className="st-label">{t("classifier.input")}</span>
        <VariableField node={id} label={t("classifier.input")} types={TEXT} value={data.query_variable_selector} onChange={(query_variable_selector) => update({ query_variable_selector })} />
      </section>
      <Classes id={id} classes={data.classes} onChange={(classes) => update({ classes })} />
      <section className="st-section">
        <InstructionBox node={id} label={t("classifier.instruction")} hint={t("classifier.instructionHint")} value={data.instruction} generator={{ model: data.model, facts }} onChange={(instruction) => update({ instruction })} />
        <MemoryFields node={id} value={data.memory} onChange={(memory) => update({ memory })} />
        <VisionFields node={id} value={data.vision} onChange={(vision) => update({ vision })} />
      </section>
    </>
  );
}

interface ClassesProps {
  readonly id: string;
  readonly classes: readonly QuestionClass[];
  readonly onChange: (classes: QuestionClass[]) => void;
}

function Classes({ id, classes, onChange }: ClassesProps) {
  const { t } = useTranslation("studio");
  const swap = (a: number, b: number) => {
    const next = [...classes];
    const [x, y] = [next[a], next[b]];
    if (!x || !y) return;
    next[a] = y;
    next[b] = x;
    onChange(next);
  };
  return (
    <section className="st-section" aria-label={t("classifier.classes")}>
      <div className="st-between">
        <span className="st-label">{t("classifier.classes")}</span>
        <Button look="quiet" size="sm" icon={Plus} onClick={() => onChange([...classes, { id: String(Date.now()), name: "" }])}>
          {t("classifier.add")}
        </Button>
      </div>
      {classes.map((entry, i) => (
        <div className="st-box" key={entry.id || i}>
          <div className="st-box-head">
            <span className="st-branch-key model">{i + 1}</span>
            <span className="st-grow" />
            <IconButton label={t("classifier.up", { number: i + 1 })} icon={ArrowUp} disabled={i === 0} onClick={() => swap(i, i - 1)} />
            <IconButton label={t("classifier.down", { number: i + 1 })} icon={ArrowDown} disabled={i === classes.length - 1} onClick={() => swap(i, i + 1)} />
            <IconButton label={t("classifier.remove", { number: i + 1 })} icon={Trash2} disabled={classes.length <= 2} onClick={() => onChange(classes.filter((_, j) => j !== i))} />
          </div>
          <PromptEditor node={id} label={t("classifier.class", { number: i + 1 })} placeholder={t("classifier.placeholder")} value={entry.name} onChange={(name) => onChange(classes.map((c, j) => (j === i ? { ...c, name } : c)))} />
        </div>
      ))}
    </section>
  );
}
