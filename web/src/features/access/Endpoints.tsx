/** Every endpoint with an example of the app's own inputs; the values can be changed, and the call sent from here. */
import { Play, Square } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { AppDetail } from "../../data/apps";
import { useFormat } from "../../lib/format";
import { messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Code } from "../../ui/Code";
import { CopyButton } from "../../ui/CopyButton";
import { Badge } from "../../ui/Marks";
import { Segmented } from "../../ui/Segmented";
import { type Endpoint, endpointsOf, type Given, idsOf, NOTHING_GIVEN, type ResponseMode, withIds } from "./endpoints";
import { type ExampleLanguage, example } from "./examples";
import type { AppInput } from "./inputs";
import { type Answer, send } from "./send";
import { Values } from "./Values";

const TONES = { GET: "run", POST: "ok", DELETE: "bad" } as const;

interface Props {
  readonly app: AppDetail;
  readonly inputs: readonly AppInput[];
  readonly base: string;
  /** A key of the app, if it has one. */
  readonly apiKey: string | undefined;
}

export function Endpoints({ app, inputs, base, apiKey }: Props) {
  const { t } = useTranslation("access");
  const [how, setHow] = useState<ResponseMode>("streaming");
  const [given, setGiven] = useState<Given>(NOTHING_GIVEN);
  const endpoints = endpointsOf(app.mode, inputs, how, given);
  const [open, setOpen] = useState(endpoints[0]?.key);
  const chosen = endpoints.find((e) => e.key === open) ?? endpoints[0];
  return (
    <section>
      <h2 className="text-16 font-semibold mb-2">{t("endpoints")}</h2>
      <div className="grid gap-4 md:grid-cols-[minmax(220px,300px)_minmax(0,1fr)] max-md:grid-cols-[minmax(0,1fr)]">
        <ul className="card self-start p-1">
          {endpoints.map((endpoint) => (
            <li key={endpoint.key}>
              <button
                type="button"
                className="menu-row"
                aria-current={endpoint === chosen}
                data-selected={endpoint === chosen}
                onClick={() => setOpen(endpoint.key)}
              >
                <span style={{ width: 52 }} className="inline-flex">
                  <Badge tone={TONES[endpoint.method]}>{endpoint.method}</Badge>
                </span>
                <span className="truncate">{t(`ep.${endpoint.key}`)}</span>
              </button>
            </li>
          ))}
        </ul>
        {chosen ? (
          <Chosen
            key={chosen.key}
            appId={app.id}
            endpoint={chosen}
            inputs={inputs}
            base={base}
            apiKey={apiKey}
            how={how}
            onHow={setHow}
            given={given}
            onGiven={setGiven}
          />
        ) : null}
      </div>
    </section>
  );
}

interface ChosenProps extends Omit<Props, "app"> {
  readonly appId: string;
  readonly endpoint: Endpoint;
  readonly how: ResponseMode;
  readonly onHow: (how: ResponseMode) => void;
  readonly given: Given;
  readonly onGiven: (given: Given) => void;
}

const LANGUAGES: readonly { readonly value: ExampleLanguage; readonly label: string }[] = [
  { value: "curl", label: "cURL" },
  { value: "python", label: "Python" },
  { value: "javascript", label: "JavaScript" },
  { value: "dify", label: "dify-client" },
  { value: "openai", label: "openai" },
];

const STORED = "oxidify.example";

function storedLanguage(): ExampleLanguage {
  const found = LANGUAGES.find((language) => language.value === localStorage.getItem(STORED));
  return found?.value ?? "curl";
}

