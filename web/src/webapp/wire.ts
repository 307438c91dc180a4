/** The server's answers as the page uses them. */
import { type Limits, limitsFrom, rulesFrom, type UploadRules } from "../lib/files";
import { flag, isRecord, type Json, list, number, record, text, texts } from "../lib/read";
import { type Field, fieldsFrom } from "./form";

export interface Site {
  readonly title: string;
  readonly description: string;
  readonly icon: string | null;
  readonly iconUrl: string | null;
  readonly iconBackground: string | null;
  readonly copyright: string;
  readonly privacyPolicy: string;
  readonly disclaimer: string;
  readonly language: string | null;
  readonly showSteps: boolean;
  readonly iconOnAnswers: boolean;
  readonly mode: string | null;
  /** The site's own accent, `#rrggbb`. */
  readonly colour: string | null;
  /** The bar on top has that colour too. */
  readonly colourOnBar: boolean;
}

export interface Parameters {
  readonly opening: string;
  readonly questions: readonly string[];
  readonly suggestsAfter: boolean;
  readonly moreLikeThis: boolean;
  /** Speech is taken in place of typing. */
  readonly listens: boolean;
  /** Answers are read aloud. */
  readonly speaks: boolean;
  readonly fields: readonly Field[];
  readonly upload: UploadRules | null;
  readonly limits: Limits;
}

export interface Conversation {
  readonly id: string;
  readonly name: string;
  readonly inputs: Json;
  readonly introduction: string;
  readonly updatedAt: number;
}

/** One retrieved chunk that an answer rests on. */
export interface Source {
  readonly position: number;
  readonly document: string;
  readonly knowledge: string;
  readonly content: string;
  readonly score: number | null;
  /** From 1; nothing where the document has none. */
  readonly page: number | null;
}

export function siteFrom(body: Json): Site {
  const site = record(body.site);
  const icon = text(site.icon);
  return {
    title: text(site.title),
    description: text(site.description),
    // Old exports name an emoji by a word; only the sign itself can be drawn.
    icon: site.icon_type !== "image" && icon !== "" && !/^[\w+-]+$/.test(icon) ? icon : null,
    iconUrl: site.icon_type === "image" ? text(site.icon_url) || null : null,
    iconBackground: /^#[0-9a-f]{3,8}$/i.test(text(site.icon_background)) ? text(site.icon_background) : null,
    copyright: text(site.copyright),
    privacyPolicy: text(site.privacy_policy),
    disclaimer: text(site.custom_disclaimer),
    language: text(site.default_language) || null,
    showSteps: flag(site.show_workflow_steps),
    iconOnAnswers: flag(site.use_icon_as_answer_icon),
    mode: text(body.mode) || null,
    colour: text(site.chat_color_theme) || null,
    colourOnBar: flag(site.chat_color_theme_inverted),
  };
}

export function parametersFrom(body: Json): Parameters {
  return {
    opening: text(body.opening_statement),
    questions: texts(body.suggested_questions).filter((question) => question.trim() !== ""),
    suggestsAfter: flag(record(body.suggested_questions_after_answer).enabled),
    moreLikeThis: flag(record(body.more_like_this).enabled),
    listens: flag(record(body.speech_to_text).enabled),
    speaks: flag(record(body.text_to_speech).enabled),
    fields: fieldsFrom(list(body.user_input_form)),
    upload: rulesFrom(body.file_upload),
    limits: limitsFrom(body),
  };
}

export function conversationFrom(value: unknown): Conversation {
  const item = record(value);
  return {
    id: text(item.id),
    name: text(item.name).trim(),
    inputs: record(item.inputs),
    introduction: text(item.introduction),
    updatedAt: number(item.updated_at),
  };
}

export function sourcesFrom(value: unknown): Source[] {
  return list(value)
    .filter(isRecord)
    .map((item, index) => ({
      position: number(item.position, index + 1),
      document: text(item.document_name) || text(item.title),
      knowledge: text(item.dataset_name),
      content: text(item.content),
      score: typeof item.score === "number" ? item.score : null,
      page: typeof item.page === "number" ? item.page + 1 : null,
    }));
}

/** The opening statement with the form's values in its `{{name}}` places. */
export function filled(statement: string, inputs: Json): string {
  return statement.replace(/\{\{\s*([\w-]+)\s*\}\}/g, (whole, name: string) => {
    const value = inputs[name];
    return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : whole;
  });
}
