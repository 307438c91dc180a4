/** An HTTP request: method and address, headers, parameters, body, key, limits. */
import { useTranslation } from "react-i18next";
import { PromptEditor } from "../editors/PromptEditor";
import { type HttpData, METHODS } from "../nodes/http-request";
import type { PanelProps } from "../nodes/kind";
import { NumberField, SelectField, SwitchRow, TextField } from "../parts/controls";
import { HttpBody } from "./HttpBody";
import { PairList } from "./PairList";

export function HttpPanel({ id, data, update }: PanelProps<HttpData>) {
  const { t } = useTranslation("studio");
  return (
    <>
      <section className="st-section">
        <span className="st-label">{t("http.request")}</span>
        <div className="st-row st-top">
          <div className="st-method">
            <SelectField label={t("http.method")} hideLabel value={data.method.toLowerCase()} options={METHODS.map((m) => ({ value: m, label: m.toUpperCase() }))} onChange={(method) => update({ method })} />
          </div>
          <div className="st-box st-grow">
            <PromptEditor single node={id} label={t("http.url")} placeholder="https://" value={data.url} onChange={(url) => update({ url })} />
          </div>
        </div>
      </section>
      <section className="st-section">
        <PairList node={id} title={t("http.headers")} value={data.headers} onChange={(headers) => update({ headers })} />
        <PairList node={id} title={t("http.params")} value={data.params} onChange={(params) => update({ params })} />
      </section>
      <HttpBody id={id} data={data} update={update} />
      <HttpAuth id={id} data={data} update={update} />
      <HttpLimits id={id} data={data} update={update} />
    </>
  );
}

function HttpAuth({ id, data, update }: PanelProps<HttpData>) {
  const { t } = useTranslation("studio");
  const auth = data.authorization;
  const config = auth.config ?? { type: "bearer", api_key: "", header: "" };
  const put = (patch: Partial<typeof config>) => update({ authorization: { ...auth, config: { ...config, ...patch } } });
  const value = auth.type === "api-key" ? config.type : "none";
  const choose = (next: string) => {
    update({ authorization: next === "none" ? { ...auth, type: "no-auth" } : { ...auth, type: "api-key", config: { ...config, type: next } } });
  };
  return (
    <section className="st-section">
      <SelectField label={t("http.auth")} value={value} options={["none", "bearer", "basic", "custom"].map((a) => ({ value: a, label: t(`http.auths.${a}`) }))} onChange={choose} />
      {auth.type === "api-key" ? (
        <>
          {config.type === "custom" ? <TextField label={t("http.authHeader")} mono value={config.header} placeholder="Authorization" onChange={(header) => put({ header })} /> : null}
          <div className="st-field">
            <span className="st-label">{t("http.apiKey")}</span>
            <div className="st-box">
              <PromptEditor single node={id} label={t("http.apiKey")} placeholder={t("http.apiKeyHint")} value={config.api_key} onChange={(api_key) => put({ api_key })} />
            </div>
          </div>
        </>
      ) : null}
    </section>
  );
}

function HttpLimits({ data, update }: PanelProps<HttpData>) {
  const { t } = useTranslation("studio");
  const timeout = data.timeout ?? {};
  const field = (name: "connect" | "read" | "write", fallback: number) => (
    <NumberField label={t(`http.timeouts.${name}`)} min={1} placeholder={String(fallback)} value={timeout[name] || undefined} onChange={(value) => update({ timeout: { ...timeout, [name]: value ?? 0 } })} />
  );
  return (
    <section className="st-section">
      <span className="st-label">{t("http.limits")}</span>
      <div className="st-three">
        {field("connect", 10)}
        {field("read", 600)}
        {field("write", 600)}
      </div>
      <SwitchRow label={t("http.sslVerify")} note={t("http.sslVerifyNote")} checked={data.ssl_verify ?? true} onChange={(ssl_verify) => update({ ssl_verify })} />
    </section>
  );
}
