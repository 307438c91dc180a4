/** Branches: IF, ELIF, ELSE. The order is the order of the test. */
import { ArrowDown, ArrowUp, Plus, Trash2 } from "lucide-react";
import { useTranslation } from "react-i18next";
import { ConditionRow, newCondition } from "../editors/ConditionRow";
import type { BranchCase, IfElseData } from "../nodes/if-else";
import type { PanelProps } from "../nodes/kind";
import { Button, IconButton } from "../parts/controls";

export function IfElsePanel({ id, data, update }: PanelProps<IfElseData>) {
  const { t } = useTranslation("studio");
  const { cases } = data;
  const write = (next: readonly BranchCase[]) => update({ cases: [...next] });
  const put = (index: number, patch: Partial<BranchCase>) => write(cases.map((c, i) => (i === index ? { ...c, ...patch } : c)));
  const swap = (a: number, b: number) => {
    const next = [...cases];
    const [x, y] = [next[a], next[b]];
    if (!x || !y) return;
    next[a] = y;
    next[b] = x;
    write(next);
  };
  return (
    <section className="st-section">
      {cases.map((branch, i) => (
        <BranchCard
          key={branch.case_id}
          node={id}
          branch={branch}
          name={i === 0 ? t("ifElse.if") : t("ifElse.elif")}
          put={(patch) => put(i, patch)}
          onUp={i > 0 ? () => swap(i, i - 1) : undefined}
          onDown={i < cases.length - 1 ? () => swap(i, i + 1) : undefined}
          onRemove={cases.length > 1 ? () => write(cases.filter((_, j) => j !== i)) : undefined}
        />
      ))}
      <Button size="sm" icon={Plus} onClick={() => write([...cases, { case_id: crypto.randomUUID(), logical_operator: "and", conditions: [] }])}>
        {t("ifElse.addCase")}
      </Button>
      <div className="st-case">
        <div className="st-row">
          <span className="st-branch-key">{t("ifElse.else")}</span>
          <span className="st-hint">{t("ifElse.elseHint")}</span>
        </div>
      </div>
    </section>
  );
}

interface CardProps {
  readonly node: string;
  readonly branch: BranchCase;
  readonly name: string;
  readonly put: (patch: Partial<BranchCase>) => void;
  readonly onUp: (() => void) | undefined;
  readonly onDown: (() => void) | undefined;
  readonly onRemove: (() => void) | undefined;
}

function BranchCard({ node, branch, name, put, onUp, onDown, onRemove }: CardProps) {
  const { t } = useTranslation("studio");
  const { conditions } = branch;
  return (
    <fieldset className="st-case" aria-label={name}>
      <div className="st-between">
        <div className="st-row">
          <span className="st-branch-key">{name}</span>
          {conditions.length > 1 ? (
            <Button size="sm" look="quiet" title={t("condition.switchLogic")} onClick={() => put({ logical_operator: branch.logical_operator === "or" ? "and" : "or" })}>
              {t(branch.logical_operator === "or" ? "condition.any" : "condition.all")}
            </Button>
          ) : null}
        </div>
        <div className="st-row">
          <IconButton label={t("ifElse.up")} icon={ArrowUp} disabled={!onUp} onClick={onUp} />
          <IconButton label={t("ifElse.down")} icon={ArrowDown} disabled={!onDown} onClick={onDown} />
          {onRemove ? <IconButton label={t("ifElse.removeCase", { name })} icon={Trash2} onClick={onRemove} /> : null}
        </div>
      </div>
      {conditions.map((condition, i) => (
        <ConditionRow
          key={condition.id || i}
          node={node}
          condition={condition}
          onChange={(next) => put({ conditions: conditions.map((c, j) => (j === i ? next : c)) })}
          onRemove={() => put({ conditions: conditions.filter((_, j) => j !== i) })}
        />
      ))}
      <Button size="sm" look="quiet" icon={Plus} onClick={() => put({ conditions: [...conditions, newCondition()] })}>
        {t("condition.add")}
      </Button>
    </fieldset>
  );
}
