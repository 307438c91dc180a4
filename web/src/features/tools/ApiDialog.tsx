/** Tools from an OpenAPI schema: pasted, read from an address, or begun from an example. */
import { useMutation, useQuery } from "@tanstack/react-query";
import { CircleAlert, FileDown, LayoutTemplate, Play, TriangleAlert } from "lucide-react";
import { useDeferredValue, useEffect, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import {
  type ApiAuth,
  type ApiOperation,
  type ApiToolSet,
  addApiTools,
  apiToolSet,
  changeApiTools,
  parseSchema,
  remoteSchema,
  useToolChange,
} from "../../data/tools";
import { messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Input, Textarea } from "../../ui/Input";
import { Badge } from "../../ui/Marks";
import { Menu, Popover } from "../../ui/Menu";
import { AuthForm } from "./AuthForm";
import { EXAMPLES } from "./examples";
import { emojiOf, isAddress, NO_AUTH, operationName, PLAIN, pathOf, wireAuth } from "./model";
import { IconPick, LabelPick } from "./parts";
import { TestDialog } from "./TestDialog";

interface Props {
  /** The set to change; none for a new one. */
  readonly provider?: string;
  readonly onClose: () => void;
  readonly onSaved: (name: string) => void;
}

export function ApiDialog(props: Props) {
  const { provider } = props;
  const { t } = useTranslation("tools");
  const { t: c } = useTranslation();
  const stored = useQuery({ ...apiToolSet(provider ?? ""), enabled: provider !== undefined });
  if (provider === undefined || stored.data) return <ApiForm {...props} stored={stored.data} />;
  return (
    <Dialog open size="lg" title={t("api.edit", { name: provider })} closeLabel={c("common.close")} onClose={props.onClose}>
      {stored.error ? <p className="wrong">{messageOf(stored.error)}</p> : <p className="hint">{c("common.loading")}</p>}
    </Dialog>
  );
}

const WAIT = 500;

/** What the server makes of a schema, a moment after it was last typed at. */
function useParsed(schema: string) {
  const [settled, setSettled] = useState(schema);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(schema), WAIT);
    return () => clearTimeout(timer);
  }, [schema]);
  const query = useQuery({
    queryKey: ["tool-schema", settled],
    queryFn: () => parseSchema(settled),
    enabled: settled.trim() !== "",
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return { ...query, settled: settled === schema };
}

function ApiForm({ provider, stored, onClose, onSaved }: Props & { stored: ApiToolSet | undefined }) {
  const { t } = useTranslation("tools");
  const { t: c } = useTranslation();
  const form = useId();
  const [name, setName] = useState(provider ?? "");
  const [icon, setIcon] = useState(() => emojiOf(stored?.icon, "🔧"));
  const [schema, setSchema] = useState(stored?.schema ?? "");
  const [auth, setAuth] = useState<ApiAuth>(() => (stored ? { ...stored.credentials, api_key_value: "", client_secret: "" } : NO_AUTH));
  const [labels, setLabels] = useState<readonly string[]>(stored?.labels ?? []);
  const [privacy, setPrivacy] = useState(stored?.privacy_policy ?? "");
  const [disclaimer, setDisclaimer] = useState(stored?.custom_disclaimer ?? "");
  const [checked, setChecked] = useState(false);
  const [trying, setTrying] = useState<ApiOperation>();
  const parsed = useParsed(schema);
  const operations = useDeferredValue(schema.trim() === "" ? [] : (parsed.data?.parameters_schema ?? []));
  const schemaType = parsed.data?.schema_type ?? stored?.schema_type ?? "openapi";
  const wrongName = name.trim() === "" ? t("form.needName") : undefined;
  const wrongSchema = schema.trim() === "" ? t("api.needSchema") : parsed.error ? messageOf(parsed.error) : undefined;
  const save = useToolChange(() => {
    const fields = {
      provider: name.trim(),
      schema,
      schema_type: schemaType,
      credentials: wireAuth(auth, stored?.credentials),
      icon: { content: icon, background: PLAIN },
      privacy_policy: privacy.trim(),
      custom_disclaimer: disclaimer.trim(),
      labels,
    };
    return provider === undefined ? addApiTools(fields) : changeApiTools(provider, fields);
  });
  const send = () => {
    setChecked(true);
    if (wrongName || wrongSchema || !parsed.settled || parsed.isFetching) return;
    save.mutate(undefined, {
      onSuccess: () => {
        toast(t("api.saved", { name: name.trim() }));
        onSaved(name.trim());
      },
    });
  };
  return (
    <Dialog
      open
      size="lg"
      title={provider === undefined ? t("api.new") : t("api.edit", { name: provider })}
      about={t("api.about")}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{c("common.cancel")}</Button>
          <Button kind="primary" type="submit" form={form} busy={save.isPending} disabled={!parsed.settled || parsed.isFetching}>
            {c("common.save")}
          </Button>
        </>
      }
    >
      <form
        id={form}
        noValidate
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          // A dialog inside this one is not of this form, but its events pass through.
          if (event.target === event.currentTarget) send();
        }}
      >
        <div className="flex items-end gap-3">
          <IconPick value={icon} onChange={setIcon} />
          <div className="flex-1 min-w-0">
            <Field label={t("form.name")} error={checked ? wrongName : undefined}>
              <Input autoFocus maxLength={100} value={name} onChange={(event) => setName(event.target.value)} />
            </Field>
          </div>
        </div>
        <div>
          <div className="flex items-center gap-2 mb-1 flex-wrap">
            <span className="lbl flex-1">{t("api.schema")}</span>
            <FromAddress onRead={setSchema} />
            <Menu
              entries={EXAMPLES.map((example) => ({ key: example.key, label: t(`api.example.${example.key}`), onSelect: () => setSchema(example.schema) }))}
              trigger={
                <Button size="sm" kind="quiet" icon={LayoutTemplate}>
                  {t("api.examples")}
                </Button>
              }
            />
          </div>
          <Textarea
            className="mono"
            rows={10}
            spellCheck={false}
            aria-label={t("api.schema")}
            aria-invalid={wrongSchema !== undefined && (checked || parsed.error !== null) ? true : undefined}
            placeholder={t("api.placeholder")}
            value={schema}
            onChange={(event) => setSchema(event.target.value)}
          />
          {wrongSchema && (checked || parsed.error) ? (
            <p className="wrong mt-1" role="alert">
              <CircleAlert size={14} aria-hidden />
              <span className="wrap-anywhere">{wrongSchema}</span>
            </p>
          ) : null}
          {Object.values(parsed.data?.warning ?? {}).map((warning) => (
            <p key={warning} className="hint mt-1 flex gap-1.5">
              <TriangleAlert size={14} className="text-warning mt-0.5" aria-hidden />
              <span className="wrap-anywhere">{warning}</span>
            </p>
          ))}
        </div>
        <Operations operations={operations} pending={schema.trim() !== "" && (parsed.isFetching || !parsed.settled)} onTry={setTrying} />
        <AuthForm value={auth} stored={stored?.credentials} flow={parsed.data?.oauth ?? undefined} onChange={setAuth} />
        <LabelPick value={labels} onChange={setLabels} />
        <Field label={t("form.privacy")} optional={c("common.optional")}>
          <Input value={privacy} placeholder="https://" onChange={(event) => setPrivacy(event.target.value)} />
        </Field>
        <Field label={t("form.disclaimer")} optional={c("common.optional")}>
          <Input value={disclaimer} onChange={(event) => setDisclaimer(event.target.value)} />
        </Field>
        {save.error ? (
          <p className="wrong" role="alert">
            <CircleAlert size={14} aria-hidden />
            <span className="wrap-anywhere">{messageOf(save.error)}</span>
          </p>
        ) : null}
      </form>
      {trying ? (
        <TestDialog
          operation={trying}
          auth={wireAuth(auth, stored?.credentials)}
          schema={schema}
          schemaType={schemaType}
          provider={provider}
          onClose={() => setTrying(undefined)}
        />
      ) : null}
    </Dialog>
  );
}

