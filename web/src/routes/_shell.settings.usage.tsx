import { createFileRoute, useNavigate } from "@tanstack/react-router";
import { usageSearch } from "../features/usage/figures";
import { UsagePage } from "../features/usage/UsagePage";

export const Route = createFileRoute("/_shell/settings/usage")({ validateSearch: usageSearch, component: Page });

function Page() {
  const search = Route.useSearch();
  const navigate = useNavigate({ from: Route.fullPath });
  return <UsagePage search={search} onSearch={(next) => void navigate({ search: next })} />;
}
