/** The pictures that belong to a chunk; its text names them in a way that only programs read. */
import { useTranslation } from "react-i18next";
import type { Attachment } from "./types";

const NAMED = /!\[[^\]\n]*\]\((?:https?:\/\/[^\s)]*)?\/files\/[0-9a-f-]{36}\/(?:file|image)-preview[^\s)]*\)/g;

/** A text for reading: what is shown as a picture is not told as an address too. */
export function withoutPictures(text: string, files: readonly Attachment[] | undefined): string {
  return files && files.length > 0
    ? text
        .replace(NAMED, "")
        .replace(/\n{3,}/g, "\n\n")
        .trim()
    : text;
}

export function Pictures({ files }: { readonly files: readonly Attachment[] | undefined }) {
  const { t } = useTranslation("knowledge");
  const pictures = files?.filter((file) => file.mime_type?.startsWith("image/")) ?? [];
  if (pictures.length === 0) return null;
  return (
    <ul className="kb-pictures" aria-label={t("chunks.pictures", { count: pictures.length })}>
      {pictures.map((file, index) => (
        <li key={file.id}>
          <a href={file.source_url} target="_blank" rel="noreferrer">
            <img src={file.source_url} alt={t("chunks.picture", { number: index + 1 })} loading="lazy" />
          </a>
        </li>
      ))}
    </ul>
  );
}
