/** Pictures to ask with, where the embedding model of a knowledge base sees. */
import { useMutation } from "@tanstack/react-query";
import { ImagePlus, X } from "lucide-react";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { messageOf } from "../../lib/http";
import { Button, IconButton } from "../../ui/Button";
import { uploadPicture } from "./api";
import type { AskedPicture } from "./types";

export const MOST_PICTURES = 10;
const MEGABYTE = 1024 * 1024;
const MOST_MEGABYTES = 5;
const TYPES = ["image/png", "image/jpeg", "image/webp", "image/gif"];

interface Props {
  readonly value: readonly AskedPicture[];
  readonly onChange: (pictures: readonly AskedPicture[]) => void;
}

export function QuestionPictures({ value, onChange }: Props) {
  const { t } = useTranslation("knowledge");
  const input = useRef<HTMLInputElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const control = useRef<AbortController>(undefined);
  useEffect(() => () => control.current?.abort(), []);
  const add = useMutation({
    mutationFn: async (files: readonly File[]) => {
      const wrong = files.find((file) => !TYPES.includes(file.type) || file.size > MOST_MEGABYTES * MEGABYTE);
      if (wrong) throw new Error(t("test.notPicture", { name: wrong.name, most: MOST_MEGABYTES }));
      control.current = new AbortController();
      const signal = control.current.signal;
      const added: AskedPicture[] = [];
      for (const file of files) added.push(await uploadPicture(file, signal));
      return added;
    },
    onSuccess: (added) => onChange([...value, ...added]),
  });
  const choose = (files: FileList | null) => {
    const chosen = [...(files ?? [])].slice(0, MOST_PICTURES - value.length);
    if (chosen.length > 0) add.mutate(chosen);
  };
  const remove = (id: string) => {
    onChange(value.filter((each) => each.id !== id));
    // The button that was pressed goes with its picture.
    button.current?.focus();
  };
  return (
    <div className="flex flex-col gap-1.5">
      <div className="flex items-center gap-2 flex-wrap">
        <Button
          ref={button}
          kind="quiet"
          size="sm"
          icon={ImagePlus}
          busy={add.isPending}
          disabled={value.length >= MOST_PICTURES}
          onClick={() => input.current?.click()}
        >
          {t("test.addPicture")}
        </Button>
        <input
          ref={input}
          type="file"
          hidden
          multiple
          accept={TYPES.join(",")}
          aria-label={t("test.addPicture")}
          onChange={(event) => {
            choose(event.target.files);
            // The same file can be chosen again.
            event.target.value = "";
          }}
        />
      </div>
      {add.error ? (
        <div className="wrong" role="alert">
          {messageOf(add.error)}
        </div>
      ) : null}
      {value.length > 0 ? (
        <ul className="kb-pictures" aria-label={t("test.pictures", { count: value.length })}>
          {value.map((picture) => (
            <li key={picture.id} className="kb-asked">
              <img src={picture.source_url} alt={picture.name} />
              <IconButton size="sm" icon={X} label={t("test.removePicture", { name: picture.name })} onClick={() => remove(picture.id)} />
            </li>
          ))}
        </ul>
      ) : null}
    </div>
  );
}
