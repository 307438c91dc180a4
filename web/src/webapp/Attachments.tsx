import type { ReactNode } from "react";
import { type Attachment, type FileKind, sizeText } from "../lib/files";
import { File as FileIcon, FileText, Film, type Icon, Image, Link, Music, RotateCw, X } from "./icons";
import { safeHref, safeImage } from "./links";
import type { Uploads } from "./useUploads";
import { useSay } from "./words";

const ICONS: Record<FileKind, Icon> = { image: Image, document: FileText, audio: Music, video: Film, custom: FileIcon };

function KindIcon({ file }: { file: Attachment }): ReactNode {
  const Icon = file.remote ? Link : ICONS[file.kind];
  return <Icon size={18} />;
}

const preview = (file: Attachment): string | null =>
  file.kind === "image" && file.url ? (file.url.startsWith("blob:") ? file.url : safeImage(file.url)) : null;

/** Files that wait to be sent with the next message. */
export function PendingFiles({ files, uploads }: { files: readonly Attachment[]; uploads: Uploads }): ReactNode {
  const say = useSay();
  if (files.length === 0) return null;
  return (
    <ul className="files pending" aria-label={say("files.label")}>
      {files.map((file) => {
        const picture = preview(file);
        return (
          <li key={file.key} className={file.failed ? "file failed" : "file"}>
            {picture ? <img src={picture} alt="" referrerPolicy="no-referrer" /> : <KindIcon file={file} />}
            <span className="file-text">
              <span className="file-name" title={file.name}>
                {file.name}
              </span>
              <span className="file-meta" role={file.failed ? "alert" : undefined}>
                {file.failed ??
                  (file.progress < 1
                    ? say("files.sending", { percent: Math.round(file.progress * 100) })
                    : file.remote
                      ? say("files.link")
                      : sizeText(file.size))}
              </span>
            </span>
            {file.failed && (
              <button type="button" className="icon" aria-label={say("files.retry", { name: file.name })} onClick={() => uploads.retry(file.key)}>
                <RotateCw size={16} />
              </button>
            )}
            <button type="button" className="icon" aria-label={say("files.remove", { name: file.name })} onClick={() => uploads.remove(file.key)}>
              <X size={16} />
            </button>
            {file.progress < 1 && !file.failed && <progress max={1} value={file.progress} aria-label={file.name} />}
          </li>
        );
      })}
    </ul>
  );
}

/** Files of a message that was sent or received. */
export function SentFiles({ files }: { files: readonly Attachment[] }): ReactNode {
  const say = useSay();
  if (files.length === 0) return null;
  return (
    <ul className="files" aria-label={say("files.label")}>
      {files.map((file) => {
        const picture = preview(file);
        const href = file.url ? (file.url.startsWith("blob:") ? file.url : safeHref(file.url)) : null;
        const shown = picture ? (
          <img src={picture} alt={file.name} loading="lazy" referrerPolicy="no-referrer" />
        ) : (
          <>
            <KindIcon file={file} />
            <span className="file-text">
              <span className="file-name">{file.name}</span>
              {file.size > 0 && <span className="file-meta">{sizeText(file.size)}</span>}
            </span>
          </>
        );
        const className = picture ? "picture" : "file";
        if (href && file.kind === "audio") {
          return (
            <li key={file.key} className="player">
              {/* biome-ignore lint/a11y/useMediaCaption: the app gives no captions */}
              <audio controls preload="metadata" src={href} aria-label={file.name} />
            </li>
          );
        }
        if (href && file.kind === "video") {
          return (
            <li key={file.key} className="player">
              {/* biome-ignore lint/a11y/useMediaCaption: the app gives no captions */}
              <video controls preload="metadata" src={href} aria-label={file.name} />
            </li>
          );
        }
        return (
          <li key={file.key}>
            {href ? (
              <a className={className} href={href} target="_blank" rel="noopener noreferrer" aria-label={say("files.open", { name: file.name })}>
                {shown}
              </a>
            ) : (
              <span className={className}>{shown}</span>
            )}
          </li>
        );
      })}
    </ul>
  );
}
