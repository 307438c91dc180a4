/** Which model writes: that of the app or node, the default one, or any other that is connected. */
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import type { Writer } from "../../data/generate";
import { modelsOfType, sameProvider } from "../../data/models";
import { inLanguage } from "../../lib/format";
import { Select, type SelectOption } from "../../ui/Select";

const DEFAULT = "default";
const keyOf = (writer: Writer) => `${writer.provider} ${writer.name}`;

interface Props {
  /** That of the app or the node. */
  readonly own: Writer | undefined;
  readonly value: Writer | undefined;
  readonly disabled: boolean;
  readonly onChange: (value: Writer | undefined) => void;
  /** Of the field around it. */
  readonly id?: string;
}

export function WriterSelect({ own, value, disabled, onChange, ...field }: Props) {
  const { t, i18n } = useTranslation("generate");
  const groups = useQuery(modelsOfType("llm")).data?.data ?? [];
  const writers = new Map<string, Writer>(own ? [[keyOf(own), own]] : []);
  const options: SelectOption[] = [
    ...(own ? [{ value: keyOf(own), label: own.name, hint: t("writer.own") }] : []),
    { value: DEFAULT, label: t("writer.default") },
  ];
  for (const group of groups) {
    for (const { model, model_properties, status } of group.models) {
      if (status !== "active" || (own?.name === model && sameProvider(group.provider, own.provider))) continue;
      const writer = { provider: group.provider, name: model, mode: model_properties.mode ?? "chat" };
      writers.set(keyOf(writer), writer);
      options.push({ value: keyOf(writer), label: model, hint: inLanguage(group.label, i18n.language) || group.provider });
    }
  }
  return (
    <Select
      {...field}
      value={value ? keyOf(value) : DEFAULT}
      options={options}
      disabled={disabled}
      onChange={(key) => onChange(key === DEFAULT ? undefined : writers.get(key))}
    />
  );
}
