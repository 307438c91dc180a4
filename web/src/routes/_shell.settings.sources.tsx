import { createFileRoute } from "@tanstack/react-router";
import { DataSources } from "../features/settings/DataSources";

export const Route = createFileRoute("/_shell/settings/sources")({ component: DataSources });
