//! Blocks of pages and rows of databases, as text.

use futures::{FutureExt as _, future::BoxFuture};
use ox_types::Json;
use serde_json::{Map, json};

use super::{
    super::{Key, wire::text},
    PAGE, call,
};
use crate::{Error, Result, Services};

/// Calls for one page.
const MAX_CALLS: usize = 1000;
const MAX_DEPTH: usize = 12;

/// The text of a page.
pub(super) async fn page(services: &Services, key: &Key, id: &str) -> Result<String> {
    let mut calls = MAX_CALLS;
    Ok(children(services, key, id.to_owned(), 0, &mut calls).await?.join("\n\n"))
}

async fn part(services: &Services, key: &Key, path: &str, body: Option<Json>, calls: &mut usize) -> Result<Json> {
    *calls = calls.checked_sub(1).ok_or_else(|| {
        Error::invalid(format!("The Notion page has so many nested blocks that it takes more than {MAX_CALLS} calls."))
    })?;
    call(services, key, path, body).json(services).await
}

/// All blocks under one, page by page.
async fn listed(services: &Services, key: &Key, id: &str, calls: &mut usize) -> Result<Vec<Json>> {
    let mut out = Vec::new();
    let mut cursor = String::new();
    loop {
        let mut answer =
            part(services, key, &format!("blocks/{id}/children?page_size={PAGE}{cursor}"), None, calls).await?;
        if let Some(Json::Array(found)) = answer.get_mut("results").map(Json::take) {
            out.extend(found);
        }
        let Some(next) = answer.get("next_cursor").and_then(Json::as_str) else { return Ok(out) };
        let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
        cursor = format!("&start_cursor={next}");
    }
}

/// The texts of the blocks under one; those of theirs are indented.
fn children<'a>(
    services: &'a Services,
    key: &'a Key,
    id: String,
    depth: usize,
    calls: &'a mut usize,
) -> BoxFuture<'a, Result<Vec<String>>> {
    async move {
        let mut out = Vec::new();
        for block in listed(services, key, &id, calls).await? {
            let kind = text(&block, "type");
            let (own, has_more) = (text(&block, "id"), block.get("has_children").and_then(Json::as_bool) == Some(true));
            if kind == "table" {
                out.push(table(&listed(services, key, &own, calls).await?));
                continue;
            }
            let line = told(&block, &kind);
            if !line.is_empty() {
                out.push(line);
            }
            if has_more && depth < MAX_DEPTH && !["child_page", "child_database"].contains(&kind.as_str()) {
                let under = children(services, key, own, depth + 1, calls).await?;
                out.extend(under.into_iter().map(|text| indented(&text)));
            }
        }
        Ok(out)
    }
    .boxed()
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("\t{line}")).collect::<Vec<_>>().join("\n")
}

fn plain(list: Option<&Json>) -> String {
    list.and_then(Json::as_array).into_iter().flatten().map(|part| text(part, "plain_text")).collect()
}

/// The text of one block.
fn told(block: &Json, kind: &str) -> String {
    let Some(content) = block.get(kind) else { return String::new() };
    let words = plain(content.get("rich_text").or_else(|| content.get("text")));
    let mark = match kind {
        "heading_1" => "# ",
        "heading_2" => "## ",
        "heading_3" => "### ",
        _ => "",
    };
    if words.is_empty() { words } else { format!("{mark}{words}") }
}

/// A table of its rows.
fn table(rows: &[Json]) -> String {
    let mut lines = Vec::with_capacity(rows.len() + 1);
    for (index, row) in rows.iter().enumerate() {
        let cells = row.pointer("/table_row/cells").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
        let cells: Vec<String> =
            cells.iter().map(|cell| plain(Some(cell)).replace('|', "\\|").replace('\n', " ")).collect();
        lines.push(format!("| {} |", cells.join(" | ")));
        if index == 0 {
            lines.push(format!("|{}", " --- |".repeat(cells.len())));
        }
    }
    lines.join("\n")
}

