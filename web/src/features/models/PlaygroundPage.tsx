/** One question to several models side by side: what they say, how long it takes, what it costs. */
import { useQuery } from "@tanstack/react-query";
import { ImagePlus, Play, Plus, Square, X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { modelsOfType, sameProvider } from "../../data/models";
import { useFormat } from "../../lib/format";
import { messageOf } from "../../lib/http";
import { useKeys } from "../../lib/keys";
import { stream } from "../../lib/sse";
import { Button, IconButton } from "../../ui/Button";
import { Field } from "../../ui/Field";
import { Textarea } from "../../ui/Input";
import { Kbd } from "../../ui/Kbd";
import { Badge } from "../../ui/Marks";
import { ModelPicker, type PickedModel } from "./ModelPicker";
import { type Answer, BEGUN, dataUrl, ended, told } from "./playground";

const MOST_MODELS = 4;
const MOST_IMAGES = 8;
const MOST_BYTES = 8_000_000;

interface Column {
  readonly id: number;
  readonly model: PickedModel | undefined;
}

export function PlaygroundPage() {
  const { t } = useTranslation("gateway");
  const [columns, setColumns] = useState<readonly Column[]>([
    { id: 0, model: undefined },
    { id: 1, model: undefined },
  ]);
  const [system, setSystem] = useState("");
  const [user, setUser] = useState("");
  const [images, setImages] = useState<readonly string[]>([]);
  const trial = useTrial();
  const chosen = columns.flatMap((column) => (column.model ? [column.model] : []));
  const sees = useSees(chosen);
  const asked = sees ? images : [];
  const ready = chosen.length > 0 && (user.trim() !== "" || asked.length > 0);
  const run = () => {
    const shown = columns.flatMap((column) => (column.model ? [column.id] : []));
    const models = chosen.map((model) => ({ provider: model.provider, model: model.name, parameters: model.params }));
    void trial.start(shown, { models, system, user, images: asked });
  };
  useKeys({ "mod+Enter": run }, ready && !trial.running);
  const change = (id: number, model: PickedModel) => setColumns(columns.map((column) => (column.id === id ? { id, model } : column)));
  return (
    <>
      <div className="flex items-end gap-2.5 flex-wrap">
        <div className="flex-1 min-w-[200px]">
          <h1 className="text-20 font-semibold">{t("play.title")}</h1>
          <p className="text-ink-2">{t("play.text")}</p>
        </div>
        {trial.running ? (
          <Button icon={Square} onClick={trial.stop}>
            {t("play.stop")}
          </Button>
        ) : (
          <Button kind="primary" icon={Play} disabled={!ready} onClick={run}>
            {t("play.run")}
            <Kbd keys="mod+enter" />
          </Button>
        )}
      </div>
      <div className="grid gap-4 md:grid-cols-2">
        <Field label={t("play.system")} optional={t("play.optional")}>
          <Textarea rows={4} value={system} onChange={(event) => setSystem(event.target.value)} />
        </Field>
        <Field label={t("play.user")}>
          <Textarea rows={4} value={user} onChange={(event) => setUser(event.target.value)} />
        </Field>
      </div>
      {sees ? <Images images={images} onChange={setImages} /> : null}
      <div className="grid gap-3" style={{ gridTemplateColumns: "repeat(auto-fit, minmax(260px, 1fr))" }}>
        {columns.map((column, at) => (
          <section key={column.id} className="card flex flex-col min-w-0" aria-label={column.model?.name ?? t("play.model", { count: at + 1 })}>
            <div className="flex items-center gap-1 p-2 border-b border-line-1">
              <div className="flex-1 min-w-0">
                <ModelPicker value={column.model} onChange={(model) => change(column.id, model)} />
              </div>
              {columns.length > 1 ? (
                <IconButton
                  size="sm"
                  icon={X}
                  label={t("play.remove", { name: column.model?.name ?? String(at + 1) })}
                  disabled={trial.running}
                  onClick={() => setColumns(columns.filter((other) => other.id !== column.id))}
                />
              ) : null}
            </div>
            <Said answer={trial.answerOf(column.id)} />
          </section>
        ))}
      </div>
      {columns.length < MOST_MODELS ? (
        <div>
          <Button
            icon={Plus}
            disabled={trial.running}
            onClick={() => setColumns([...columns, { id: Math.max(...columns.map((column) => column.id)) + 1, model: undefined }])}
          >
            {t("play.add")}
          </Button>
        </div>
      ) : null}
    </>
  );
}

/** Whether one of the models takes pictures. */
function useSees(chosen: readonly PickedModel[]): boolean {
  const groups = useQuery(modelsOfType("llm")).data?.data ?? [];
  return chosen.some((one) => {
    const group = groups.find((each) => sameProvider(each.provider, one.provider));
    return (group?.models.find((model) => model.model === one.name)?.features ?? []).includes("vision");
  });
}

/** One question under way; leaving the page stops it. */
function useTrial() {
  const [answers, setAnswers] = useState<readonly Answer[]>([]);
  const [shown, setShown] = useState<readonly number[]>([]);
  const [running, setRunning] = useState(false);
  const call = useRef<AbortController | null>(null);
  useEffect(() => () => call.current?.abort(), []);
  const start = async (columns: readonly number[], body: unknown): Promise<void> => {
    const mine = new AbortController();
    call.current = mine;
    setShown(columns);
    setAnswers(columns.map(() => BEGUN));
    setRunning(true);
    let error = "";
    try {
      await stream("/workspaces/current/models/try", body, (event) => setAnswers((before) => told(before, event)), mine.signal);
    } catch (failure) {
      if (!mine.signal.aborted) error = messageOf(failure);
    }
    if (call.current !== mine) return;
    setAnswers((before) => ended(before, error));
    setRunning(false);
  };
  return {
    running,
    start,
    stop: () => call.current?.abort(),
    answerOf: (column: number) => answers[shown.indexOf(column)],
  };
}

function Said({ answer }: { answer: Answer | undefined }) {
  const { t } = useTranslation("gateway");
  const format = useFormat();
  if (!answer) return <p className="hint p-3 min-h-[120px]">{t("play.nothing")}</p>;
  const facts = [
    answer.firstToken === undefined ? undefined : t("play.first", { time: format.duration(answer.firstToken) }),
    answer.total === undefined ? undefined : t("play.total", { time: format.duration(answer.total) }),
    answer.promptTokens === undefined
      ? undefined
      : t("play.tokens", { in: format.number(answer.promptTokens), out: format.number(answer.completionTokens ?? 0) }),
    answer.cost === undefined ? undefined : answer.cost === null ? t("play.noPrice") : format.money(answer.cost, answer.currency),
  ].filter((fact) => fact !== undefined);
  return (
    <>
      <div className="p-3 flex-1 min-h-[120px] max-h-[60vh] overflow-auto" aria-live="polite" aria-busy={answer.state === "running"}>
        {answer.reasoning ? <p className="text-ink-3 whitespace-pre-wrap wrap-anywhere mb-2">{answer.reasoning}</p> : null}
        <p className="whitespace-pre-wrap wrap-anywhere">{answer.text}</p>
        {answer.error ? (
          <div className="wrong mt-2" role="alert">
            {answer.error}
          </div>
        ) : null}
      </div>
      <div className="flex items-center gap-2 px-3 py-2 border-t border-line-1 text-12 text-ink-3 num flex-wrap min-h-9">
        {answer.state === "running" ? <Badge tone="run">{t("play.running")}</Badge> : null}
        {answer.state === "stopped" ? <Badge>{t("play.stopped")}</Badge> : null}
        {answer.state === "failed" ? <Badge tone="bad">{t("play.failed")}</Badge> : null}
        {facts.join(" · ")}
      </div>
    </>
  );
}

function Images({ images, onChange }: { images: readonly string[]; onChange: (images: readonly string[]) => void }) {
  const { t } = useTranslation("gateway");
  const { t: c } = useTranslation();
  const input = useRef<HTMLInputElement>(null);
  const take = async (files: FileList | null): Promise<void> => {
    const all = [...(files ?? [])];
    const small = all.filter((file) => file.size <= MOST_BYTES);
    if (small.length < all.length) toast.error(t("play.tooLarge"));
    try {
      const read = await Promise.all(small.map((file) => dataUrl(file)));
      onChange([...images, ...read].slice(0, MOST_IMAGES));
    } catch (error) {
      toast.error(c("common.failed", { message: messageOf(error) }));
    }
  };
  return (
    <section className="flex items-center gap-2 flex-wrap" aria-label={t("play.images")}>
      {images.map((url, at) => (
        <span key={url} className="relative">
          <img src={url} alt={t("play.image", { count: at + 1 })} className="rounded-md border border-line-1 object-cover" style={{ width: 56, height: 56 }} />
          <span className="absolute -end-2 -top-2">
            <IconButton size="sm" icon={X} label={t("play.removeImage", { count: at + 1 })} onClick={() => onChange(images.filter((other) => other !== url))} />
          </span>
        </span>
      ))}
      {images.length < MOST_IMAGES ? (
        <Button icon={ImagePlus} onClick={() => input.current?.click()}>
          {t("play.addImage")}
        </Button>
      ) : null}
      <input
        ref={input}
        type="file"
        accept="image/png,image/jpeg,image/webp,image/gif"
        multiple
        hidden
        aria-label={t("play.addImage")}
        onChange={(event) => {
          void take(event.target.files);
          event.target.value = "";
        }}
      />
    </section>
  );
}
