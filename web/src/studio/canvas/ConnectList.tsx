/** Connecting by keyboard: L, choose a target, Enter. */
import { useTranslation } from "react-i18next";
import { kindOf } from "../nodes/registry";
import { moveFocus } from "../parts/menu";
import { Popover } from "../parts/popover";
import { connect, possibleConnections } from "../store/actions";
import { set, useStudio } from "../store/studio";
import { getView } from "../store/view";

export function ConnectList() {
  const { t } = useTranslation("studio");
  const from = useStudio((s) => s.connecting);
  const node = useStudio((s) => (s.connecting ? s.document.nodes.get(s.connecting) : undefined));
  const nodes = useStudio((s) => s.document.nodes);
  if (!from || !node) return null;
  const close = () => {
    set({ connecting: undefined });
    getView()?.focus(from);
  };
  const wanted = possibleConnections(from);
  const manyPorts = kindOf(node.data.type).ports(node.data).length > 1;
  const place = getView()?.toScreen({ x: node.position.x + 200, y: node.position.y }) ?? { x: 100, y: 100 };
  return (
    <Popover at={place} className="st-palette" label={t("connect.label", { title: node.data.title })} onClose={close} onKeyDown={(e) => moveFocus(e, ".st-option")}>
      <div className="st-palette-group">{t("connect.label", { title: node.data.title })}</div>
      <div className="st-palette-list">
        {wanted.length === 0 ? <div className="st-empty" role="status">{t("connect.none")}</div> : null}
        {wanted.map((w, i) => {
          const target = nodes.get(w.target);
          const kind = kindOf(target?.data.type ?? "");
          return (
            <button
              key={`${w.sourceHandle}-${w.target}`}
              type="button"
              className="st-option"
              autoFocus={i === 0}
              onClick={() => {
                connect(w);
                close();
              }}
            >
              <span className={`st-tile sm st-cat-${kind.category}`}>
                <kind.icon size={12} strokeWidth={2} aria-hidden />
              </span>
              <span className="st-grow st-clip">{target?.data.title}</span>
              {manyPorts ? <span className="st-badge">{t(`ports.${w.sourceHandle}`, { defaultValue: w.sourceHandle.slice(0, 8) })}</span> : null}
            </button>
          );
        })}
      </div>
    </Popover>
  );
}
