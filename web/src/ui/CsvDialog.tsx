/** A CSV file is chosen or dropped and sent; a sample shows its form. */
import { FileDown, FileUp } from "lucide-react";
import { type DragEvent, type ReactNode, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../lib/format";
import { messageOf } from "../lib/http";
import { saveFile } from "../lib/save";
import { Button } from "./Button";
import { Dialog } from "./Dialog";

interface Props {
  readonly title: string;
  readonly about: string;
  readonly words: { readonly template: string; readonly submit: string; readonly choose: string; readonly form: string };
  readonly sample: { readonly name: string; readonly text: string };
  /** Why a file is not taken. */
  readonly wrongOf: (file: File) => string | undefined;
  readonly busy: boolean;
  readonly error: Error | null;
  /** It was sent, and something is still to be read. */
  readonly done?: boolean;
  /** What was said of the last file is over. */
  readonly onChoose: () => void;
  readonly onSend: (file: File) => void;
  readonly onClose: () => void;
  readonly children?: ReactNode;
}

export function CsvDialog({ title, about, words, sample, wrongOf, busy, error, done = false, onChoose, onSend, onClose, children }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const input = useRef<HTMLInputElement>(null);
  const [file, setFile] = useState<File>();
  const wrong = file ? wrongOf(file) : undefined;
  const choose = (next: File | undefined) => {
    onChoose();
    setFile(next);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    choose(event.dataTransfer.files[0]);
  };
  return (
    <Dialog
      open
      title={title}
      about={about}
      closeLabel={t("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button kind="quiet" icon={FileDown} onClick={() => saveFile(sample.name, sample.text, "text/csv")}>
            {words.template}
          </Button>
          <span className="flex-1" />
          <Button onClick={onClose}>{t(done ? "common.close" : "common.cancel")}</Button>
          <Button kind="primary" disabled={!file || wrong !== undefined || done} busy={busy} onClick={() => file && onSend(file)}>
            {words.submit}
          </Button>
        </>
      }
    >
      <button
        type="button"
        className="w-full flex flex-col items-center gap-1 px-4 py-8 rounded-md border border-dashed border-line-2 hover:bg-surface-2"
        onClick={() => input.current?.click()}
        onDragOver={(event) => event.preventDefault()}
        onDrop={drop}
      >
        <FileUp size={18} strokeWidth={1.75} className="text-ink-3" aria-hidden />
        <span className="font-medium wrap-anywhere">{file ? file.name : words.choose}</span>
        <span className="text-12 text-ink-3">{file ? format.bytes(file.size) : words.form}</span>
      </button>
      <input
        ref={input}
        type="file"
        accept=".csv,text/csv"
        className="visually-hidden"
        tabIndex={-1}
        aria-label={words.choose}
        onChange={(event) => choose(event.target.files?.[0])}
      />
      {wrong || error ? (
        <div className="wrong pt-3" role="alert">
          {wrong ?? messageOf(error)}
        </div>
      ) : null}
      {children}
    </Dialog>
  );
}
