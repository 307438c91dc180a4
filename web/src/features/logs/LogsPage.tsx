import type { AppDetail } from "../../data/apps";
import type { LogsSearch } from "./search";

export interface LogsProps {
  readonly app: AppDetail;
  readonly search: LogsSearch;
  readonly onSearch: (change: Partial<LogsSearch>, replace?: boolean) => void;
}

export function LogsPage({ app }: LogsProps) {
  return <section className="flex flex-1 min-h-0" aria-label={app.name} />;
}
