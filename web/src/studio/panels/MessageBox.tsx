/** One message of a prompt: role, text or Jinja, size, order. */
import { ArrowDown, ArrowUp, Braces, Maximize2, Sparkles, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { CodeEditor } from "../editors/CodeEditor";
import { PromptEditor } from "../editors/PromptEditor";
import { messageText, type PromptMessage } from "../nodes/llm";
import type { ModelChoice } from "../nodes/schema";
import { IconButton } from "../parts/controls";
import { Dialog } from "../parts/Dialog";
import { GenerateHere } from "./GenerateHere";

const ROLES = ["system", "user", "assistant"];

interface Props {
  readonly node: string;
  readonly message: PromptMessage;
  readonly model: ModelChoice;
  readonly chat: boolean;
  readonly context: boolean;
  readonly onChange: (message: PromptMessage) => void;
  readonly onRemove: (() => void) | undefined;
  readonly onMove: (by: number) => void;
  readonly canUp: boolean;
  readonly canDown: boolean;
}

export function MessageBox({ node, message, model, chat, context, onChange, onRemove, onMove, canUp, canDown }: Props) {
  const { t } = useTranslation("studio");
  const [large, setLarge] = useState(false);
  const [generating, setGenerating] = useState(false);
  const jinja = message.edition_type === "jinja2";
  const role = t(`roles.${message.role}`, { defaultValue: message.role });
  const toggle = () => {
    if (jinja) onChange({ ...message, edition_type: "basic", text: message.jinja2_text ?? message.text });
    else onChange({ ...message, edition_type: "jinja2", jinja2_text: message.text });
  };
  const editor = (
    <MessageEditor node={node} label={t("llm.messageOf", { role })} message={message} context={context} onChange={onChange} />
  );
  return (
    <div className="st-box">
      <div className="st-box-head">
        {chat ? (
          <select className="st-role" aria-label={t("llm.role")} value={message.role} onChange={(e) => onChange({ ...message, role: e.target.value })}>
            {ROLES.map((r) => (
              <option key={r} value={r}>
                {t(`roles.${r}`)}
              </option>
            ))}
          </select>
        ) : (
          <span className="st-role">{t("llm.prompt")}</span>
        )}
        <span className="st-grow" />
        <span className="st-num">{t("prompt.characters", { count: messageText(message).length })}</span>
        <IconButton label={t(jinja ? "prompt.useText" : "prompt.useJinja")} icon={Braces} aria-pressed={jinja} onClick={toggle} />
        {chat ? <IconButton label={t("llm.up")} icon={ArrowUp} disabled={!canUp} onClick={() => onMove(-1)} /> : null}
        {chat ? <IconButton label={t("llm.down")} icon={ArrowDown} disabled={!canDown} onClick={() => onMove(1)} /> : null}
        <IconButton label={t("prompt.generate", { role })} icon={Sparkles} onClick={() => setGenerating(true)} />
        <IconButton label={t("prompt.large")} icon={Maximize2} onClick={() => setLarge(true)} />
        {onRemove ? <IconButton label={t("llm.removeMessage", { role })} icon={Trash2} onClick={onRemove} /> : null}
      </div>
      {generating ? (
        <GenerateHere
          node={node}
          kind="prompt"
          current={messageText(message)}
          model={model}
          facts={`It is the ${message.role} message of the conversation${jinja ? ", a Jinja2 template" : ""}.`}
          onClose={() => setGenerating(false)}
          onText={(text) => onChange(jinja ? { ...message, jinja2_text: text } : { ...message, text })}
        />
      ) : null}
      {large ? (
        <Dialog wide title={t("llm.messageOf", { role })} closeLabel={t("common.close")} onClose={() => setLarge(false)}>
          <div className="st-box st-large">{editor}</div>
        </Dialog>
      ) : (
        editor
      )}
    </div>
  );
}

interface EditorProps {
  readonly node: string;
  readonly label: string;
  readonly message: PromptMessage;
  readonly context: boolean;
  readonly onChange: (message: PromptMessage) => void;
}

function MessageEditor({ node, label, message, context, onChange }: EditorProps) {
  const { t } = useTranslation("studio");
  if (message.edition_type === "jinja2") {
    return <CodeEditor label={label} language="jinja" value={message.jinja2_text ?? ""} onChange={(jinja2_text) => onChange({ ...message, jinja2_text })} />;
  }
  return <PromptEditor node={node} label={label} placeholder={t("prompt.placeholder")} context={context} value={message.text} onChange={(text) => onChange({ ...message, text })} />;
}
