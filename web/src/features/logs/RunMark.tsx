import { useTranslation } from "react-i18next";
import { Badge } from "../../ui/Marks";
import { lookOf } from "../../ui/RunState";

function useStatusText(status: string): string {
  const { t } = useTranslation("logs");
  return t(`status.${status}`, { defaultValue: status });
}

export function RunMark({ status }: { status: string }) {
  const { icon: Icon, ink } = lookOf(status);
  return <Icon size={16} strokeWidth={1.75} className={`${ink}${status === "running" ? " spin" : ""}`} role="img" aria-label={useStatusText(status)} />;
}

export function RunBadge({ status }: { status: string }) {
  const { icon, tone } = lookOf(status);
  return (
    <Badge tone={tone} icon={icon}>
      {useStatusText(status)}
    </Badge>
  );
}
