//! `file`: files in the run's own space, which end with the run's record; `file_give` makes one a file of the answer.

use bytes::Bytes;
use ox_nodes::CallMessage;
use serde_json::{Map, json};

use super::show;
use crate::{
    Call, Parameter, Provider, Tool,
    space::{self, Space},
    spec::{Run, Said},
};

/// Characters of a file that are read at once, and at most.
const USUAL: u32 = 20_000;
const MOST: u32 = 200_000;
const NAME: Parameter =
    Parameter::text("name", ("Name", "文件名"), "Name of the file, like report.md or data/rows.csv").needed();

pub const PROVIDER: Provider = Provider {
    name: "file",
    label: ("Files of the Run", "运行文件"),
    description: (
        "Writes and reads files in the run's own space, and gives them out with the answer.",
        "在本次运行的空间中读写文件，并可随回答一并给出。",
    ),
    icon: concat!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="6" fill="#b45309"/>"##,
        r##"<path d="M8 5.500h5l3.500 3.500v9.500H8zM13 5.500V9h3.500M10 12.500h4.500M10 15.500h4.500" fill="none" stroke="#fff" stroke-width="1.500" stroke-linejoin="round" stroke-linecap="round"/></svg>"##
    ),
    labels: &["utilities", "productivity"],
    form: &[],
    trial: None,
    tools: &[
        Tool {
            name: "file_write",
            label: ("Write File", "写入文件"),
            description: ("Writes a text into a file of the run.", "将文本写入本次运行的文件。"),
            for_model: "Writes a text into a file of this run, which only this run's tools see. An existing file is \
                        replaced, or added to. Nobody is given the file; call file_give for that.",
            parameters: &[
                NAME,
                Parameter::text("content", ("Content", "内容"), "Text to write; may be empty"),
                Parameter::select(
                    "mode",
                    ("Mode", "方式"),
                    "replace",
                    &[("replace", ("Replace", "覆盖")), ("append", ("Append", "追加"))],
                )
                .asked("replace the file, or append to its end"),
            ],
            run: Run::Calls(|call| Box::pin(write(call))),
        },
        Tool {
            name: "file_read",
            label: ("Read File", "读取文件"),
            description: ("Reads a file of the run.", "读取本次运行的文件。"),
            for_model: "Reads the text of a file of this run. Long files come in parts: go on at next_offset.",
            parameters: &[
                NAME,
                Parameter::number("offset", ("From character", "起始字符"), "Character to begin at, 0 at first")
                    .or("0"),
                Parameter::number("length", ("Most characters", "最多字符"), "Most characters to read")
                    .or("20000")
                    .within(1.0, 200_000.0),
            ],
            run: Run::Calls(|call| Box::pin(read(call))),
        },
        Tool {
            name: "file_list",
            label: ("List Files", "列出文件"),
            description: ("Lists the files of the run.", "列出本次运行的文件。"),
            for_model: "Lists the files of this run with their sizes in bytes.",
            parameters: &[],
            run: Run::Calls(|call| Box::pin(list(call))),
        },
        Tool {
            name: "file_delete",
            label: ("Delete File", "删除文件"),
            description: ("Deletes a file of the run.", "删除本次运行的文件。"),
            for_model: "Deletes a file of this run.",
            parameters: &[NAME],
            run: Run::Calls(|call| Box::pin(delete(call))),
        },
        Tool {
            name: "file_give",
            label: ("Give File Out", "给出文件"),
            description: (
                "Gives a file of the run out as a file of the answer.",
                "将本次运行的文件作为回答的文件给出。",
            ),
            for_model: "Gives a file of this run to the user, as a file of the answer.",
            parameters: &[NAME],
            run: Run::Calls(|call| Box::pin(give(call))),
        },
    ],
};

fn space(call: &Call) -> Result<&Space, String> {
    call.world.space.as_ref().ok_or_else(|| "Files are kept for a run, and this call belongs to none.".to_owned())
}

