/** The app as a tool for models elsewhere: its MCP server, on or off, its address, what it tells of itself. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { RefreshCw } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { type AppDetail, createMcpServer, type McpServer, type McpSettings, mcpServer, refreshMcpServer, updateMcpServer } from "../../data/apps";
import { useRights } from "../../data/session";
import { messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Confirm } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Input, Textarea } from "../../ui/Input";
import { Switch } from "../../ui/Switch";
import { Address } from "./Address";
import { mcpAddress } from "./endpoints";
import { type AppInput, isFileInput } from "./inputs";

export function McpSection({ app, inputs, base }: { app: AppDetail; inputs: readonly AppInput[]; base: string }) {
  const { t } = useTranslation("access");
  const server = useQuery(mcpServer(app.id));
  return (
    <section>
      <h2 className="text-16 font-semibold">{t("mcp")}</h2>
      <p className="text-ink-2 max-w-[80ch] mb-2">{t("mcpText")}</p>
      {server.error ? <div className="wrong">{messageOf(server.error)}</div> : null}
      {/* Another server, or its first one, begins with its own values. */}
      {server.data ? <Settings key={server.data.id ?? "none"} app={app} server={server.data} inputs={inputs} base={base} /> : null}
    </section>
  );
}

function Settings({ app, server, inputs, base }: { app: AppDetail; server: McpServer; inputs: readonly AppInput[]; base: string }) {
  const { t } = useTranslation("access");
  const { t: c } = useTranslation();
  const rights = useRights();
  const client = useQueryClient();
  const [description, setDescription] = useState(server.description ?? app.description);
  const [parameters, setParameters] = useState<Readonly<Record<string, string>>>(server.parameters ?? {});
  const [moving, setMoving] = useState(false);
  const told = (message: string) => (next: McpServer) => {
    client.setQueryData(mcpServer(app.id).queryKey, next);
    toast(message);
  };
  const failed = (problem: unknown) => toast.error(c("common.failed", { message: messageOf(problem) }));
  const save = useMutation({
    mutationFn: (settings: McpSettings) => (server.id ? updateMcpServer(app.id, server.id, settings) : createMcpServer(app.id, settings)),
    onSuccess: told(t("mcpSaved")),
    onError: failed,
  });
  const move = useMutation({
    mutationFn: () => refreshMcpServer(server.id ?? ""),
    onSuccess: told(t("mcpRefreshed")),
    onError: failed,
    onSettled: () => setMoving(false),
  });
  const settings = { description, parameters };
  const on = server.status === "active";
  if (!server.id) {
    return (
      <div className="flex items-center gap-3">
        <span className="hint">{t("mcpOff")}</span>
        {rights.edit ? (
          <Button busy={save.isPending} onClick={() => save.mutate(settings)}>
            {t("mcpEnable")}
          </Button>
        ) : null}
      </div>
    );
  }
  return (
    <div className="card p-4 flex flex-col gap-4 max-w-[720px]">
      <div className="flex items-center gap-2">
        <Switch
          checked={on}
          label={t("mcpOn")}
          disabled={!rights.edit || save.isPending}
          onChange={(next) => save.mutate({ ...settings, status: next ? "active" : "inactive" })}
        />
        <span aria-hidden>{t("mcpOn")}</span>
      </div>
      <Address label={t("mcpAddress")} address={mcpAddress(base, server.server_code ?? "")} />
      {rights.edit ? (
        <>
          <Field label={t("mcpDescription")} hint={t("mcpDescriptionHint")}>
            <Textarea rows={2} value={description} onChange={(event) => setDescription(event.target.value)} />
          </Field>
          {inputs
            .filter((input) => !isFileInput(input))
            .map((input) => (
              <Field key={input.name} label={t("mcpInput", { name: input.name })}>
                <Input
                  value={parameters[input.name] ?? ""}
                  placeholder={input.label}
                  onChange={(event) => setParameters((now) => ({ ...now, [input.name]: event.target.value }))}
                />
              </Field>
            ))}
          <div className="flex gap-2">
            <Button busy={save.isPending} onClick={() => save.mutate(settings)}>
              {t("mcpSave")}
            </Button>
            <Button icon={RefreshCw} onClick={() => setMoving(true)}>
              {t("mcpRefresh")}
            </Button>
          </div>
        </>
      ) : null}
      <Confirm
        open={moving}
        title={t("mcpRefreshTitle")}
        text={t("mcpRefreshText")}
        confirm={t("mcpRefresh")}
        cancel={c("common.keep")}
        busy={move.isPending}
        onClose={() => setMoving(false)}
        onConfirm={() => move.mutate()}
      />
    </div>
  );
}
