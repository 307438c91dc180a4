import { useTranslation } from "react-i18next";
import type { EndData } from "../nodes/end";
import type { PanelProps } from "../nodes/kind";
import { NamedInputs } from "./NamedInputs";

export function EndPanel({ id, data, update }: PanelProps<EndData>) {
  const { t } = useTranslation("studio");
  return (
    <NamedInputs
      node={id}
      title={t("end.outputs")}
      hint={t("end.hint")}
      base="result"
      rows={data.outputs}
      add={(variable) => ({ variable, value_selector: [], value_type: "any" })}
      onVariable={(row, value_type) => ({ ...row, value_type })}
      onChange={(outputs) => update({ outputs })}
    />
  );
}