fn name(call: &Call) -> Result<String, String> {
    space::checked(&call.arguments.required("name")?)
}

/// A file's bytes, which must be there.
async fn bytes_of(call: &Call, name: &str) -> Result<Bytes, String> {
    let Space { port, run } = space(call)?;
    let found = port.read(run, name).await?;
    found.ok_or_else(|| format!("This run has no file '{name}'; file_list tells which it has."))
}

async fn write(call: &Call) -> Said {
    let (name, Space { port, run }) = (name(call)?, space(call)?);
    let append = match call.arguments.get("mode").as_deref() {
        None | Some("replace") => false,
        Some("append") => true,
        Some(other) => return Err(format!("mode is replace or append, not '{other}'.")),
    };
    // White space is content, too.
    let content = match call.arguments.value("content") {
        None => String::new(),
        Some(value) => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
    };
    let size = port.write(run, &name, Bytes::from(content), append).await?;
    show(json!({"name": name, "size": size}))
}

async fn read(call: &Call) -> Said {
    let name = name(call)?;
    let offset = call.arguments.count("offset", 0, 0, u32::MAX)?;
    let length = call.arguments.count("length", USUAL, 1, MOST)?;
    let bytes = bytes_of(call, &name).await?;
    let text = std::str::from_utf8(&bytes).map_err(|_| format!("'{name}' is not text."))?;
    let (offset, length) =
        (usize::try_from(offset).unwrap_or(usize::MAX), usize::try_from(length).unwrap_or(usize::MAX));
    let mut rest = text.chars().skip(offset);
    let content: String = rest.by_ref().take(length).collect();
    let mut told = Map::new();
    told.insert("name".to_owned(), name.into());
    told.insert("content".to_owned(), content.into());
    if rest.next().is_some() {
        told.insert("next_offset".to_owned(), offset.saturating_add(length).into());
    }
    show(told.into())
}

async fn list(call: &Call) -> Said {
    let Space { port, run } = space(call)?;
    let files = port.list(run).await?;
    let rows: Vec<_> = files.into_iter().map(|file| json!({"name": file.name, "size": file.size})).collect();
    show(json!({"files": rows}))
}

async fn delete(call: &Call) -> Said {
    let (name, Space { port, run }) = (name(call)?, space(call)?);
    let deleted = port.remove(run, &name).await?;
    show(json!({"name": name, "deleted": deleted}))
}

