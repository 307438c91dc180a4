/** Tests of retrieval: one question, its hits, and the same question under two settings. */
import { Columns2, ScanSearch } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useMedia } from "../../lib/media";
import { Button } from "../../ui/Button";
import { Segmented } from "../../ui/Segmented";
import { Empty } from "../../ui/States";
import { Hits } from "./Hits";
import { QuestionPictures } from "./QuestionPictures";
import { places } from "./retrieval";
import { Asked, Keep, Question, Settings } from "./TestParts";
import type { AskedPicture, Dataset, HitRecord } from "./types";
import { useMarks } from "./useMarks";
import { type Test, useTest } from "./useTest";

interface Props {
  readonly dataset: Dataset;
  /** Asked at once. */
  readonly initial?: string | undefined;
  /** Two settings side by side. */
  readonly compare: boolean;
  readonly onCompare: (on: boolean) => void;
  readonly onOpen: (record: HitRecord) => void;
}

export function TestPage({ dataset, initial, compare, onCompare, onOpen }: Props) {
  const { t } = useTranslation("knowledge");
  const [question, setQuestion] = useState(initial ?? "");
  const [pictures, setPictures] = useState<readonly AskedPicture[]>([]);
  const first = useTest(dataset);
  const second = useTest(dataset);
  const narrow = useMedia("(max-width: 899px)");
  const [shown, setShown] = useState<"a" | "b">("a");
  const run = (text: string, seen: readonly AskedPicture[] = pictures) => {
    first.run(text, seen);
    if (compare) second.run(text, seen);
  };
  const begin = useRef(run);
  begin.current = run;
  useEffect(() => (initial ? begin.current(initial) : undefined), [initial]);
  const marks = useMarks(dataset, first.found?.question);
  const switchCompare = () => {
    if (!compare && first.found) second.run(first.found.question, first.found.pictures);
    onCompare(!compare);
  };
  const both = compare && first.found && second.found && first.found.question === second.found.question && first.found.pictures === second.found.pictures;
  const a = first.found?.answer.records;
  const b = second.found?.answer.records;
  const moved = useMemo(() => (both && a && b ? { first: places(a, b), second: places(b, a) } : undefined), [both, a, b]);
  const column = (name: "a" | "b", test: Test, map: ReadonlyMap<string, number | undefined> | undefined) => (
    <section className="flex-1 min-w-0 flex flex-col gap-3" aria-label={compare ? t(`test.column.${name}`) : t("test.results")}>
      {compare ? <h2 className="font-semibold text-12 text-ink-2">{t(`test.column.${name}`)}</h2> : null}
      <Settings dataset={dataset} test={test} onRun={() => (test.found ? test.run(test.found.question, test.found.pictures) : undefined)} />
      <Keep dataset={dataset} test={test} />
      {test.found || test.busy || test.error ? (
        <Hits test={test} places={map} marks={marks} onOpen={onOpen} />
      ) : (
        <Empty icon={ScanSearch} cat="knowledge" title={t("test.startTitle")} text={t("test.startText")} />
      )}
    </section>
  );
  return (
    <section className="flex-1 min-h-0 overflow-auto" aria-label={t("test.title")}>
      <div className={`mx-auto px-7 max-md:px-4 py-5 flex flex-col gap-4 ${compare ? "max-w-[1280px]" : "max-w-[820px]"}`}>
        <div className="flex items-center gap-2 flex-wrap">
          <h1 className="text-20 font-semibold flex-1">{t("test.title")}</h1>
          <Asked
            dataset={dataset}
            onChoose={(text, seen) => {
              setQuestion(text);
              setPictures(seen);
              run(text, seen);
            }}
          />
          <Button icon={Columns2} aria-pressed={compare} onClick={switchCompare}>
            {t("test.compare")}
          </Button>
        </div>
        <Question value={question} onChange={setQuestion} onSend={() => run(question)} />
        {dataset.is_multimodal ? <QuestionPictures value={pictures} onChange={setPictures} /> : null}
        <div className="flex items-center gap-2">
          <span className="hint flex-1">{t("test.about")}</span>
          <Button
            kind="primary"
            keys="enter"
            busy={first.busy || (compare && second.busy)}
            disabled={(question.trim() === "" && pictures.length === 0) || !first.ready || (compare && !second.ready)}
            onClick={() => run(question)}
          >
            {t("test.search")}
          </Button>
        </div>
        {compare && narrow ? (
          <Segmented
            label={t("test.compare")}
            value={shown}
            onChange={setShown}
            segments={[
              { value: "a", label: t("test.column.a") },
              { value: "b", label: t("test.column.b") },
            ]}
          />
        ) : null}
        <div className="flex gap-5">
          {!compare || !narrow || shown === "a" ? column("a", first, moved?.first) : null}
          {compare && (!narrow || shown === "b") ? column("b", second, moved?.second) : null}
        </div>
      </div>
    </section>
  );
}
