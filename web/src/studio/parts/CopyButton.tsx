/** Copies a text, and shows for a moment that it did. */
import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { copyText } from "../../lib/copy";
import { IconButton } from "./controls";

const SHOWN_MS = 1600;

export function CopyButton({ text, name }: { text: string; name: string }) {
  const { t } = useTranslation("studio");
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  return <IconButton label={copied ? t("common.copied") : t("common.copyOf", { name })} icon={copied ? Check : Copy} onClick={() => void copyText(text).then(() => setCopied(true))} />;
}
