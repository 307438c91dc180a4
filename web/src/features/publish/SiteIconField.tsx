/** The sign of the page: an emoji on a colour, or a picture. */
import { Upload } from "lucide-react";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { uploadPicture } from "../../data/apps";
import { messageOf } from "../../lib/http";
import { AppTile } from "../../ui/AppTile";
import { Button } from "../../ui/Button";
import { Popover } from "../../ui/Menu";

const EMOJI = ["💬", "📄", "🧾", "📚", "🔎", "🧭", "🛠️", "📦", "🚚", "✉️", "📅", "📊", "🧮", "🌍", "🗣️", "🎧", "🖼️", "🧪", "⚙️", "🔐", "💡", "📝", "🛒", "🎓"];
const PICTURES = "image/png,image/jpeg,image/webp,image/gif";

export interface SiteIconValue {
  readonly icon_type: string;
  readonly icon: string;
  readonly icon_background: string;
  /** Where a picture is shown from. */
  readonly icon_url: string | null;
}

export function SiteIconField({ mode, value, onChange }: { mode: string; value: SiteIconValue; onChange: (value: SiteIconValue) => void }) {
  const { t } = useTranslation("publish");
  const picker = useRef<HTMLInputElement>(null);
  const [open, setOpen] = useState(false);
  const [busy, setBusy] = useState(false);
  const upload = async (file: File | undefined) => {
    if (!file) return;
    setBusy(true);
    try {
      const { id } = await uploadPicture(file);
      onChange({ ...value, icon_type: "image", icon: id, icon_url: URL.createObjectURL(file) });
      setOpen(false);
    } catch (error) {
      toast.error(t("settings.iconFailed", { message: messageOf(error) }));
    } finally {
      setBusy(false);
    }
  };
  return (
    <div>
      <div className="lbl mb-[5px]">{t("settings.icon")}</div>
      <Popover
        label={t("settings.icon")}
        open={open}
        onOpenChange={setOpen}
        trigger={
          <button type="button" className="btn" data-icon="" aria-label={t("settings.icon")}>
            <AppTile app={{ mode, ...value }} size="xs" />
          </button>
        }
      >
        <div className="flex flex-col gap-2 p-1">
          <div className="grid gap-1" style={{ gridTemplateColumns: "repeat(6, 28px)" }}>
            {EMOJI.map((emoji) => (
              <button
                key={emoji}
                type="button"
                className="btn"
                data-kind="quiet"
                data-icon=""
                style={{ fontSize: 16 }}
                onClick={() => {
                  onChange({ icon_type: "emoji", icon: emoji, icon_background: value.icon_background || "#F1EEEA", icon_url: null });
                  setOpen(false);
                }}
              >
                {emoji}
              </button>
            ))}
          </div>
          <Button icon={Upload} busy={busy} onClick={() => picker.current?.click()}>
            {t("settings.iconPicture")}
          </Button>
          <p className="hint">{t("settings.iconHint")}</p>
        </div>
      </Popover>
      <input
        ref={picker}
        type="file"
        hidden
        accept={PICTURES}
        aria-label={t("settings.iconPicture")}
        onChange={(event) => {
          void upload(event.target.files?.[0]);
          event.target.value = "";
        }}
      />
    </div>
  );
}
