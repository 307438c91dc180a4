/** Everything the palette can find, from what is loaded already or comes from one request a list. */
import { useQuery } from "@tanstack/react-query";
import { useLocation, useNavigate } from "@tanstack/react-router";
import {
  Activity,
  ChartLine,
  Code,
  Compass,
  FileDown,
  Hammer,
  Keyboard,
  LayoutGrid,
  LibraryBig,
  type LucideIcon,
  Moon,
  Package,
  Plus,
  Rocket,
  Sparkles,
  Sun,
  SunMoon,
  UserRound,
  Users,
  Wallet,
  Wrench,
} from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { type AppItem, allApps, appFigures, type Figures, isGraph } from "../../data/apps";
import { useRights } from "../../data/session";
import { useFormat } from "../../lib/format";
import { setTheme } from "../../lib/theme";
import { AppTile } from "../../ui/AppTile";
import { Tile } from "../../ui/Marks";
import { NodeTile } from "../../ui/NodeTile";
import { Success } from "../apps/figures";
import { allDatasets } from "../knowledge/api";
import { DatasetTile } from "../knowledge/DatasetTile";
import { useKnowledgeRights } from "../knowledge/rights";
import type { Dataset } from "../knowledge/types";
import type { CanvasNode, Fact, PaletteGroup, PaletteRow } from "./paletteRows";
import { openShortcuts, useShell } from "./state";

const DAY = 24;

const sign = (Icon: LucideIcon): ReactNode => (
  <Tile>
    <Icon size={14} strokeWidth={1.9} aria-hidden />
  </Tile>
);

export function usePaletteGroups(): readonly PaletteGroup[] {
  const { t } = useTranslation();
  const canvas = useShell((s) => s.canvas);
  const here = useCanvasRows(canvas);
  const parts = useParts();
  const things = useThings();
  const { doing, places } = useCommands();
  return [
    { key: "canvas", heading: t("palette.canvas"), sort: "thing", rows: here },
    { key: "parts", heading: t("palette.parts"), sort: "command", rows: parts },
    ...things,
    { key: "do", heading: t("palette.do"), sort: "command", rows: doing },
    { key: "go", heading: t("palette.go"), sort: "command", rows: places },
  ];
}

function useCanvasRows(canvas: (() => readonly CanvasNode[]) | undefined): PaletteRow[] {
  return (canvas?.() ?? []).map((node) => ({
    key: `node-${node.id}`,
    label: node.title,
    about: node.about,
    tile: <NodeTile kind={node.kind} large />,
    run: node.open,
    preview: node.preview,
  }));
}

function useThings(): PaletteGroup[] {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const format = useFormat();
  const knows = useKnowledgeRights();
  const apps = useQuery(allApps).data?.data ?? [];
  const figures = useQuery(
    appFigures(
      apps.map((app) => app.id),
      DAY,
    ),
  ).data;
  const datasets = useQuery({ ...allDatasets, enabled: knows }).data?.data ?? [];
  const factsOf = (app: AppItem, each: Figures | undefined): Fact[] => [
    ...(each && each.runs > 0
      ? ([
          [t("palette.fact.runs"), format.number(each.runs)],
          [t("palette.fact.success"), <Success key="success" figures={each} />],
          ...(each.p95_seconds === null ? [] : [[t("palette.fact.p95"), format.duration(each.p95_seconds, 1)]]),
        ] as Fact[])
      : []),
    [t("palette.fact.edited"), format.ago(app.updated_at)],
  ];
  const knowledgeFacts = (dataset: Dataset): Fact[] => [
    [t("palette.fact.documents"), format.number(dataset.document_count)],
    [t("palette.fact.apps"), format.number(dataset.app_count)],
  ];
  return [
    {
      key: "apps",
      heading: t("palette.apps"),
      sort: "thing",
      rows: apps.map((app) => ({
        key: `app-${app.id}`,
        label: app.name,
        about: t(`modes.${app.mode}.name`),
        tile: <AppTile app={app} />,
        href: `/app/${app.id}`,
        run: () => void navigate({ to: "/app/$appId", params: { appId: app.id } }),
        preview: { about: app.description || undefined, facts: factsOf(app, figures?.get(app.id)) },
      })),
    },
    {
      key: "knowledge",
      heading: t("nav.knowledge"),
      sort: "thing",
      rows: datasets.map((dataset) => ({
        key: `dataset-${dataset.id}`,
        label: dataset.name,
        about: t("palette.documents", { count: dataset.document_count }),
        tile: <DatasetTile dataset={dataset} />,
        href: `/datasets/${dataset.id}`,
        run: () => void navigate({ to: "/datasets/$datasetId", params: { datasetId: dataset.id } }),
        preview: { about: dataset.description || undefined, facts: knowledgeFacts(dataset) },
      })),
    },
  ];
}

