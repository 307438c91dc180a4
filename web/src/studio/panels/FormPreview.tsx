/** The form as a person would get it, with the values of the last run filled in by the server. */
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { previewForm } from "../api";
import { references } from "../model/references";
import { Button, Wrong } from "../parts/controls";
import { Dialog } from "../parts/Dialog";
import { flush } from "../store/autosave";
import { useStudio } from "../store/studio";
import { computedValue } from "../store/useVariables";
import { FormView } from "./FormView";

export function FormPreview({ node, onClose }: { node: string; onClose: () => void }) {
  const { t } = useTranslation("studio");
  const owner = useStudio((s) => s.owner);
  const mode = useStudio((s) => s.mode);
  const form = useQuery({
    queryKey: ["form-preview", owner, node],
    staleTime: 0,
    gcTime: 0,
    retry: false,
    queryFn: async () => {
      await flush();
      const data = useStudio.getState().document.nodes.get(node)?.data;
      const known = data ? references(data).map((s): [string, unknown] => [`#${s.join(".")}#`, computedValue(s)]) : [];
      return previewForm(owner, mode, node, Object.fromEntries(known.filter(([, value]) => value !== undefined)));
    },
  });
  return (
    <Dialog title={t("human.preview")} closeLabel={t("common.close")} onClose={onClose} footer={<Button onClick={onClose}>{t("common.close")}</Button>}>
      {form.error ? <Wrong>{form.error.message}</Wrong> : null}
      {form.isPending ? <span className="st-hint">{t("common.loading")}</span> : null}
      {form.data ? <FormView form={form.data} /> : null}
    </Dialog>
  );
}
