import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useRights, workspace } from "../../data/session";
import { post } from "../../lib/http";
import { CopyButton } from "../../ui/CopyButton";
import { Field } from "../../ui/Field";
import { Input } from "../../ui/Input";
import { PageHead } from "./SettingsFrame";
import { SaveMark, useAutosave } from "./useAutosave";

export function General() {
  const { t } = useTranslation("settings");
  const { t: c } = useTranslation();
  const client = useQueryClient();
  const rights = useRights();
  const space = useQuery(workspace).data;
  const [name, setName] = useState(space?.name ?? "");
  const state = useAutosave(name, space?.name ?? "", name.trim() !== "", async (next) => {
    await post("/workspaces/info", { name: next.trim() });
    await Promise.all([client.invalidateQueries({ queryKey: ["workspace"] }), client.invalidateQueries({ queryKey: ["workspaces"] })]);
  });
  return (
    <>
      <PageHead title={t("general.title")} />
      <div className="flex flex-col gap-4 max-w-[420px]">
        <Field label={t("general.name")} aside={<SaveMark state={state} />} hint={rights.admin ? undefined : t("general.noRight")}>
          <Input value={name} maxLength={100} disabled={!rights.admin} onChange={(event) => setName(event.target.value)} />
        </Field>
        <div>
          <div className="lbl">{t("general.role")}</div>
          <div className="text-ink-2">{space ? t(`roles.${space.role}`) : ""}</div>
        </div>
        <div>
          <div className="lbl">{t("general.id")}</div>
          <div className="flex items-center gap-1 mono text-ink-2">
            {space?.id}
            <CopyButton text={space?.id ?? ""} label={c("common.copy")} done={c("common.copied")} />
          </div>
        </div>
      </div>
    </>
  );
}
