/** A field of a form that takes files: chosen, dropped, pasted or linked. */
import { Link as LinkIcon, Upload } from "lucide-react";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { acceptOf, type UploadRules } from "../lib/files";
import { AttachedFiles, type Kept, LinkDialog, takesFiles, useAttachments } from "./Attach";
import { Button } from "./Button";

interface FileFieldProps {
  readonly label: string;
  readonly optional?: string | undefined;
  readonly rules: UploadRules;
  readonly kept: Kept;
}

export function FileField({ label, optional, rules, kept }: FileFieldProps) {
  const { t } = useTranslation("webapp");
  const attached = useAttachments(rules, kept);
  const picker = useRef<HTMLInputElement>(null);
  const [linking, setLinking] = useState(false);
  const isFull = attached.files.length >= rules.most;
  return (
    <fieldset className="flex flex-col gap-1.5 min-w-0" {...takesFiles(attached)}>
      <legend className="lbl mb-[5px]">
        {label}
        {optional ? <span className="text-ink-3 font-regular">{optional}</span> : null}
      </legend>
      <AttachedFiles attached={attached} />
      {isFull ? null : (
        <div className="flex flex-wrap gap-1.5">
          {rules.local ? (
            <Button size="sm" icon={Upload} onClick={() => picker.current?.click()}>
              {t("files.choose")}
            </Button>
          ) : null}
          {rules.remote ? (
            <Button size="sm" icon={LinkIcon} onClick={() => setLinking(true)}>
              {t("files.addLink")}
            </Button>
          ) : null}
        </div>
      )}
      <input
        ref={picker}
        type="file"
        className="visually-hidden"
        tabIndex={-1}
        aria-label={label}
        multiple={rules.most > 1}
        accept={acceptOf(rules)}
        onChange={(event) => {
          attached.add([...(event.target.files ?? [])]);
          event.target.value = "";
        }}
      />
      {linking ? <LinkDialog onAdd={attached.addLink} onClose={() => setLinking(false)} /> : null}
    </fieldset>
  );
}
