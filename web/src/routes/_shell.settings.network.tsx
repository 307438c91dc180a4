import { createFileRoute } from "@tanstack/react-router";
import { Network } from "../features/settings/Network";

export const Route = createFileRoute("/_shell/settings/network")({ component: Network });
