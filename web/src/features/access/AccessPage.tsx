import type { AppDetail } from "../../data/apps";

export function AccessPage({ app }: { app: AppDetail }) {
  return <section className="flex flex-1 min-h-0" aria-label={app.name} />;
}
