/** Takes the last run into the instruction, in the server's words. */
import { useMutation } from "@tanstack/react-query";
import { History } from "lucide-react";
import { useTranslation } from "react-i18next";
import { generateTemplate } from "../../data/generate";
import { messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";

interface Props {
  readonly kind: "prompt" | "code";
  readonly onText: (text: string) => void;
}

export function Beginning({ kind, onText }: Props) {
  const { t } = useTranslation("generate");
  const fetched = useMutation({ mutationFn: () => generateTemplate(kind), onSuccess: ({ data }) => onText(data) });
  return (
    <div className="flex items-center gap-2 flex-wrap">
      <Button size="sm" kind="quiet" icon={History} busy={fetched.isPending} onClick={() => fetched.mutate()}>
        {t(`begin.${kind}`)}
      </Button>
      {fetched.error ? (
        <span className="wrong" role="alert">
          {messageOf(fetched.error)}
        </span>
      ) : null}
    </div>
  );
}
