/** Kinds that import, draw and export, but that nothing here can run: they need a plugin. */
import { lazy } from "react";
import { z } from "zod";
import { defineKind, type Kind } from "./kind";
import { baseShape } from "./schema";

const schema = z.looseObject(baseShape);
type LaterData = z.infer<typeof schema>;

const Panel = lazy(() => import("../panels/LaterPanel").then((m) => ({ default: m.LaterPanel })));

interface Later {
  readonly type: string;
  readonly starts?: boolean;
}

function later(spec: Later): Kind {
  return defineKind<LaterData>({
    type: spec.type,
    modes: [],
    hasInput: !spec.starts,
    starts: spec.starts,
    supported: false,
    schema,
    defaults: () => ({}),
    outputs: () => [],
    check: () => [{ code: "cannotRun", values: { kind: spec.type } }],
    Panel,
  });
}

export const laterKinds: readonly Kind[] = [later({ type: "trigger-plugin", starts: true })];

/** A kind nobody knows: from a newer version or another product. */
export const unknownKind: Kind = later({ type: "unknown" });
