import { Ellipsis, Eye, LibraryBig, Pencil, Trash2 } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { IconInfo, Template } from "../../data/pipelines";
import { IconButton } from "../../ui/Button";
import { Badge, Tile } from "../../ui/Marks";
import { Menu } from "../../ui/Menu";

/** An emoji, or the sign of knowledge where there is a picture or none. */
export function TemplateTile({ icon }: { icon: IconInfo | null | undefined }) {
  const emoji = icon?.icon_type === "emoji" ? icon.icon : undefined;
  return (
    <Tile cat="knowledge" size="lg">
      {emoji ? <span>{emoji}</span> : <LibraryBig size={16} strokeWidth={1.9} aria-hidden />}
    </Tile>
  );
}

interface Props {
  readonly template: Template;
  /** It is the workspace's: it can be renamed and deleted. */
  readonly own: boolean;
  readonly onDo: (what: "preview" | "rename" | "delete") => void;
}

export function TemplateCard({ template, own, onDo }: Props) {
  const { t } = useTranslation("pipelines");
  const { t: k } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the name is a button for the keyboard
    <li className="card appcard" style={{ minHeight: 148 }} onClick={() => onDo("preview")}>
      <div className="flex items-start gap-3">
        <TemplateTile icon={template.icon} />
        <button
          type="button"
          className="flex-1 min-w-0 text-start font-semibold truncate pt-1.5"
          onClick={(event) => {
            event.stopPropagation();
            onDo("preview");
          }}
        >
          {template.name}
        </button>
        {own ? (
          <Menu
            entries={[
              { key: "preview", label: t("template.preview"), icon: Eye, onSelect: () => onDo("preview") },
              { key: "rename", label: t("template.edit"), icon: Pencil, onSelect: () => onDo("rename") },
              { key: "line", line: true },
              { key: "delete", label: c("common.delete"), icon: Trash2, tone: "bad", onSelect: () => onDo("delete") },
            ]}
            trigger={<IconButton size="sm" icon={Ellipsis} label={t("template.menu", { name: template.name })} onClick={(event) => event.stopPropagation()} />}
          />
        ) : null}
      </div>
      <p className="text-12 text-ink-2 appcard-text">{template.description}</p>
      <div className="flex gap-1 flex-wrap mt-auto">
        {template.chunk_structure ? <Badge>{k(`forms.${template.chunk_structure}`)}</Badge> : null}
        {template.copyright ? <span className="text-11 text-ink-3 truncate">{template.copyright}</span> : null}
      </div>
    </li>
  );
}
