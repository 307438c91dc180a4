//! A session with a server, however it is reached: its tools, calls.

use std::{sync::Arc, time::Duration};

use ox_net::Egress;
use ox_nodes::CallMessage;
use ox_types::{Json, boxed};
use serde_json::{Map, json};

use super::{
    Error, MAX_TOOLS, McpTool, Server, VERSIONS, content,
    http::Http,
    stdio::{Program, Programs, Running},
};

/// What a client says once it knows the server.
pub const INITIALIZED: &str = "notifications/initialized";

/// What a tool said.
#[derive(Debug)]
pub struct Called {
    pub messages: Vec<CallMessage>,
    /// It tells of an error; `text` says which.
    pub is_error: bool,
    pub text: String,
}

/// How the server is spoken to.
enum Way {
    Http(Box<Http>),
    /// A program that other sessions may speak to at the same time.
    Program(Arc<Running>),
}

/// An open session.
pub struct Session {
    way: Way,
    timeout: Duration,
    read_timeout: Duration,
    /// What the server says about itself.
    pub about: Json,
}

/// The first thing a client says.
pub fn hello() -> Json {
    json!({
        "protocolVersion": VERSIONS.first(), "capabilities": {},
        "clientInfo": {"name": "Oxidify", "version": env!("CARGO_PKG_VERSION")},
    })
}

/// The protocol version that a server answers with.
pub fn agreed(answer: &Json) -> Result<String, Error> {
    let version = answer["protocolVersion"].as_str().unwrap_or_default().to_owned();
    if VERSIONS.contains(&version.as_str()) {
        return Ok(version);
    }
    Err(Error::Protocol(format!("it speaks the protocol version '{version}', which is not known here")))
}

/// The answer to what a server asks itself.
pub fn reply(id: &Json, method: &str) -> Json {
    if method == "ping" {
        return json!({"jsonrpc": "2.0", "id": id, "result": {}});
    }
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32601, "message": format!("Method not found: {method}")}})
}

impl Session {
    /// Opens a session by HTTP, in the newer way or the older, whichever the server speaks.
    ///
    /// # Errors
    /// When it cannot be reached, wants a sign-in, or is no MCP server.
    #[boxed]
    pub async fn open(egress: &Egress, server: &Server) -> Result<Self, Error> {
        let mut http = Http::open(egress, server).await?;
        let about = std::mem::take(&mut http.about);
        let (timeout, read_timeout) = (server.timeout, server.read_timeout);
        Ok(Self { way: Way::Http(Box::new(http)), timeout, read_timeout, about })
    }

    /// Opens a session with a program, which is started unless it runs already.
    ///
    /// # Errors
    /// When it cannot be started, or is no MCP server.
    #[boxed]
    pub async fn start(
        programs: &Programs,
        program: &Program,
        timeout: Duration,
        read_timeout: Duration,
    ) -> Result<Self, Error> {
        let running = programs.get(program, timeout).await?;
        let about = running.about.clone();
        Ok(Self { way: Way::Program(running), timeout, read_timeout, about })
    }

    async fn ask(&mut self, method: &str, params: &Json, wait: Duration) -> Result<Json, Error> {
        match &mut self.way {
            Way::Http(http) => http.ask_again(method, params, wait).await,
            Way::Program(running) => running.ask(method, params, wait).await,
        }
    }

    /// All tools of the server.
    ///
    /// # Errors
    /// When it does not tell, or tells of too many.
    #[boxed]
    pub async fn tools(&mut self) -> Result<Vec<McpTool>, Error> {
        let (mut all, mut cursor): (Vec<McpTool>, Option<String>) = (Vec::new(), None);
        loop {
            let params = cursor.as_ref().map_or_else(|| json!({}), |cursor| json!({"cursor": cursor}));
            let answer = self.ask("tools/list", &params, self.timeout).await?;
            let page =
                answer["tools"].as_array().ok_or_else(|| Error::Protocol("a list of tools without tools".into()))?;
            for tool in page {
                let tool: McpTool = serde_json::from_value(tool.clone())
                    .map_err(|error| Error::Protocol(format!("a tool that cannot be read: {error}")))?;
                if !all.iter().any(|known| known.name == tool.name) {
                    all.push(tool);
                }
            }
            let next = answer["nextCursor"].as_str().filter(|next| !next.is_empty()).map(str::to_owned);
            if all.len() > MAX_TOOLS || (page.is_empty() && next.is_some()) || (next.is_some() && next == cursor) {
                return Err(Error::Protocol(format!("its list of tools does not end, or has more than {MAX_TOOLS}")));
            }
            match next {
                Some(next) => cursor = Some(next),
                None => return Ok(all),
            }
        }
    }

    /// Calls a tool.
    ///
    /// # Errors
    /// When it cannot be called; an error that the tool itself tells of is part of the answer.
    #[boxed]
    pub async fn call(&mut self, name: &str, arguments: Map<String, Json>) -> Result<Called, Error> {
        let params = json!({"name": name, "arguments": arguments});
        let result = self.ask("tools/call", &params, self.read_timeout).await?;
        Ok(Called {
            messages: content::messages(&result),
            is_error: result["isError"] == true,
            text: content::text(&result),
        })
    }

    /// Ends the session, where the server keeps one. A program goes on, for the next.
    #[boxed]
    pub async fn close(self) {
        if let Way::Http(http) = self.way {
            http.close().await;
        }
    }
}
