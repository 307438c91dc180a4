/** The app's form, before a chat or for a run. */

import { type DragEvent, type FormEvent, Fragment, lazy, type ReactNode, Suspense, useId, useRef, useState } from "react";
import { type Attachment, acceptOf, type Limits } from "../lib/files";
import type { Json } from "../lib/read";
import { PendingFiles } from "./Attachments";
import type { Carrier } from "./api";
import { type Field, type FormValues, inputsOf, type Problems, problemOfField, problemsOf, type Value } from "./form";
import { CircleAlert, Link, Upload } from "./icons";
import { filesOf, useUploads } from "./useUploads";
import { useSay } from "./words";

const LinkDialog = lazy(() => import("./LinkDialog"));

interface FormProps {
  readonly fields: readonly Field[];
  readonly start: FormValues;
  readonly api: Carrier;
  readonly limits: Limits;
  readonly submit: string;
  readonly busy?: boolean;
  /** Several ways to send instead of one. */
  readonly actions?: readonly { readonly id: string; readonly title: string; readonly primary: boolean }[];
  readonly before?: (variable: string) => ReactNode;
  readonly after?: ReactNode;
  readonly onSubmit: (inputs: Json, action?: string) => void;
}

export default function InputForm({ fields, start, api, limits, submit, busy = false, actions = [], before, after, onSubmit }: FormProps): ReactNode {
  const [values, setValues] = useState(start);
  const [problems, setProblems] = useState<Problems>({});
  const form = useRef<HTMLFormElement>(null);
  const shown = fields.filter((field) => !field.hidden);

  const check = (field: Field, value: Value | undefined): void => {
    const { [field.variable]: _, ...others } = problems;
    const problem = problemOfField(field, value);
    setProblems(problem ? { ...others, [field.variable]: problem } : others);
  };
  const change = (field: Field, value: Value): void => {
    setValues((now) => ({ ...now, [field.variable]: value }));
    // A field that is red is checked with every key, another one when it is left.
    if (problems[field.variable]) check(field, value);
  };
  const send = (event: FormEvent): void => {
    event.preventDefault();
    if (busy) return;
    const found = problemsOf(fields, values);
    setProblems(found);
    const first = shown.find((field) => found[field.variable]);
    if (first) form.current?.querySelector<HTMLElement>(`[data-field="${CSS.escape(first.variable)}"]`)?.focus();
    else {
      const { submitter } = event.nativeEvent instanceof SubmitEvent ? event.nativeEvent : { submitter: null };
      const action = submitter instanceof HTMLButtonElement ? submitter.value : "";
      onSubmit(inputsOf(fields, values), action || actions[0]?.id);
    }
  };

  return (
    <form ref={form} className="form" onSubmit={send} noValidate>
      {shown.map((field) => (
        <Fragment key={field.variable}>
          {before?.(field.variable)}
          <Row
            field={field}
            value={values[field.variable]}
            problem={problems[field.variable]}
            api={api}
            limits={limits}
            onChange={(value) => change(field, value)}
            onFiles={(next) => setValues((now) => ({ ...now, [field.variable]: next(asFiles(now[field.variable])) }))}
            onBlur={() => check(field, values[field.variable])}
          />
        </Fragment>
      ))}
      {after}
      {actions.length === 0 ? (
        <button type="submit" className="button primary large" disabled={busy}>
          {submit}
        </button>
      ) : (
        <div className="form-actions">
          {actions.map((action) => (
            <button key={action.id} type="submit" name="action" value={action.id} className={`button large${action.primary ? " primary" : ""}`} disabled={busy}>
              {action.title}
            </button>
          ))}
        </div>
      )}
    </form>
  );
}

const asFiles = (value: Value | undefined): readonly Attachment[] => (typeof value === "object" ? value : []);

interface RowProps {
  readonly field: Field;
  readonly value: Value | undefined;
  readonly problem: Problems[string] | undefined;
  readonly api: Carrier;
  readonly limits: Limits;
  readonly onChange: (value: Value) => void;
  readonly onFiles: (next: (files: readonly Attachment[]) => readonly Attachment[]) => void;
  readonly onBlur: () => void;
}

