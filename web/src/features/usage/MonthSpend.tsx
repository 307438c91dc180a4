/** What the workspace has spent this month, and how much it may; the way to the page that tells more. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Wallet } from "lucide-react";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { profile, useRights } from "../../data/session";
import { useFormat } from "../../lib/format";
import { spanOf } from "../monitor/span";
import { budgets, summary } from "./api";
import { moodOf } from "./figures";
import "./usage.css";

export function MonthSpend() {
  const { edit } = useRights();
  const zone = useQuery(profile).data?.timezone;
  return edit && zone ? <Spend zone={zone} /> : null;
}

function Spend({ zone }: { zone: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const span = useMemo(() => {
    const now = new Date();
    return spanOf({ range: "mtd" }, now, zone, now);
  }, [zone]);
  const total = useQuery(summary(span)).data?.total ?? [];
  const budget = useQuery(budgets).data?.data.find((each) => each.enabled && each.scope === "workspace" && each.period === "month" && each.money_limit);
  const paid = total.filter((sum) => Number(sum.price) > 0);
  if (!budget && paid.length === 0) return null;
  const used = budget ? format.money(Number(budget.used_money), budget.currency) : paid.map((sum) => format.money(Number(sum.price), sum.currency)).join(" + ");
  return (
    <Link
      to="/settings/usage"
      search={{ range: "mtd" }}
      className="inline-flex items-center gap-2 text-12 text-ink-3 num whitespace-nowrap hover:text-ink-1 max-md:hidden"
    >
      <Wallet size={14} strokeWidth={1.9} aria-hidden />
      {t("spend.month")} <b className="font-semibold text-ink-1">{used}</b>
      {budget ? (
        <>
          {t("spend.of", { limit: format.money(Number(budget.money_limit), budget.currency) })}
          <span className="usage-part" data-mood={moodOf(budget)} aria-hidden>
            <span style={{ width: `${Math.min(100, Math.round(budget.ratio * 100))}%` }} />
          </span>
        </>
      ) : null}
    </Link>
  );
}
