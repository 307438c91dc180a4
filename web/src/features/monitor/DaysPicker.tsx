/** The days that are shown, and a way to choose others. */
import { CalendarDays } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { dayIn } from "../../lib/zone";
import { Button } from "../../ui/Button";
import { Field } from "../../ui/Field";
import { Input } from "../../ui/Input";
import { Popover } from "../../ui/Menu";
import type { Span } from "./span";
import type { Numbers } from "./useNumbers";

interface Props {
  readonly span: Span;
  readonly zone: string;
  readonly numbers: Numbers;
  readonly onPick: (from: string, to: string) => void;
}

export function DaysPicker({ span, zone, numbers, onPick }: Props) {
  const { t } = useTranslation("monitor");
  const first = span.days[0] ?? "";
  const last = span.days.at(-1) ?? "";
  const [open, setOpen] = useState(false);
  const [from, setFrom] = useState(first);
  const [to, setTo] = useState(last);
  const today = dayIn(new Date(), zone);
  const backwards = from !== "" && to !== "" && from > to;
  const wrong = from === "" || to === "" || backwards;
  const text = first === last ? numbers.longDay(first) : t("days.span", { from: numbers.longDay(first), to: numbers.longDay(last) });
  return (
    <Popover
      label={t("days.choose")}
      open={open}
      onOpenChange={(next) => {
        setFrom(first);
        setTo(last);
        setOpen(next);
      }}
      className="w-[280px] max-w-[calc(100vw-32px)]"
      trigger={
        <Button kind="quiet" icon={CalendarDays}>
          {text}
        </Button>
      }
    >
      <form
        className="flex flex-col gap-3 p-2"
        onSubmit={(event) => {
          event.preventDefault();
          if (wrong) return;
          setOpen(false);
          onPick(from, to);
        }}
      >
        <Field label={t("days.from")}>
          <Input type="date" max={today} value={from} onChange={(event) => setFrom(event.target.value)} />
        </Field>
        <Field label={t("days.to")} error={backwards ? t("days.wrong") : undefined}>
          <Input type="date" max={today} value={to} onChange={(event) => setTo(event.target.value)} />
        </Field>
        <Button kind="primary" type="submit" disabled={wrong}>
          {t("days.show")}
        </Button>
      </form>
    </Popover>
  );
}
