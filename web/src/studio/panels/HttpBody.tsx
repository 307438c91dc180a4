import { Plus, Trash2 } from "lucide-react";
import { useTranslation } from "react-i18next";
import { PromptEditor } from "../editors/PromptEditor";
import { VariableField } from "../editors/VariableField";
import { BODY_TYPES, type BodyItem, type HttpData } from "../nodes/http-request";
import type { PanelProps } from "../nodes/kind";
import { Button, IconButton, SelectField } from "../parts/controls";

const FILES = ["file", "array[file]"];
const EMPTY: BodyItem = { type: "text", key: "", value: "", file: [] };

export function HttpBody({ id, data, update }: PanelProps<HttpData>) {
  const { t } = useTranslation("studio");
  const body = data.body ?? { type: "none", data: [] };
  const write = (items: readonly BodyItem[]) => update({ body: { ...body, data: [...items] } });
  const choose = (type: string) => {
    const single = ["json", "raw-text"].includes(type);
    const text = body.data.find((i) => i.value)?.value ?? "";
    const items: BodyItem[] = single ? [{ ...EMPTY, value: text }] : type === "binary" ? [{ ...EMPTY, type: "file" }] : type === "none" ? [] : body.data;
    update({ body: { ...body, type, data: items } });
  };
  const first = body.data[0] ?? EMPTY;
  const form = body.type === "form-data" || body.type === "x-www-form-urlencoded";
  return (
    <section className="st-section">
      <SelectField label={t("http.body")} value={body.type} options={BODY_TYPES.map((b) => ({ value: b, label: t(`http.bodies.${b}`) }))} onChange={choose} />
      {body.type === "json" || body.type === "raw-text" ? (
        <div className="st-box">
          <PromptEditor node={id} label={t("http.body")} placeholder={body.type === "json" ? '{ "name": "value" }' : ""} value={first.value} onChange={(value) => write([{ ...first, type: "text", value }])} />
        </div>
      ) : null}
      {body.type === "binary" ? <VariableField node={id} label={t("http.file")} types={FILES} value={first.file} onChange={(file) => write([{ ...first, type: "file", file }])} /> : null}
      {form ? <FormRows id={id} items={body.data} files={body.type === "form-data"} write={write} /> : null}
    </section>
  );
}

interface RowsProps {
  readonly id: string;
  readonly items: readonly BodyItem[];
  readonly files: boolean;
  readonly write: (items: readonly BodyItem[]) => void;
}

function FormRows({ id, items, files, write }: RowsProps) {
  const { t } = useTranslation("studio");
  return (
    <div className="st-col">
      {items.map((item, i) => {
        const put = (patch: Partial<BodyItem>) => write(items.map((x, j) => (j === i ? { ...x, ...patch } : x)));
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: the rows have no identity but their place
          <div className="st-col" key={i}>
            <div className="st-row">
              <div className="st-box st-grow">
                <PromptEditor single node={id} label={t("http.keyOf", { title: t("http.body"), number: i + 1 })} placeholder={t("http.newKey")} value={item.key} onChange={(key) => put({ key })} />
              </div>
              {files ? <SelectField label={t("http.itemType")} hideLabel value={item.type} options={[{ value: "text", label: t("types.string") }, { value: "file", label: t("types.file") }]} onChange={(type) => put({ type })} /> : null}
              <IconButton label={t("inputs.remove", { name: item.key })} icon={Trash2} onClick={() => write(items.filter((_, j) => j !== i))} />
            </div>
            {item.type === "file" ? (
              <VariableField node={id} label={t("http.file")} types={FILES} value={item.file} onChange={(file) => put({ file })} />
            ) : (
              <div className="st-box">
                <PromptEditor single node={id} label={t("http.valueOf", { title: t("http.body"), number: i + 1 })} value={item.value} onChange={(value) => put({ value })} />
              </div>
            )}
          </div>
        );
      })}
      <Button size="sm" look="quiet" icon={Plus} onClick={() => write([...items, EMPTY])}>
        {t("common.add")}
      </Button>
    </div>
  );
}
