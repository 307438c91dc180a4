/** How the page gets into another site: as a frame, or as a bubble that a script adds. */
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Code } from "../../ui/Code";
import { CopyButton } from "../../ui/CopyButton";
import { Dialog } from "../../ui/Dialog";
import { Segmented } from "../../ui/Segmented";
import { bubbleCode, type EmbedWay, frameCode } from "./embedCode";

interface Props {
  /** The page's own address. */
  readonly url: string;
  /** Only chats come as a bubble. */
  readonly chat: boolean;
  readonly onClose: () => void;
}

export function EmbedDialog({ url, chat, onClose }: Props) {
  const { t } = useTranslation("publish");
  const { t: c } = useTranslation();
  const [way, setWay] = useState<EmbedWay>("frame");
  const code = way === "frame" ? frameCode(url, chat) : bubbleCode(url);
  return (
    <Dialog open onClose={onClose} title={t("embed.title")} about={t("embed.about")} closeLabel={c("common.close")} size="lg">
      <div className="flex flex-col gap-3">
        <div className="flex items-center gap-2">
          {chat ? (
            <Segmented
              label={t("embed.way")}
              value={way}
              onChange={setWay}
              segments={[
                { value: "frame", label: t("embed.frame") },
                { value: "bubble", label: t("embed.bubble") },
              ]}
            />
          ) : null}
          <span className="ms-auto">
            <CopyButton key={way} text={code} label={t("embed.copy")} done={c("common.copied")} />
          </span>
        </div>
        <p className="text-ink-2">{t(way === "frame" ? (chat ? "embed.frameText" : "embed.pageText") : "embed.bubbleText")}</p>
        <Code text={code} label={t("embed.title")} />
        <p className="hint">{t("embed.values")}</p>
      </div>
    </Dialog>
  );
}
