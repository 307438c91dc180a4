/** The budgets of the workspace with what is used of them, and what was told. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Pencil, Plus, Trash2, TriangleAlert, Wallet } from "lucide-react";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { useFormat } from "../../lib/format";
import { messageOf } from "../../lib/http";
import { Button, IconButton } from "../../ui/Button";
import { Confirm } from "../../ui/Dialog";
import { Badge } from "../../ui/Marks";
import { Empty, Failed, SkeletonRows } from "../../ui/States";
import { type Budget, type Budgets, budgets, deleteBudget } from "./api";
import { BudgetDialog } from "./BudgetDialog";
import { moodOf } from "./figures";
import { useKeyNames } from "./useKeyNames";

/** Alerts that are shown. */
const ALERTS = 5;

export function BudgetsCard({ admin }: { admin: boolean }) {
  const { t } = useTranslation("usage");
  const { t: c } = useTranslation();
  const id = useId();
  const client = useQueryClient();
  const query = useQuery(budgets);
  const [editing, setEditing] = useState<Budget | "new">();
  const [removing, setRemoving] = useState<Budget>();
  const drop = useMutation({
    mutationFn: (budget: Budget) => deleteBudget(budget.id),
    onSuccess: () => client.invalidateQueries({ queryKey: budgets.queryKey }),
    onError: (error) => toast.error(messageOf(error)),
    onSettled: () => setRemoving(undefined),
  });
  const add = (
    <Button size="sm" icon={Plus} onClick={() => setEditing("new")}>
      {t("budgets.add")}
    </Button>
  );
  return (
    <section className="monitor-card" aria-labelledby={id} aria-busy={query.isFetching}>
      <header className="flex items-center gap-3 min-h-7">
        <h2 id={id} className="font-semibold flex-1">
          {t("budgets.title")}
        </h2>
        {admin && query.data && query.data.data.length > 0 ? add : null}
      </header>
      {query.isPending ? (
        <SkeletonRows rows={2} height={48} slow={c("common.slow")} label={c("common.loading")} />
      ) : query.error ? (
        <Failed title={t("budgets.failed")} text={messageOf(query.error)} retry={{ label: c("common.retry"), onClick: () => void query.refetch() }} />
      ) : query.data.data.length === 0 ? (
        <Empty icon={Wallet} title={t("budgets.none")} text={t("budgets.noneText")}>
          {admin ? add : null}
        </Empty>
      ) : (
        <List data={query.data} label={id} admin={admin} onEdit={setEditing} onRemove={setRemoving} />
      )}
      {editing ? <BudgetDialog budget={editing === "new" ? undefined : editing} onClose={() => setEditing(undefined)} /> : null}
      <Confirm
        open={removing !== undefined}
        title={t("budgets.removeTitle", { name: removing?.name })}
        text={t("budgets.removeText")}
        confirm={t("budgets.remove")}
        cancel={c("common.keep")}
        busy={drop.isPending}
        onClose={() => setRemoving(undefined)}
        onConfirm={() => (removing ? drop.mutate(removing) : undefined)}
      />
    </section>
  );
}

interface ListProps {
  readonly data: Budgets;
  readonly label: string;
  readonly admin: boolean;
  readonly onEdit: (budget: Budget) => void;
  readonly onRemove: (budget: Budget) => void;
}

