//! Code in a sandbox service elsewhere, through the compatible HTTP contract (`CODE_EXECUTION_ENDPOINT`).

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use ox_net::{Class, Egress, Limits, Request, Verify};
use ox_sandbox::{CodeError, CodeOutput, CodeRequest, CodeRunner, Language, Local, TemplateRequest, parse_result};
use ox_text::jinja::JinjaError;
use serde_json::{Value, json};

/// The marks around the result in what the script prints.
const MARK: &str = "<<RESULT>>";
/// The key that a service has where nobody chose one.
const SAMPLE_KEY: &str = "dify-sandbox";

/// The client of a sandbox service. Templates are rendered on this machine.
pub struct RemoteCode {
    endpoint: String,
    key: String,
    limits: Limits,
    verify: Verify,
    egress: Egress,
    local: Arc<Local>,
}

impl RemoteCode {
    /// The client, when an endpoint is set.
    pub fn from_env(read: impl Fn(&str) -> Option<String>, egress: Egress, local: Arc<Local>) -> Option<Self> {
        let endpoint = read("CODE_EXECUTION_ENDPOINT")?.trim_end_matches('/').to_owned();
        let seconds = |name: &str, default: u64| {
            Duration::from_secs(read(name).and_then(|text| text.parse().ok()).unwrap_or(default))
        };
        let answer = seconds("CODE_EXECUTION_READ_TIMEOUT", 60);
        let connect = seconds("CODE_EXECUTION_CONNECT_TIMEOUT", 10);
        let write = seconds("CODE_EXECUTION_WRITE_TIMEOUT", 10);
        let limits = Limits {
            connect,
            first_byte: connect + write + answer,
            read: answer,
            total: connect + write + answer * 2,
            body: 64 << 20,
        };
        let unverified = read("CODE_EXECUTION_SSL_VERIFY").is_some_and(|text| text.eq_ignore_ascii_case("false"));
        Some(Self {
            endpoint,
            key: read("CODE_EXECUTION_API_KEY").unwrap_or_else(|| SAMPLE_KEY.to_owned()),
            limits,
            verify: if unverified { Verify::No } else { Verify::Yes },
            egress,
            local,
        })
    }

    async fn call(&self, request: &CodeRequest) -> Result<String, CodeError> {
        let body = json!({
            "language": if request.language == Language::Python3 { "python3" } else { "nodejs" },
            "code": script(request),
            "preload": "",
            "enable_network": !is_narrowed(request),
        });
        let unreachable = |error: &dyn std::fmt::Display| {
            CodeError::Internal(format!(
                "Failed to execute code, which is likely a network issue, please check if the sandbox service is \
                 running. ( Error: {error} )"
            ))
        };
        let url = format!("{}/v1/sandbox/run", self.endpoint);
        let mut call = Request::post_json(Class::Operator, url, body.to_string()).limits(self.limits);
        call.verify = self.verify;
        // A script may have done something: it is never sent twice.
        call.retries = Some(0);
        let call = call.secret_header("X-Api-Key", &self.key).map_err(|error| unreachable(&error))?;
        let answer = self.egress.send(call).await.map_err(|error| unreachable(&error))?;
        let status = answer.status.as_u16();
        let text = answer.text().await.map_err(|error| unreachable(&error))?;
        match status {
            200 => Ok(text),
            503 => Err(CodeError::Busy),
            other => Err(CodeError::Internal(format!(
                "Failed to execute code, got status code {other}, please check if the sandbox service is running"
            ))),
        }
    }
}

/// Whether the workspace keeps to listed destinations: a service elsewhere does not know them, so the code gets no network.
fn is_narrowed(request: &CodeRequest) -> bool {
    request.rules.as_ref().is_some_and(|rules| rules.only.is_some())
}

/// What a failure of code without a network should say about that.
fn explained(error: CodeError) -> CodeError {
    match error {
        CodeError::Exception { text, line, column } => {
            let text = format!(
                "{text}\nThe code had no network: this workspace keeps to listed destinations (Settings, Network), \
                 which the code service of CODE_EXECUTION_ENDPOINT cannot keep to."
            );
            CodeError::Exception { text, line, column }
        }
        other => other,
    }
}

