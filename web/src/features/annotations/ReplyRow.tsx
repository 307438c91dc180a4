/** Whether the app answers from its annotations: the switch, and how alike a question must be. */
import { useQuery } from "@tanstack/react-query";
import { Settings2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { type ReplyFields, type ReplySetting, replySetting, switchReply, useAnnotationChange } from "../../data/annotations";
import { messageOf } from "../../lib/http";
import { Button, IconButton } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Slider } from "../../ui/Slider";
import { Switch } from "../../ui/Switch";
import { type ChosenModel, ModelSelect } from "../knowledge/ModelSelect";

const USUAL = 0.9;

export function ReplyRow({ appId }: { readonly appId: string }) {
  const { t } = useTranslation("annotations");
  const { t: c } = useTranslation();
  const setting = useQuery(replySetting(appId)).data;
  const [open, setOpen] = useState(false);
  const off = useAnnotationChange(appId, (fields: ReplyFields) => switchReply(appId, "disable", fields));
  if (!setting) return null;
  const toggle = (on: boolean) =>
    on
      ? setOpen(true)
      : off.mutate(fieldsOf(setting), {
          onSuccess: () => toast(t("reply.isOff")),
          onError: (error) => toast.error(c("common.failed", { message: messageOf(error) })),
        });
  return (
    <div className="flex items-center gap-2 mx-5 max-md:mx-4 mb-2 px-3 py-2 border border-line-1 rounded-md bg-surface-1">
      <Switch checked={setting.enabled} label={t("reply.title")} disabled={off.isPending} onChange={toggle} />
      <div className="flex-1 min-w-0">
        <div className="text-13 font-medium">{t("reply.title")}</div>
        <p className="hint">
          {setting.enabled
            ? t("reply.on", { percent: Math.round((setting.score_threshold ?? USUAL) * 100), model: setting.embedding_model?.embedding_model_name })
            : t("reply.off")}
        </p>
      </div>
      {setting.enabled ? <IconButton icon={Settings2} label={t("reply.change")} onClick={() => setOpen(true)} /> : null}
      {open ? <ReplyDialog appId={appId} setting={setting} onClose={() => setOpen(false)} /> : null}
    </div>
  );
}

function fieldsOf(setting: ReplySetting): ReplyFields {
  return {
    threshold: setting.score_threshold ?? USUAL,
    provider: setting.embedding_model?.embedding_provider_name ?? "",
    model: setting.embedding_model?.embedding_model_name ?? "",
  };
}

function ReplyDialog({ appId, setting, onClose }: { readonly appId: string; readonly setting: ReplySetting; readonly onClose: () => void }) {
  const { t } = useTranslation("annotations");
  const { t: c } = useTranslation();
  const start = fieldsOf(setting);
  const [threshold, setThreshold] = useState(start.threshold);
  const [chosen, setChosen] = useState<ChosenModel | undefined>(start.model ? { provider: start.provider, model: start.model } : undefined);
  const on = useAnnotationChange(appId, (fields: ReplyFields) => switchReply(appId, "enable", fields));
  const save = () =>
    chosen
      ? on.mutate(
          { threshold, ...chosen },
          {
            onSuccess: () => {
              toast(t("reply.isOn"));
              onClose();
            },
          },
        )
      : undefined;
  return (
    <Dialog
      open
      title={t("reply.title")}
      about={t("reply.about")}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        <>
          <span className="flex-1" />
          <Button onClick={onClose}>{c("common.cancel")}</Button>
          <Button kind="primary" busy={on.isPending} disabled={!chosen} onClick={save}>
            {t(setting.enabled ? "reply.save" : "reply.enable")}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        <ModelSelect type="text-embedding" label={t("reply.model")} value={chosen} onChange={setChosen} />
        <div className="flex flex-col gap-[5px]">
          <span className="lbl" aria-hidden>
            {t("reply.threshold")}
          </span>
          <div className="flex items-center gap-3">
            <Slider value={threshold} min={0.5} max={1} step={0.01} label={t("reply.threshold")} onChange={setThreshold} />
            <span className="tnum text-13 w-[42px] text-end">{Math.round(threshold * 100)} %</span>
          </div>
          <p className="hint">{t("reply.thresholdHint")}</p>
        </div>
        {on.error ? (
          <div className="wrong" role="alert">
            {messageOf(on.error)}
          </div>
        ) : null}
      </div>
    </Dialog>
  );
}