function Row(props: RowProps): ReactNode {
  const { field, value, problem } = props;
  const say = useSay();
  const id = useId();
  const note = problem ? `${id}-problem` : undefined;
  const error = problem && (
    <span className="error" id={note}>
      <CircleAlert size={14} />
      {say(problem.key, problem.values)}
    </span>
  );
  if (field.type === "checkbox") {
    return (
      <label className="check">
        <input type="checkbox" data-field={field.variable} checked={value === true} onChange={(event) => props.onChange(event.target.checked)} />
        <span>{field.label}</span>
      </label>
    );
  }
  const isFile = field.type === "file" || field.type === "file-list";
  const label = (
    <>
      {field.label}
      {!field.required && <span className="optional">{say("form.optional")}</span>}
    </>
  );
  if (isFile) {
    return (
      <fieldset className="field" aria-describedby={note}>
        <legend className="label">{label}</legend>
        <FileRow {...props} />
        {error}
      </fieldset>
    );
  }
  return (
    <div className="field">
      <label className="label" htmlFor={id}>
        {label}
      </label>
      <Control {...props} id={id} note={note} />
      {error}
    </div>
  );
}

function Control({ field, value, problem, onChange, onBlur, id, note }: RowProps & { id: string; note: string | undefined }): ReactNode {
  const say = useSay();
  const shared = {
    id,
    "data-field": field.variable,
    "aria-invalid": problem !== undefined,
    "aria-required": field.required,
    "aria-describedby": note,
    value: typeof value === "string" ? value : "",
    onBlur,
    onChange: (event: { target: { value: string } }) => onChange(event.target.value),
  };
  if (field.type === "paragraph") return <textarea {...shared} rows={4} placeholder={field.placeholder} />;
  if (field.type === "json_object") return <textarea {...shared} rows={6} className="mono" spellCheck={false} placeholder={field.placeholder || "{ }"} />;
  if (field.type === "select") {
    return (
      <select {...shared}>
        <option value="">{say("form.pick")}</option>
        {field.options.map((option) => (
          <option key={option} value={option}>
            {option}
          </option>
        ))}
      </select>
    );
  }
  const input = (
    <input {...shared} type="text" inputMode={field.type === "number" ? "decimal" : undefined} placeholder={field.placeholder} autoComplete="off" />
  );
  if (!field.unit) return input;
  return (
    <span className="with-unit">
      {input}
      <span>{field.unit}</span>
    </span>
  );
}

function FileRow({ field, value, api, limits, onFiles }: RowProps): ReactNode {
  const say = useSay();
  const picker = useRef<HTMLInputElement>(null);
  const [refused, setRefused] = useState<string | null>(null);
  const [isOver, setOver] = useState(false);
  const [asksLink, setAsksLink] = useState(false);
  const files = asFiles(value);
  const rules = field.upload;
  const uploads = useUploads(api, rules, limits, files, onFiles, setRefused);
  if (!rules) return null;
  const add = (chosen: readonly File[]): void => {
    setRefused(null);
    uploads.add(chosen);
  };
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    setOver(false);
    add(filesOf(event.dataTransfer));
  };
  const isFull = files.length >= rules.most;
  return (
    <>
      {!isFull && (
        // biome-ignore lint/a11y/noStaticElementInteractions: dropping is the short way; the buttons inside do the same
        <div
          className={isOver ? "drop over" : "drop"}
          onDragOver={(event) => {
            event.preventDefault();
            setOver(true);
          }}
          onDragLeave={() => setOver(false)}
          onDrop={drop}
        >
          {rules.local && (
            <button type="button" className="button" data-field={field.variable} onClick={() => picker.current?.click()}>
              <Upload size={16} />
              {say("files.choose")}
            </button>
          )}
          {rules.remote && (
            <button type="button" className="button" data-field={rules.local ? undefined : field.variable} onClick={() => setAsksLink(true)}>
              <Link size={16} />
              {say("files.addLink")}
            </button>
          )}
          {rules.local && <span className="hint">{say("files.dropHere")}</span>}
        </div>
      )}
      <input
        ref={picker}
        type="file"
        hidden
        accept={acceptOf(rules)}
        multiple={rules.most > 1}
        onChange={(event) => {
          add([...(event.target.files ?? [])]);
          event.target.value = "";
        }}
      />
      <PendingFiles files={files} uploads={uploads} />
      {refused && (
        <span className="error" role="alert">
          <CircleAlert size={14} />
          {refused}
        </span>
      )}
      {asksLink && (
        <Suspense>
          <LinkDialog onAdd={uploads.addLink} onClose={() => setAsksLink(false)} />
        </Suspense>
      )}
    </>
  );
}