/// The user's code with the part that calls `main` and prints what it returns.
fn script(request: &CodeRequest) -> String {
    let inputs = Value::Object(request.inputs.clone()).to_string();
    // As a literal of the language: JSON texts are texts of both.
    let literal = Value::String(inputs).to_string().replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029");
    let code = &request.code;
    match request.language {
        Language::Python3 => format!(
            "{code}\n\nimport json as __json\n__output = main(**__json.loads({literal}))\n\
             print('{MARK}' + __json.dumps(__output, indent=4) + '{MARK}')\n"
        ),
        Language::JavaScript => format!(
            "{code}\n\nvar __output = main(JSON.parse({literal}));\n\
             console.log('{MARK}' + JSON.stringify(__output) + '{MARK}');\n"
        ),
    }
}

/// The result in an answer of the service.
fn read(text: &str) -> Result<CodeOutput, CodeError> {
    let answer: Value = serde_json::from_str(text).map_err(|error| CodeError::BadResult(error.to_string()))?;
    if answer["code"].as_i64() != Some(0) {
        let code = &answer["code"];
        return Err(CodeError::Internal(format!("Got error code: {code}. Got error msg: {}", answer["message"])));
    }
    let data = &answer["data"];
    let error = data["error"].as_str().unwrap_or_default();
    if !error.is_empty() {
        return Err(CodeError::Exception { text: error.to_owned(), line: None, column: None });
    }
    let stdout = data["stdout"].as_str().unwrap_or_default();
    let inner =
        stdout.find(MARK).zip(stdout.rfind(MARK)).and_then(|(first, last)| stdout.get(first + MARK.len()..last));
    let Some(inner) = inner else {
        let shown: String = stdout.chars().take(200).collect();
        return Err(CodeError::BadResult(format!("no result tag found in response: {shown}")));
    };
    parse_result(inner)
}

#[async_trait]
impl CodeRunner for RemoteCode {
    async fn run(&self, request: CodeRequest) -> Result<CodeOutput, CodeError> {
        let result = read(&self.call(&request).await?);
        if is_narrowed(&request) { result.map_err(explained) } else { result }
    }

    async fn render(&self, request: TemplateRequest) -> Result<String, JinjaError> {
        self.local.render(request).await
    }
}

#[cfg(test)]
mod tests {
    use ox_sandbox::CodeLimits;

    use super::*;

    #[test]
    fn inputs_reach_the_script_as_a_literal() {
        let inputs = json!({"t": "é\"\\\n\u{2028}'''"}).as_object().cloned().unwrap();
        let mut request = CodeRequest {
            caller: ox_net::Caller::default(),
            rules: None,
            language: Language::Python3,
            code: "def main(t): return {'t': t}".into(),
            inputs,
            limits: CodeLimits::default(),
        };
        let python = script(&request);
        assert!(python.contains(r#"__json.loads("{\"t\":\"é\\\"\\\\\\n\u2028'''\"}")"#), "{python}");
        request.language = Language::JavaScript;
        assert!(script(&request).contains("main(JSON.parse(\"{"));
    }

    #[test]
    fn answers_are_read_between_the_outer_marks() {
        let answer = |stdout: &str, error: &str| {
            json!({"code": 0, "message": "success", "data": {"stdout": stdout, "error": error}}).to_string()
        };
        let good = read(&answer("hi\n<<RESULT>>{\"a\": \"<<RESULT>>\", \"n\": \"1e+3\"}<<RESULT>>\n", "")).unwrap();
        assert_eq!(Value::Object(good.result), json!({"a": "<<RESULT>>", "n": 1000.0}));
        for (text, expected) in [
            (answer("nothing", ""), "no result tag found in response: nothing"),
            (answer("", "process exited with code 1\nboom"), "process exited with code 1\nboom"),
            (answer("<<RESULT>>[1]<<RESULT>>", ""), "The result of main must be an object, got an array instead."),
            (
                json!({"code": -400, "message": "no"}).to_string(),
                "the code runner failed: Got error code: -400. Got error msg: \"no\"",
            ),
        ] {
            assert_eq!(read(&text).unwrap_err().to_string(), expected);
        }
    }
}
