/** Where a file to import comes from: chosen, dropped, pasted or by address. */
import { FileUp } from "lucide-react";
import { type DragEvent, useRef } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../lib/format";
import { Button } from "../../ui/Button";
import { Field } from "../../ui/Field";
import { Input, Textarea } from "../../ui/Input";
import { Segmented } from "../../ui/Segmented";

const LIMIT = 10 * 1024 * 1024;

export interface FileSource {
  readonly way: "file" | "text" | "url";
  readonly file: File | undefined;
  readonly text: string;
  readonly url: string;
}

export const NO_SOURCE: FileSource = { way: "file", file: undefined, text: "", url: "" };

export function isReady({ way, file, text, url }: FileSource): boolean {
  if (way === "file") return file !== undefined && file.size <= LIMIT;
  return way === "text" ? text.trim() !== "" : /^https?:\/\/./.test(url.trim());
}

type Body = { readonly mode: "yaml-url"; readonly yaml_url: string } | { readonly mode: "yaml-content"; readonly yaml_content: string };

export async function bodyOf({ way, file, text, url }: FileSource): Promise<Body> {
  if (way === "url") return { mode: "yaml-url", yaml_url: url.trim() };
  return { mode: "yaml-content", yaml_content: way === "text" ? text : ((await file?.text()) ?? "") };
}

const YAML = ".yml,.yaml,application/yaml,text/yaml";

interface Props {
  readonly value: FileSource;
  readonly onChange: (value: FileSource) => void;
  readonly accept?: string;
}

export function ImportSource({ value, onChange, accept = YAML }: Props) {
  const { t } = useTranslation("apps");
  const format = useFormat();
  const set = (part: Partial<FileSource>) => onChange({ ...value, ...part });
  const { file } = value;
  const tooBig = file && file.size > LIMIT ? t("importDialog.tooBig", { name: file.name, size: format.bytes(file.size) }) : undefined;
  return (
    <div className="flex flex-col gap-4">
      <Segmented
        label={t("importDialog.how")}
        value={value.way}
        onChange={(way) => set({ way })}
        segments={[
          { value: "file", label: t("importDialog.file") },
          { value: "text", label: t("importDialog.text") },
          { value: "url", label: t("importDialog.url") },
        ]}
      />
      {value.way === "file" ? <DropZone file={value.file} error={tooBig} accept={accept} onFile={(file) => set({ file })} /> : null}
      {value.way === "text" ? (
        <Field label={t("importDialog.paste")}>
          <Textarea rows={12} className="mono" spellCheck={false} value={value.text} onChange={(event) => set({ text: event.target.value })} />
        </Field>
      ) : null}
      {value.way === "url" ? (
        <Field label={t("importDialog.address")} hint={t("importDialog.addressHint")}>
          <Input type="url" placeholder="https://" value={value.url} onChange={(event) => set({ url: event.target.value })} />
        </Field>
      ) : null}
    </div>
  );
}

interface DropProps {
  readonly file: File | undefined;
  readonly error: string | undefined;
  readonly accept: string;
  readonly onFile: (file: File) => void;
}

function DropZone({ file, error, accept, onFile }: DropProps) {
  const { t } = useTranslation("apps");
  const format = useFormat();
  const input = useRef<HTMLInputElement>(null);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    const [first] = event.dataTransfer.files;
    if (first) onFile(first);
  };
  return (
    <section
      aria-label={t("importDialog.drop")}
      className="rounded-md border border-dashed border-line-2 flex flex-col items-center gap-2 py-9 px-4 text-center"
      onDragOver={(event) => event.preventDefault()}
      onDrop={drop}
    >
      <FileUp size={20} strokeWidth={1.75} className="text-ink-3" aria-hidden />
      <span>{file ? t("importDialog.reading", { name: file.name, size: format.bytes(file.size) }) : t("importDialog.drop")}</span>
      <Button onClick={() => input.current?.click()}>{t("importDialog.choose")}</Button>
      <input
        ref={input}
        type="file"
        accept={accept}
        className="visually-hidden"
        tabIndex={-1}
        aria-label={t("importDialog.choose")}
        onChange={(event) => {
          const chosen = event.target.files?.[0];
          if (chosen) onFile(chosen);
        }}
      />
      {error ? (
        <div className="wrong" role="alert">
          {error}
        </div>
      ) : null}
    </section>
  );
}