/// The rows of a database, a paragraph each.
pub(super) async fn database(services: &Services, key: &Key, id: &str) -> Result<String> {
    let mut calls = MAX_CALLS;
    let mut out = Vec::new();
    let mut body = json!({"page_size": PAGE});
    loop {
        let answer = part(services, key, &format!("databases/{id}/query"), Some(body), &mut calls).await?;
        let rows = answer.get("results").and_then(Json::as_array);
        out.extend(rows.into_iter().flatten().map(row));
        let Some(next) = answer.get("next_cursor").and_then(Json::as_str) else { break };
        body = json!({"page_size": PAGE, "start_cursor": next});
    }
    Ok(out.join("\n\n"))
}

fn row(json: &Json) -> String {
    let empty = Map::new();
    let properties = json.get("properties").and_then(Json::as_object).unwrap_or(&empty);
    let mut lines: Vec<String> = properties
        .iter()
        .filter_map(|(name, property)| Some(format!("{name}:{}", value(property).filter(|text| !text.is_empty())?)))
        .collect();
    lines.sort();
    lines.push(format!("Row Page URL:{}", text(json, "url")));
    lines.join("\n")
}

fn value(property: &Json) -> Option<String> {
    let kind = property.get("type")?.as_str()?;
    let inner = property.get(kind)?;
    let names = |list: &Json| -> String {
        let all = list.as_array().into_iter().flatten().map(|one| text(one, "name"));
        all.filter(|name| !name.is_empty()).collect::<Vec<_>>().join(", ")
    };
    Some(match (kind, inner) {
        ("multi_select" | "people", list) => names(list),
        ("select" | "status" | "created_by" | "last_edited_by", one) => text(one, "name"),
        ("title" | "rich_text", list) => plain(Some(list)),
        ("date", one) => {
            let (start, end) = (text(one, "start"), text(one, "end"));
            if end.is_empty() { start } else { format!("{start} - {end}") }
        }
        ("formula", one) => value(one)?,
        (_, Json::String(text)) => text.clone(),
        (_, Json::Number(number)) => number.to_string(),
        (_, Json::Bool(flag)) => flag.to_string(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Json {
        json!([{"plain_text": text}])
    }

    #[test]
    fn blocks_become_lines() {
        let block = |kind: &str| json!({"type": kind, kind: {"rich_text": words("Owls")}});
        for (kind, expected) in
            [("heading_1", "# Owls"), ("heading_3", "### Owls"), ("paragraph", "Owls"), ("to_do", "Owls")]
        {
            assert_eq!(told(&block(kind), kind), expected);
        }
        assert_eq!(told(&json!({"type": "divider", "divider": {}}), "divider"), "");
        assert_eq!(indented("a\nb"), "\ta\n\tb");
        let rows = [
            json!({"table_row": {"cells": [words("a"), words("b|c")]}}),
            json!({"table_row": {"cells": [words("1"), words("2")]}}),
        ];
        assert_eq!(table(&rows), "| a | b\\|c |\n| --- | --- |\n| 1 | 2 |");
    }

    #[test]
    fn rows_tell_their_properties_in_order() {
        let json = json!({"url": "https://n/1", "properties": {
            "Name": {"type": "title", "title": words("Owl")},
            "Age": {"type": "number", "number": 3},
            "Tags": {"type": "multi_select", "multi_select": [{"name": "a"}, {"name": "b"}]},
            "State": {"type": "status", "status": {"name": "Done"}},
            "Day": {"type": "date", "date": {"start": "2026-01-02", "end": null}},
            "Sum": {"type": "formula", "formula": {"type": "string", "string": "x"}},
            "None": {"type": "select", "select": null},
        }});
        assert_eq!(
            row(&json),
            "Age:3\nDay:2026-01-02\nName:Owl\nState:Done\nSum:x\nTags:a, b\nRow Page URL:https://n/1"
        );
    }
}
