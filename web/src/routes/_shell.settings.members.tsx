import { createFileRoute } from "@tanstack/react-router";
import { Members } from "../features/settings/Members";

export const Route = createFileRoute("/_shell/settings/members")({ component: Members });
