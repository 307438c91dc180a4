/** Rows of name and value; both may hold variables. */
import { Plus, Trash2 } from "lucide-react";
import { useTranslation } from "react-i18next";
import { PromptEditor } from "../editors/PromptEditor";
import { type Pair, readPairs, writePairs } from "../model/pairs";
import { Button, IconButton } from "../parts/controls";

interface Props {
  readonly node: string;
  readonly title: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

export function PairList({ node, title, value, onChange }: Props) {
  const { t } = useTranslation("studio");
  const pairs = readPairs(value);
  const write = (next: readonly Pair[]) => onChange(writePairs(next));
  return (
    <fieldset className="st-plain st-col" aria-label={title}>
      <div className="st-between">
        <span className="st-label">{title}</span>
        <Button look="quiet" size="sm" icon={Plus} onClick={() => write([...pairs, { key: t("http.newKey"), value: "" }])}>
          {t("common.add")}
        </Button>
      </div>
      {pairs.map((pair, i) => {
        const put = (patch: Partial<Pair>) => write(pairs.map((p, j) => (j === i ? { ...p, ...patch } : p)));
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: the rows have no identity but their place
          <div className="st-listrow" key={i}>
            <div className="st-box">
              <PromptEditor single node={node} label={t("http.keyOf", { title, number: i + 1 })} value={pair.key} onChange={(key) => put({ key: key.replaceAll(":", "") })} />
            </div>
            <div className="st-box">
              <PromptEditor single node={node} label={t("http.valueOf", { title, number: i + 1 })} value={pair.value} onChange={(next) => put({ value: next })} />
            </div>
            <IconButton label={t("inputs.remove", { name: pair.key })} icon={Trash2} onClick={() => write(pairs.filter((_, j) => j !== i))} />
          </div>
        );
      })}
    </fieldset>
  );
}
