/** A kind that imports, draws and exports, but that nothing here can run. */
import { lazy } from "react";
import { z } from "zod";
import { defineKind, type Kind } from "./kind";
import { baseShape } from "./schema";

const schema = z.looseObject(baseShape);
type LaterData = z.infer<typeof schema>;

const Panel = lazy(() => import("../panels/LaterPanel").then((m) => ({ default: m.LaterPanel })));

/** A kind nobody knows: from a newer version or another product. */
export const unknownKind: Kind = defineKind<LaterData>({
  type: "unknown",
  modes: [],
  hasInput: true,
  supported: false,
  schema,
  defaults: () => ({}),
  outputs: () => [],
  check: () => [{ code: "cannotRun", values: { kind: "unknown" } }],
  Panel,
});