function Chosen({ appId, endpoint, inputs, base, apiKey, how, onHow, given, onGiven }: ChosenProps) {
  const { t } = useTranslation("access");
  const { t: c } = useTranslation();
  const [language, setLanguage] = useState(storedLanguage);
  const called = withIds(endpoint, given.ids);
  // What is shown hides the key; what is copied works.
  const code = (key: string) => example(called, base, key, language, appId);
  const shown = code(apiKey ? `${apiKey.slice(0, 6)}…` : "app-…");
  return (
    <div className="flex flex-col gap-3 min-w-0">
      <div className="flex items-center gap-2 flex-wrap">
        <span className="mono font-medium flex-1 truncate min-w-[180px]">
          {called.method} {called.path}
        </span>
        {endpoint.streams ? (
          <Segmented
            label={t("mode")}
            value={how}
            onChange={onHow}
            segments={[
              { value: "streaming", label: t("streaming") },
              { value: "blocking", label: t("blocking") },
            ]}
          />
        ) : null}
        <Segmented
          label={t("language")}
          value={language}
          onChange={(next) => {
            localStorage.setItem(STORED, next);
            setLanguage(next);
          }}
          segments={LANGUAGES}
        />
        {shown === undefined ? null : <CopyButton text={code(apiKey ?? "app-…") ?? ""} label={t("copyExample")} done={c("common.copied")} />}
      </div>
      {shown === undefined ? <p className="hint">{t(language === "openai" ? "noOpenai" : "noCall")}</p> : <Code label={t("example")} text={shown} />}
      {language === "dify" && shown !== undefined ? <p className="hint mono">pip install dify-client requests</p> : null}
      {language === "openai" && shown !== undefined ? <p className="hint mono">pip install openai</p> : null}
      <Values inputs={endpoint.streams ? inputs : []} question={endpoint.key === "chat"} ids={idsOf(endpoint)} given={given} onGiven={onGiven} />
      {endpoint.streams && inputs.length === 0 ? <p className="hint">{t("noInputs")}</p> : null}
      {endpoint.upload ? null : <Try endpoint={called} base={base} apiKey={apiKey} ready={idsOf(called).length === 0} />}
    </div>
  );
}

interface TryProps {
  readonly endpoint: Endpoint;
  readonly base: string;
  readonly apiKey: string | undefined;
  /** Every id of the address is filled in. */
  readonly ready: boolean;
}

function Try({ endpoint, base, apiKey, ready }: TryProps) {
  const { t } = useTranslation("access");
  const { t: c } = useTranslation();
  const format = useFormat();
  const [answer, setAnswer] = useState<Answer>();
  const [failed, setFailed] = useState<string>();
  const [busy, setBusy] = useState(false);
  const running = useRef<AbortController>(undefined);
  useEffect(() => () => running.current?.abort(), []);
  const go = async () => {
    if (!apiKey) return;
    const own = new AbortController();
    running.current = own;
    setBusy(true);
    setAnswer(undefined);
    setFailed(undefined);
    try {
      await send(endpoint, base, apiKey, setAnswer, own.signal);
    } catch (error) {
      if (own.signal.aborted) setAnswer((now) => now && { ...now, open: false });
      else setFailed(t("unreachable", { message: messageOf(error) }));
    }
    setBusy(false);
  };
  const why = apiKey ? (ready ? undefined : t("needsIds")) : t("needsKey");
  return (
    <div className="flex flex-col gap-2">
      <div className="flex items-center gap-3 flex-wrap">
        {busy ? (
          <Button icon={Square} onClick={() => running.current?.abort()}>
            {t("stopSending")}
          </Button>
        ) : (
          <Button icon={Play} disabled={why !== undefined} onClick={() => void go()}>
            {t("send")}
          </Button>
        )}
        <span className="hint flex-1 min-w-[200px]">{why ?? t("sendHint")}</span>
      </div>
      {failed ? (
        <div className="banner" data-tone="bad" role="alert">
          {failed}
        </div>
      ) : null}
      {answer ? (
        <div className="flex flex-col gap-1" role="status" aria-label={t("answer")}>
          <div className="flex items-center gap-2 text-12">
            <Badge tone={answer.status < 300 ? "ok" : "bad"}>{String(answer.status)}</Badge>
            <span className="num text-ink-3">{format.duration(answer.milliseconds / 1000)}</span>
            {answer.open ? <span className="text-running">{t("arriving")}</span> : null}
            <span className="ms-auto">
              <CopyButton text={answer.text} label={t("copyAnswer")} done={c("common.copied")} />
            </span>
          </div>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling box must be reachable by keyboard */}
          <pre className="codebox overflow-auto max-h-80" tabIndex={0}>
            {answer.text || t("emptyAnswer")}
          </pre>
        </div>
      ) : null}
    </div>
  );
}
