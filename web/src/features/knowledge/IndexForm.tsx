/** What is indexed with which model, and how chunks are found in it. */
import { RadioGroup } from "radix-ui";
import { useTranslation } from "react-i18next";
import { type ChosenModel, ModelSelect } from "./ModelSelect";
import { RetrievalForm } from "./RetrievalForm";
import type { RetrievalModel, Technique } from "./types";

const TECHNIQUES: readonly Technique[] = ["high_quality", "economy"];

interface Props {
  readonly technique: Technique;
  /** The technique stays: it was chosen before. */
  readonly fixed: boolean;
  /** The kind of chunk cannot do without vectors. */
  readonly needsVectors: boolean;
  readonly noEmbedding: boolean;
  readonly embedding: ChosenModel | undefined;
  readonly fixedModel: boolean;
  readonly retrieval: RetrievalModel;
  readonly onTechnique: (technique: Technique) => void;
  readonly onEmbedding: (model: ChosenModel) => void;
  readonly onRetrieval: (retrieval: RetrievalModel) => void;
}

export function IndexForm({ technique, fixed, needsVectors, noEmbedding, embedding, fixedModel, retrieval, onTechnique, onEmbedding, onRetrieval }: Props) {
  const { t } = useTranslation("knowledge");
  return (
    <div className="flex flex-col gap-4">
      <div className="flex flex-col gap-[5px]">
        <span className="lbl">{t("index.title")}</span>
        <RadioGroup.Root
          className="kb-cards"
          value={technique}
          aria-label={t("index.title")}
          disabled={fixed}
          onValueChange={(next) => {
            const found = TECHNIQUES.find((each) => each === next);
            if (found) onTechnique(found);
          }}
        >
          {TECHNIQUES.filter((each) => !fixed || each === technique).map((each) => (
            <RadioGroup.Item key={each} value={each} className="radiocard kb-card" disabled={fixed || (needsVectors && each === "economy")}>
              <span className="flex items-center gap-2 font-semibold">
                <span className="kb-radio" aria-hidden />
                {t(`techniques.${each}`)}
              </span>
              <span className="text-12 text-ink-2">{t(`techniqueAbout.${each}`)}</span>
            </RadioGroup.Item>
          ))}
        </RadioGroup.Root>
        {needsVectors && !fixed ? <span className="hint">{t("index.needsVectors")}</span> : null}
        {!fixed && !needsVectors ? <span className="hint">{t("index.later")}</span> : null}
        {technique === "high_quality" && noEmbedding ? (
          <div className="wrong" role="alert">
            <span>
              {t("index.noEmbedding")}{" "}
              <a href="/settings/models" className="underline">
                {t("model.connect")}
              </a>
            </span>
          </div>
        ) : null}
      </div>
      {technique === "high_quality" ? (
        <ModelSelect type="text-embedding" label={t("index.embedding")} value={embedding} disabled={fixedModel} about onChange={onEmbedding} />
      ) : null}
      <RetrievalForm value={retrieval} technique={technique} embedding={embedding} onChange={onRetrieval} />
    </div>
  );
}
