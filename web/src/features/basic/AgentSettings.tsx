/** How an agent works: what its model makes of tools, and how many rounds it has. */
import { Bot } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Input } from "../../ui/Input";
import { Badge, Tile } from "../../ui/Marks";
import { Select } from "../../ui/Select";
import { Slider } from "../../ui/Slider";
import { PLAN } from "./agent";
import { type Agent, MOST_ROUNDS } from "./model";

interface Props {
  readonly agent: Agent;
  readonly prompt: string;
  /** Unknown while the models are read. */
  readonly callsTools: boolean | undefined;
  readonly onChange: (agent: Agent) => void;
}

export function AgentSettings(props: Props) {
  const { agent, callsTools } = props;
  const { t } = useTranslation("basic");
  const [open, setOpen] = useState(false);
  const functionCalling = callsTools ?? agent.strategy !== "react";
  const way = agent.strategy === PLAN ? "plan" : functionCalling ? "functionCalling" : "react";
  return (
    <section>
      <h2 className="font-semibold mb-1.5">{t("agent.title")}</h2>
      <div className="card flex items-center gap-2.5 px-2.5 min-h-9.5 max-md:flex-wrap max-md:py-1">
        <Tile cat="model">
          <Bot size={14} strokeWidth={1.9} aria-hidden />
        </Tile>
        <span className="font-semibold">{t(`agent.${way}`)}</span>
        <span className="text-12 text-ink-3 truncate flex-1">{t(`agent.${way}Text`)}</span>
        <Badge>{t("agent.rounds", { count: agent.rounds })}</Badge>
        <Button size="sm" aria-label={t("agent.open")} onClick={() => setOpen(true)}>
          {t("files.settings")}
        </Button>
      </div>
      {open ? <SettingsDialog {...props} functionCalling={functionCalling} onClose={() => setOpen(false)} /> : null}
    </section>
  );
}

function SettingsDialog({ agent, prompt, functionCalling, onChange, onClose }: Props & { functionCalling: boolean; onClose: () => void }) {
  const { t } = useTranslation("basic");
  const { t: c } = useTranslation();
  const [rounds, setRounds] = useState(String(agent.rounds));
  const [plans, setPlans] = useState(agent.strategy === PLAN);
  const number = Number(rounds);
  const wrong = Number.isInteger(number) && number >= 1 && number <= MOST_ROUNDS ? undefined : t("agent.wrongRounds", { most: MOST_ROUNDS });
  return (
    <Dialog
      open
      title={t("agent.title")}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{c("common.cancel")}</Button>
          <Button
            kind="primary"
            disabled={wrong !== undefined}
            onClick={() => {
              onChange({ ...agent, rounds: number, strategy: plans ? PLAN : functionCalling ? "function_call" : "react" });
              onClose();
            }}
          >
            {t("field.save")}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        <Field label={t("agent.strategy")} hint={t(plans ? "agent.planText" : functionCalling ? "agent.byModelYes" : "agent.byModelNo")}>
          <Select
            value={plans ? "plan" : "model"}
            onChange={(next) => setPlans(next === "plan")}
            options={[
              { value: "model", label: t(functionCalling ? "agent.functionCalling" : "agent.react") },
              { value: "plan", label: t("agent.plan") },
            ]}
          />
        </Field>
        <Field label={t("agent.most")} hint={t("agent.mostHint")} error={wrong}>
          <Input className="w-[96px]" inputMode="numeric" value={rounds} onChange={(event) => setRounds(event.target.value)} />
        </Field>
        <Slider label={t("agent.most")} min={1} max={MOST_ROUNDS} step={1} value={wrong ? agent.rounds : number} onChange={(next) => setRounds(String(next))} />
        <div>
          <p className="lbl">{t("agent.told")}</p>
          <pre className="codebox max-h-[200px] overflow-auto">{prompt.trim() || t("agent.toldNothing")}</pre>
          <p className="hint">{t(functionCalling ? "agent.toldCalling" : "agent.toldReact")}</p>
        </div>
      </div>
    </Dialog>
  );
}
