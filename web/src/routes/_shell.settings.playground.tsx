import { createFileRoute } from "@tanstack/react-router";
import { PlaygroundPage } from "../features/models/PlaygroundPage";

export const Route = createFileRoute("/_shell/settings/playground")({ component: PlaygroundPage });
