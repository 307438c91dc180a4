/** The retrieval test beside the chunks. */
import { X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button, IconButton } from "../../ui/Button";
import { Hits } from "./Hits";
import { QuestionPictures } from "./QuestionPictures";
import { Asked, Keep, Question, Settings } from "./TestParts";
import type { AskedPicture, Dataset, HitRecord } from "./types";
import { useMarks } from "./useMarks";
import { useTest } from "./useTest";

interface Props {
  readonly dataset: Dataset;
  /** It fills the page instead of standing beside the chunks. */
  readonly alone: boolean;
  /** The chunks that were found, to be seen in the list. */
  readonly onFound: (ids: ReadonlySet<string>) => void;
  readonly onOpen: (record: HitRecord) => void;
  readonly onClose: () => void;
}

export function RetrievalPane({ dataset, alone, onFound, onOpen, onClose }: Props) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const [question, setQuestion] = useState("");
  const [pictures, setPictures] = useState<readonly AskedPicture[]>([]);
  const test = useTest(dataset);
  const marks = useMarks(dataset, test.found?.question);
  const tell = useRef(onFound);
  tell.current = onFound;
  const found = test.found?.answer.records;
  useEffect(() => tell.current(new Set((found ?? []).map((record) => record.segment.id))), [found]);
  useEffect(() => () => tell.current(new Set()), []);
  return (
    <aside className="kb-side" data-wide="true" data-alone={alone} aria-label={t("test.title")}>
      <header className="flex items-center gap-2 px-4.5 h-11 border-b border-line-1 flex-none">
        <h2 className="font-semibold flex-1">{t("test.title")}</h2>
        <Asked
          dataset={dataset}
          onChoose={(text, seen) => {
            setQuestion(text);
            setPictures(seen);
            test.run(text, seen);
          }}
        />
        <IconButton size="sm" icon={X} label={c("common.close")} onClick={onClose} />
      </header>
      <div className="flex flex-col gap-2.5 px-4.5 py-3 border-b border-line-1">
        <Question value={question} onChange={setQuestion} onSend={() => test.run(question, pictures)} />
        {dataset.is_multimodal ? <QuestionPictures value={pictures} onChange={setPictures} /> : null}
        <div className="flex items-start gap-2">
          <div className="flex-1 min-w-0">
            <Settings dataset={dataset} test={test} onRun={() => (test.found ? test.run(question, pictures) : undefined)} />
          </div>
          <Button
            kind="primary"
            keys="enter"
            busy={test.busy}
            disabled={(question.trim() === "" && pictures.length === 0) || !test.ready}
            onClick={() => test.run(question, pictures)}
          >
            {t("test.search")}
          </Button>
        </div>
      </div>
      <div className="flex-1 min-h-0 overflow-auto px-4.5 py-3 bg-canvas">
        <Hits test={test} marks={marks} onOpen={onOpen} />
      </div>
      <footer className="px-4.5 py-2 border-t border-line-1">
        <Keep dataset={dataset} test={test} />
      </footer>
    </aside>
  );
}