/** The tabs of the app that is open. */
function useParts(): PaletteRow[] {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const rights = useRights();
  const path = useLocation({ select: (l) => l.pathname });
  const apps = useQuery(allApps).data?.data ?? [];
  const here = /^\/app\/([^/]+)/.exec(path)?.[1];
  const app = apps.find((each) => each.id === here);
  if (!app) return [];
  const params = { appId: app.id };
  const part = (key: string, icon: LucideIcon, run: () => void, keys?: string): PaletteRow => ({
    key: `part-${key}`,
    label: t(`tabs.${key}`),
    tile: sign(icon),
    keys,
    run,
  });
  return [
    ...(rights.edit
      ? [part("build", Hammer, () => void navigate({ to: isGraph(app.mode) ? "/app/$appId/workflow" : "/app/$appId/configuration", params }), "alt+1")]
      : []),
    part("logs", Activity, () => void navigate({ to: "/app/$appId/logs", params }), "alt+2"),
    part("monitor", ChartLine, () => void navigate({ to: "/app/$appId/monitor", params })),
    part("api", Code, () => void navigate({ to: "/app/$appId/develop", params })),
    part("publish", Rocket, () => void navigate({ to: "/app/$appId/overview", params })),
  ];
}

function useCommands(): { readonly doing: PaletteRow[]; readonly places: PaletteRow[] } {
  const { t } = useTranslation();
  const { t: s } = useTranslation("settings");
  const navigate = useNavigate();
  const rights = useRights();
  const knows = useKnowledgeRights();
  const row = (key: string, label: string, icon: LucideIcon, run: () => void, keys?: string): PaletteRow => ({ key, label, tile: sign(icon), keys, run });
  const go = (to: string) => () => void navigate({ to });
  return {
    doing: [
      ...(rights.edit
        ? [
            row("new", t("palette.newApp"), Plus, () => void navigate({ to: "/apps", search: { dialog: "create" } }), "C"),
            row("describe", t("palette.describeApp"), Sparkles, () => void navigate({ to: "/apps", search: { dialog: "describe" } })),
            row("new-knowledge", t("palette.newKnowledge"), LibraryBig, go("/datasets/create")),
            row("import", t("palette.importApp"), FileDown, () => void navigate({ to: "/apps", search: { dialog: "import" } })),
          ]
        : []),
      row("shortcuts", t("shortcuts.title"), Keyboard, () => openShortcuts(true), "?"),
      row("light", t("palette.light"), Sun, () => setTheme("light")),
      row("dark", t("palette.dark"), Moon, () => setTheme("dark")),
      row("system", t("palette.system"), SunMoon, () => setTheme("system")),
    ],
    places: [
      row("go-apps", t("nav.apps"), LayoutGrid, go("/apps"), "G A"),
      ...(knows ? [row("go-knowledge", t("nav.knowledge"), LibraryBig, go("/datasets"), "G K")] : []),
      row("go-tools", t("nav.tools"), Wrench, go("/tools"), "G T"),
      row("go-explore", t("nav.explore"), Compass, go("/explore")),
      row("go-models", s("nav.models"), Package, go("/settings/models"), "G S"),
      row("go-usage", s("nav.usage"), Wallet, go("/settings/usage")),
      row("go-members", s("nav.members"), Users, go("/settings/members")),
      row("go-profile", s("nav.profile"), UserRound, go("/settings/profile")),
    ],
  };
}