async fn give(call: &Call) -> Said {
    let name = name(call)?;
    let bytes = bytes_of(call, &name).await?;
    let mime = mime_guess::from_path(&name).first_raw().unwrap_or("text/plain").to_owned();
    let filename = name.rsplit('/').next().map(str::to_owned);
    Ok(vec![CallMessage::Blob { bytes, mime, filename }])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ox_engine::{RunInfo, UserKind};
    use ox_types::{AppId, Json, RunId, TaskId, TenantId, WorkflowId};
    use serde_json::json;

    use super::*;
    use crate::{Arguments, World, space::MemorySpace};

    fn world(space: Option<Space>) -> World {
        ox_net::install_crypto_provider();
        World {
            egress: ox_net::Egress::new(ox_net::Policy::default()),
            code: Arc::new(ox_sandbox::Off::default()),
            code_limits: ox_sandbox::CodeLimits::default(),
            caller: ox_net::Caller::default(),
            databases: std::path::Path::new("").into(),
            space,
        }
    }

    fn run() -> RunInfo {
        RunInfo {
            run_id: RunId::new(),
            task_id: TaskId::new(),
            tenant_id: TenantId::new(),
            app_id: AppId::new(),
            workflow_id: WorkflowId::new(),
            conversation_id: None,
            user_id: "u".into(),
            user_kind: UserKind::EndUser,
            invoke_from: "debugger".into(),
            call_depth: 0,
        }
    }

    async fn said(space: Option<&Space>, tool: &str, parameters: Json) -> Said {
        let arguments = Arguments::new(parameters.as_object().cloned().unwrap_or_default(), Map::new());
        let call = Call { arguments, credentials: Map::new(), world: world(space.cloned()) };
        crate::builtin::invoke(PROVIDER.tool(tool).unwrap(), call).await
    }

    async fn told(space: &Space, tool: &str, parameters: Json) -> Result<Json, String> {
        match said(Some(space), tool, parameters).await?.pop() {
            Some(CallMessage::Json(json)) => Ok(json),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn files_of_a_run() {
        let port: Arc<dyn crate::space::SpacePort> = Arc::new(MemorySpace::default());
        let own = Space { port: Arc::clone(&port), run: run() };
        for (tool, parameters, expected) in [
            ("file_list", json!({}), json!({"files": []})),
            ("file_write", json!({"name": "a/b.csv", "content": "x,y\n"}), json!({"name": "a/b.csv", "size": 4})),
            (
                "file_write",
                json!({"name": "a/b.csv", "content": "1,你\n", "mode": "append"}),
                json!({"name": "a/b.csv", "size": 10}),
            ),
            ("file_read", json!({"name": "a/b.csv"}), json!({"name": "a/b.csv", "content": "x,y\n1,你\n"})),
            (
                "file_read",
                json!({"name": "a/b.csv", "offset": 4, "length": 3}),
                json!({"name": "a/b.csv", "content": "1,你", "next_offset": 7}),
            ),
            ("file_read", json!({"name": "a/b.csv", "offset": 99}), json!({"name": "a/b.csv", "content": ""})),
            ("file_write", json!({"name": "n", "content": {"a": 1}}), json!({"name": "n", "size": 7})),
            ("file_write", json!({"name": "n"}), json!({"name": "n", "size": 0})),
            ("file_list", json!({}), json!({"files": [{"name": "a/b.csv", "size": 10}, {"name": "n", "size": 0}]})),
            ("file_delete", json!({"name": "n"}), json!({"name": "n", "deleted": true})),
            ("file_delete", json!({"name": "n"}), json!({"name": "n", "deleted": false})),
        ] {
            assert_eq!(told(&own, tool, parameters.clone()).await.unwrap(), expected, "{tool} {parameters}");
        }
        let given = said(Some(&own), "file_give", json!({"name": "a/b.csv"})).await.unwrap();
        let [CallMessage::Blob { bytes, mime, filename: Some(name) }] = given.as_slice() else { panic!("{given:?}") };
        assert_eq!((bytes.len(), mime.as_str(), name.as_str()), (10, "text/csv", "b.csv"));
        // Another run sees nothing of it.
        let other = Space { port, run: run() };
        assert_eq!(told(&other, "file_list", json!({})).await.unwrap(), json!({"files": []}));
        let missing = told(&other, "file_read", json!({"name": "a/b.csv"})).await.unwrap_err();
        assert!(missing.starts_with("This run has no file 'a/b.csv'"), "{missing}");
    }

    #[tokio::test]
    async fn what_is_refused() {
        let own = Space { port: Arc::new(MemorySpace::default()), run: run() };
        for (tool, parameters, why) in [
            ("file_write", json!({"name": "../x", "content": "a"}), "'../x' is not a file name here"),
            ("file_write", json!({"content": "a"}), "tool parameter name not found"),
            ("file_write", json!({"name": "x", "mode": "insert"}), "mode is replace or append"),
            ("file_write", json!({"name": "x", "content": "a".repeat(space::MOST_BYTES + 1)}), "at most 10 MB"),
            ("file_give", json!({"name": "x"}), "This run has no file 'x'"),
        ] {
            let error = told(&own, tool, parameters).await.unwrap_err();
            assert!(error.contains(why), "{tool}: {error}");
        }
        let outside = said(None, "file_list", json!({})).await.unwrap_err();
        assert!(outside.contains("belongs to none"), "{outside}");
    }
}