function FromAddress({ onRead }: { onRead: (schema: string) => void }) {
  const { t } = useTranslation("tools");
  const [open, setOpen] = useState(false);
  const [url, setUrl] = useState("");
  const read = useMutation({
    mutationFn: () => remoteSchema(url.trim()),
    onSuccess: (answer) => {
      onRead(answer.schema);
      setOpen(false);
    },
  });
  const go = () => (isAddress(url.trim()) ? read.mutate() : undefined);
  return (
    <Popover
      label={t("api.fromUrl")}
      align="end"
      open={open}
      onOpenChange={setOpen}
      className="w-[340px] max-w-[calc(100vw-24px)]"
      trigger={
        <Button size="sm" kind="quiet" icon={FileDown}>
          {t("api.fromUrl")}
        </Button>
      }
    >
      <div className="flex flex-col gap-2 p-2">
        <Input
          aria-label={t("api.url")}
          placeholder="https://"
          value={url}
          onChange={(event) => setUrl(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter") return;
            event.preventDefault();
            go();
          }}
        />
        {read.error ? (
          <p className="wrong" role="alert">
            <span className="wrap-anywhere">{messageOf(read.error)}</span>
          </p>
        ) : null}
        <Button kind="primary" className="self-end" busy={read.isPending} disabled={!isAddress(url.trim())} onClick={go}>
          {t("api.read")}
        </Button>
      </div>
    </Popover>
  );
}

function Operations({ operations, pending, onTry }: { operations: readonly ApiOperation[]; pending: boolean; onTry: (operation: ApiOperation) => void }) {
  const { t } = useTranslation("tools");
  return (
    <section aria-label={t("api.operations")}>
      <h3 className="lbl mb-1">
        {t("api.operations")} <span className="text-ink-3 font-regular num">{operations.length > 0 ? operations.length : ""}</span>
      </h3>
      {operations.length === 0 ? (
        <p className="hint" role="status">
          {t(pending ? "api.reading" : "api.noOperations")}
        </p>
      ) : (
        <div role="table" aria-label={t("api.operations")} className="card tool-ops px-3" aria-busy={pending}>
          <div role="row" className="text-12 text-ink-3">
            <span role="columnheader">{t("form.name")}</span>
            <span role="columnheader">{t("api.col.about")}</span>
            <span role="columnheader">{t("api.col.method")}</span>
            <span role="columnheader">{t("api.col.path")}</span>
            <span role="columnheader">
              <span className="visually-hidden">{t("test.open")}</span>
            </span>
          </div>
          {operations.map((operation) => {
            const name = operationName(operation);
            return (
              <div role="row" key={name}>
                <span role="cell" className="font-medium">
                  <span className="truncate">{name}</span>
                </span>
                <span role="cell" className="text-ink-2">
                  <span className="truncate">{operation.summary}</span>
                </span>
                <span role="cell">
                  <Badge>{operation.method.toUpperCase()}</Badge>
                </span>
                <span role="cell" className="mono text-12">
                  <span className="truncate">{pathOf(operation)}</span>
                </span>
                <span role="cell">
                  <Button size="sm" icon={Play} aria-label={t("test.named", { name })} onClick={() => onTry(operation)}>
                    {t("test.open")}
                  </Button>
                </span>
              </div>
            );
          })}
        </div>
      )}
    </section>
  );
}