function List({ data, label, admin, onEdit, onRemove }: ListProps) {
  const { t } = useTranslation("usage");
  const format = useFormat();
  const keyName = useKeyNames(data.data.some((budget) => budget.scope === "key"));
  const unheard = data.alerts.filter((alert) => alert.status === "failed");
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls */}
      <div className="overflow-auto" role="region" aria-labelledby={label} tabIndex={0}>
        <table className="usage-table">
          <thead>
            <tr>
              <th scope="col">{t("budgets.name")}</th>
              <th scope="col" data-start>
                {t("budgets.for")}
              </th>
              <th scope="col" data-start>
                {t("budgets.used")}
              </th>
              <th scope="col" data-start>
                {t("budgets.then")}
              </th>
              <th scope="col">
                <span className="visually-hidden">{t("budgets.actions")}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {data.data.map((budget) => (
              <tr key={budget.id}>
                <th scope="row">
                  {budget.name} {budget.enabled ? null : <Badge>{t("budgets.off")}</Badge>}
                </th>
                <td data-start>
                  {budget.scope === "workspace"
                    ? t("scope.workspace")
                    : budget.subject
                      ? `${t(`scope.${budget.scope}`)}: ${budget.subject_name ?? keyName(budget.subject) ?? budget.subject}`
                      : t(`each.${budget.scope}`)}
                </td>
                <td data-start>
                  <Used budget={budget} />
                </td>
                <td data-start>
                  {t(`action.${budget.action}`)}
                  {budget.action === "throttle" ? <span className="text-ink-3"> {t("budgets.perMinute", { count: budget.calls_per_minute })}</span> : null}
                </td>
                <td>
                  {admin ? (
                    <>
                      <IconButton size="sm" icon={Pencil} label={t("budgets.edit", { name: budget.name })} onClick={() => onEdit(budget)} />
                      <IconButton size="sm" icon={Trash2} label={t("budgets.removeOf", { name: budget.name })} onClick={() => onRemove(budget)} />
                    </>
                  ) : null}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {data.alerts.length > 0 ? <Alerts data={data} /> : null}
      {unheard[0] ? (
        <p className="banner" data-tone="warn" role="status">
          {t("budgets.unheard", { at: format.dateTime(unheard[0].created_at), why: unheard[0].last_error ?? "" })}
        </p>
      ) : null}
    </>
  );
}

/** What was told last, of budgets that are still there. */
function Alerts({ data }: { data: Budgets }) {
  const { t } = useTranslation("usage");
  const format = useFormat();
  const told = data.alerts.flatMap((alert) => {
    const budget = data.data.find((each) => each.id === alert.budget_id);
    return budget ? [{ alert, budget }] : [];
  });
  if (told.length === 0) return null;
  return (
    <ul className="text-12 flex flex-col gap-1" aria-label={t("budgets.alerts")}>
      {told.slice(0, ALERTS).map(({ alert, budget }) => (
        <li key={alert.id} className="flex items-center gap-2 flex-wrap">
          <TriangleAlert size={14} strokeWidth={1.9} className={alert.threshold >= 100 ? "text-danger" : "text-warning"} aria-hidden />
          <span>{t("budgets.alert", { percent: format.number(alert.threshold), name: budget.name })}</span>
          <time className="text-ink-3" dateTime={new Date(alert.created_at * 1000).toISOString()}>
            {format.dateTime(alert.created_at)}
          </time>
        </li>
      ))}
    </ul>
  );
}

function Used({ budget }: { budget: Budget }) {
  const { t } = useTranslation("usage");
  const format = useFormat();
  const percent = Math.round(budget.ratio * 100);
  const parts = [
    budget.money_limit
      ? t("budgets.of", { used: format.money(Number(budget.used_money), budget.currency), limit: format.money(Number(budget.money_limit), budget.currency) })
      : undefined,
    budget.token_limit ? t("budgets.ofTokens", { used: format.number(budget.used_tokens), limit: format.number(budget.token_limit) }) : undefined,
  ];
  return (
    <span className="flex items-center gap-2">
      <span
        className="usage-part"
        data-mood={moodOf(budget)}
        role="meter"
        aria-label={t("budgets.used")}
        aria-valuenow={percent}
        aria-valuemin={0}
        aria-valuemax={100}
      >
        <span style={{ width: `${Math.min(100, percent)}%` }} />
      </span>
      <b className="font-medium">{format.number(percent)} %</b>
      <span className="text-ink-2">{parts.filter(Boolean).join(" · ")}</span>
      <span className="text-ink-3">{t(`period.${budget.period}`)}</span>
    </span>
  );
}
