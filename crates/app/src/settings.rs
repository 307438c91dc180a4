//! Configuration read once at start from the environment, under Dify's names.

use std::{collections::HashMap, path::PathBuf, time::Duration};

/// What the use cases need to know of the environment. Reading never fails: a value that cannot be
/// read keeps its default and is reported in [`Settings::findings`].
///
/// Not `Debug`, and not to become so: passwords and keys are in it.
#[derive(Clone)]
pub struct Settings {
    /// Directory of everything that is kept (`OXIDIFY_HOME`, default `./data`).
    pub home: PathBuf,
    pub deploy_env: String,
    pub version: &'static str,
    /// Public addresses; empty means: taken from the request.
    pub console_api_url: String,
    pub console_web_url: String,
    pub service_api_url: String,
    pub app_web_url: String,
    pub files_url: String,
    pub cookie_domain: String,
    pub console_cors_origins: Vec<String>,
    pub web_cors_origins: Vec<String>,
    pub trust_forwarded_headers: bool,
    pub allow_embed: bool,
    pub init_password: Option<String>,
    pub admin_api_key: Option<String>,
    pub access_token_life: Duration,
    pub refresh_token_life: Duration,
    pub login_lockout: Duration,
    pub invite_life: Duration,
    pub files_access_life: Duration,
    pub allow_register: bool,
    pub allow_create_workspace: bool,
    pub password_login: bool,
    /// Published pages let people in by a mailed code where mails can be sent (`ENABLE_EMAIL_CODE_LOGIN`).
    pub email_code_login: bool,
    /// Life of such a code (`EMAIL_CODE_LOGIN_TOKEN_EXPIRY_MINUTES`).
    pub email_code_life: Duration,
    /// Concurrent generations per app; 0 is unlimited.
    pub app_max_active_requests: u64,
    pub app_default_active_requests: u64,
    /// What one visitor of a published page may ask in a minute; 0 is unlimited.
    pub visitor_requests_per_minute: u32,
    pub limits: RunLimits,
    pub uploads: UploadLimits,
    pub shutdown_grace: Duration,
    /// Code nodes may run without a confined process (`OXIDIFY_CODE_UNCONFINED`).
    pub code_unconfined: bool,
    /// The scripted model is offered (on unless `DEPLOY_ENV=PRODUCTION`, or set explicitly).
    pub scripted_model: bool,
    /// How often a model call that failed is made again by itself (`OXIDIFY_MODEL_RETRIES`).
    pub model_retries: u32,
    /// How long a model may take for the first piece of its answer (`OXIDIFY_MODEL_FIRST_TOKEN_SECONDS`), and for all of
    /// it (`OXIDIFY_MODEL_TOTAL_SECONDS`).
    pub model_first_token: Duration,
    pub model_total: Duration,
    /// What answers of models that are kept may take, in megabytes (`OXIDIFY_MODEL_CACHE_MB`); 0 keeps none.
    pub model_cache_mb: u64,
    pub metrics_token: Option<String>,
    /// The longest that a form may wait for an answer (`HUMAN_INPUT_GLOBAL_TIMEOUT_SECONDS`, 7 days).
    pub form_limit: Duration,
    /// Public address of webhooks (`TRIGGER_URL`); empty: taken from the request.
    pub trigger_url: String,
    /// Largest body of a webhook (`WEBHOOK_REQUEST_BODY_MAX_SIZE`).
    pub webhook_body_max: usize,
    /// How mails are sent (`MAIL_TYPE` and its relatives).
    pub mail: ox_mail::Settings,
    /// Life of a code to set a new password (`RESET_PASSWORD_TOKEN_EXPIRY_MINUTES`).
    pub reset_token_life: Duration,
    /// After too many wrong codes (`FORGOT_PASSWORD_LOCKOUT_DURATION`).
    pub reset_lockout: Duration,
    /// Mails that one address of the network may ask for in a minute (`EMAIL_SEND_IP_LIMIT_PER_MINUTE`).
    pub mails_per_minute: u64,
    /// Characters of an answer between two checks by output moderation (`MODERATION_BUFFER_SIZE`, 300).
    pub moderation_buffer: usize,
    /// How long runs and messages are kept.
    pub retention: crate::retention::Settings,
    /// Attempts to deliver a trace, and the pause between two (`OPS_TRACE_RETRYABLE_DISPATCH_…`).
    pub trace_retries: u32,
    pub trace_pause: Duration,
    /// Chunks that one request may add; 0 is no limit (`DATASET_MAX_SEGMENTS_PER_REQUEST`).
    pub max_segments_per_request: usize,
    /// How long API tools wait for a connection, and for an answer to go on.
    pub api_tool_connect: Duration,
    pub api_tool_read: Duration,
    /// Variables of vector stores: which one, and how it is reached.
    pub vectors: HashMap<String, String>,
    /// How long an agent waits for the approval of a tool (`OXIDIFY_TOOL_APPROVAL_SECONDS`).
    pub tool_approval: Duration,
    /// MCP servers that are programs on this machine (`OXIDIFY_MCP_STDIO_COMMANDS`).
    pub mcp_programs: crate::tools::programs::AllowedPrograms,
    /// This program, where it can stand guard over them.
    pub mcp_guard: Option<PathBuf>,
    /// Services that documents come from.
    pub sources: crate::knowledge::sources::SourceSettings,
    /// What could not be read, for the start report and `/health`.
    pub findings: Vec<String>,
}

/// Limits of one run (DSL reference §9).
#[derive(Clone, Debug)]
pub struct RunLimits {
    pub max_steps: u32,
    pub max_time: Duration,
    pub max_call_depth: u32,
    /// Nodes of one run that may work at the same time.
    pub max_workers: usize,
    /// Runs of this process at the same time; more are refused with 429.
    pub max_active_runs: usize,
}

/// Upload limits in MB, and counts.
#[derive(Clone, Debug)]
pub struct UploadLimits {
    pub file_mb: u64,
    pub image_mb: u64,
    pub video_mb: u64,
    pub audio_mb: u64,
    pub batch_count: u64,
    pub workflow_files: u64,
    pub blocked_extensions: Vec<String>,
}

impl Settings {
    /// Reads the process environment.
    #[must_use]
    pub fn from_env() -> Self {
        Self::read(std::env::vars().collect())
    }

    /// Reads a map of variables.
    #[must_use]
    pub fn read(variables: HashMap<String, String>) -> Self {
        let mut env = Reader { variables, findings: Vec::new() };
        let deploy_env = env.text("DEPLOY_ENV", "DEVELOPMENT");
        let production = deploy_env.eq_ignore_ascii_case("PRODUCTION");
        let (mail, findings) = ox_mail::Settings::read(|name| env.variables.get(name).cloned());
        env.findings.extend(findings);
        Self {
            api_tool_connect: Duration::from_secs(env.number("API_TOOL_DEFAULT_CONNECT_TIMEOUT", 10).clamp(1, 600)),
            api_tool_read: Duration::from_secs(env.number("API_TOOL_DEFAULT_READ_TIMEOUT", 60).clamp(1, 3600)),
            tool_approval: Duration::from_secs(env.number("OXIDIFY_TOOL_APPROVAL_SECONDS", 300).clamp(1, 3600)),
            home: PathBuf::from(env.text("OXIDIFY_HOME", "./data")),
            version: env!("CARGO_PKG_VERSION"),
            console_api_url: env.url("CONSOLE_API_URL"),
            console_web_url: env.url("CONSOLE_WEB_URL"),
            service_api_url: env.url("SERVICE_API_URL"),
            app_web_url: env.url("APP_WEB_URL"),
            files_url: env.url("FILES_URL"),
            cookie_domain: env.text("COOKIE_DOMAIN", "").trim_start_matches('.').to_owned(),
            console_cors_origins: env.list("CONSOLE_CORS_ALLOW_ORIGINS", ""),
            web_cors_origins: env.list("WEB_API_CORS_ALLOW_ORIGINS", "*"),
            trust_forwarded_headers: env.flag("RESPECT_XFORWARD_HEADERS_ENABLED", false),
            allow_embed: env.flag("ALLOW_EMBED", false),
            init_password: env.optional("INIT_PASSWORD"),
            admin_api_key: if env.flag("ADMIN_API_KEY_ENABLE", false) { env.optional("ADMIN_API_KEY") } else { None },
            access_token_life: Duration::from_secs(env.number("ACCESS_TOKEN_EXPIRE_MINUTES", 60) * 60),
            refresh_token_life: Duration::from_secs(env.number("REFRESH_TOKEN_EXPIRE_DAYS", 30) * 86_400),
            login_lockout: Duration::from_secs(env.number("LOGIN_LOCKOUT_DURATION", 86_400)),
            invite_life: Duration::from_secs(env.number("INVITE_EXPIRY_HOURS", 72) * 3600),
            files_access_life: Duration::from_secs(env.number("FILES_ACCESS_TIMEOUT", 300)),
            allow_register: env.flag("ALLOW_REGISTER", false),
            allow_create_workspace: env.flag("ALLOW_CREATE_WORKSPACE", false),
            password_login: env.flag("ENABLE_EMAIL_PASSWORD_LOGIN", true),
            // Compat: off by default there, where it also opens the console.
            email_code_login: env.flag("ENABLE_EMAIL_CODE_LOGIN", true),
            email_code_life: Duration::from_secs(env.number("EMAIL_CODE_LOGIN_TOKEN_EXPIRY_MINUTES", 5) * 60),
            app_max_active_requests: env.number("APP_MAX_ACTIVE_REQUESTS", 0),
            app_default_active_requests: env.number("APP_DEFAULT_ACTIVE_REQUESTS", 0),
            visitor_requests_per_minute: u32::try_from(env.number("OXIDIFY_VISITOR_REQUESTS_PER_MINUTE", 0))
                .unwrap_or(u32::MAX),
            limits: RunLimits {
                max_steps: u32::try_from(env.number("WORKFLOW_MAX_EXECUTION_STEPS", 500)).unwrap_or(u32::MAX),
                max_time: Duration::from_secs(env.number("WORKFLOW_MAX_EXECUTION_TIME", 1200)),
                max_call_depth: u32::try_from(env.number("WORKFLOW_CALL_MAX_DEPTH", 5)).unwrap_or(u32::MAX),
                max_workers: env.count("GRAPH_ENGINE_MAX_WORKERS", 10),
                max_active_runs: env.count("OXIDIFY_MAX_ACTIVE_RUNS", 4096),
            },
            uploads: UploadLimits {
                file_mb: env.number("UPLOAD_FILE_SIZE_LIMIT", 15),
                image_mb: env.number("UPLOAD_IMAGE_FILE_SIZE_LIMIT", 10),
                video_mb: env.number("UPLOAD_VIDEO_FILE_SIZE_LIMIT", 100),
                audio_mb: env.number("UPLOAD_AUDIO_FILE_SIZE_LIMIT", 50),
                batch_count: env.number("UPLOAD_FILE_BATCH_LIMIT", 5),
                workflow_files: env.number("WORKFLOW_FILE_UPLOAD_LIMIT", 10),
                blocked_extensions: env.list("UPLOAD_FILE_EXTENSION_BLACKLIST", "exe,bat,cmd,com,scr,vbs,ps1,msi,dll"),
            },
            shutdown_grace: Duration::from_secs(env.number("OXIDIFY_SHUTDOWN_GRACE_SECONDS", 30)),
            code_unconfined: env.flag("OXIDIFY_CODE_UNCONFINED", false),
            scripted_model: env.flag("OXIDIFY_SCRIPTED_MODEL", !production),
            model_retries: u32::try_from(env.number("OXIDIFY_MODEL_RETRIES", 2).min(10)).unwrap_or(2),
            model_first_token: Duration::from_secs(env.number("OXIDIFY_MODEL_FIRST_TOKEN_SECONDS", 300).max(1)),
            model_total: Duration::from_secs(env.number("OXIDIFY_MODEL_TOTAL_SECONDS", 1200).max(1)),
            model_cache_mb: env.number("OXIDIFY_MODEL_CACHE_MB", 64).min(65_536),
            metrics_token: env.optional("OXIDIFY_METRICS_TOKEN"),
            form_limit: Duration::from_secs(env.number("HUMAN_INPUT_GLOBAL_TIMEOUT_SECONDS", 604_800)),
            trigger_url: env.url("TRIGGER_URL"),
            webhook_body_max: env.count("WEBHOOK_REQUEST_BODY_MAX_SIZE", 10_485_760),
            moderation_buffer: env.count("MODERATION_BUFFER_SIZE", 300),
            retention: env.retention(),
            trace_retries: u32::try_from(env.number("OPS_TRACE_RETRYABLE_DISPATCH_MAX_RETRIES", 60))
                .unwrap_or(u32::MAX),
            trace_pause: Duration::from_secs(env.number("OPS_TRACE_RETRYABLE_DISPATCH_DELAY_SECONDS", 5)),
            mail,
            reset_token_life: Duration::from_secs(env.number("RESET_PASSWORD_TOKEN_EXPIRY_MINUTES", 5) * 60),
            reset_lockout: Duration::from_secs(env.number("FORGOT_PASSWORD_LOCKOUT_DURATION", 86_400)),
            mails_per_minute: env.number("EMAIL_SEND_IP_LIMIT_PER_MINUTE", 50),
            max_segments_per_request: usize::try_from(env.number("DATASET_MAX_SEGMENTS_PER_REQUEST", 0)).unwrap_or(0),
            vectors: crate::knowledge::outside::settings(&env.variables),
            sources: env.sources(),
            mcp_programs: env.mcp_programs(),
            mcp_guard: None,
            deploy_env,
            findings: env.findings,
        }
    }
}

struct Reader {
    variables: HashMap<String, String>,
    findings: Vec<String>,
}

impl Reader {
    fn optional(&self, name: &str) -> Option<String> {
        self.variables.get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn text(&self, name: &str, default: &str) -> String {
        self.optional(name).unwrap_or_else(|| default.to_owned())
    }

    fn url(&self, name: &str) -> String {
        self.text(name, "").trim_end_matches('/').to_owned()
    }

    fn list(&self, name: &str, default: &str) -> Vec<String> {
        self.text(name, default).split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
    }

    fn flag(&mut self, name: &str, default: bool) -> bool {
        let Some(text) = self.optional(name) else { return default };
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => true,
            "false" | "0" | "no" | "off" => false,
            _ => {
                self.findings.push(format!("{name}={text} is neither true nor false; using {default}"));
                default
            }
        }
    }

    fn number(&mut self, name: &str, default: u64) -> u64 {
        let Some(text) = self.optional(name) else { return default };
        text.parse().unwrap_or_else(|_| {
            self.findings.push(format!("{name}={text} is not a whole number; using {default}"));
            default
        })
    }

    fn days(&mut self, switch: &str, name: &str) -> Option<u32> {
        let days = self.number(name, 30);
        self.flag(switch, false).then(|| u32::try_from(days).unwrap_or(u32::MAX).clamp(1, 36_500))
    }

    /// Two jobs of the compatible system remove runs; where both are on, the shorter time and the larger batch count.
    fn retention(&mut self) -> crate::retention::Settings {
        let logs = self.days("WORKFLOW_LOG_CLEANUP_ENABLED", "WORKFLOW_LOG_RETENTION_DAYS");
        let runs = self.days("ENABLE_WORKFLOW_RUN_CLEANUP_TASK", "SANDBOX_EXPIRED_RECORDS_RETENTION_DAYS");
        let small = self.number("WORKFLOW_LOG_CLEANUP_BATCH_SIZE", 100);
        let large = self.number("SANDBOX_EXPIRED_RECORDS_CLEAN_BATCH_SIZE", 1000);
        let mut workflows = Vec::new();
        for text in self.list("WORKFLOW_LOG_CLEANUP_SPECIFIC_WORKFLOW_IDS", "") {
            match text.parse() {
                Ok(id) => workflows.push(id),
                Err(_) => self.findings.push(format!(
                    "WORKFLOW_LOG_CLEANUP_SPECIFIC_WORKFLOW_IDS: {text} is not an id; no run is removed until it is one"
                )),
            }
        }
        // A list that cannot be read must not become "all workflows".
        let unread = workflows.is_empty() && self.optional("WORKFLOW_LOG_CLEANUP_SPECIFIC_WORKFLOW_IDS").is_some();
        let batch = if runs.is_some() || logs.is_none() { large } else { small };
        crate::retention::Settings {
            run_days: [logs, runs].into_iter().flatten().min().filter(|_| !unread),
            message_days: self.days("ENABLE_CLEAN_MESSAGES", "PLAN_SANDBOX_CLEAN_MESSAGE_DAY_SETTING"),
            workflows,
            batch: batch.clamp(1, 1000),
            pause: Duration::from_millis(self.number("SANDBOX_EXPIRED_RECORDS_CLEAN_BATCH_MAX_INTERVAL", 200)),
        }
    }

    fn mcp_programs(&mut self) -> crate::tools::programs::AllowedPrograms {
        use crate::tools::programs::{SETTING, read};
        let text = self.text(SETTING, "{}");
        read(&text).unwrap_or_else(|error| {
            self.findings.push(format!("{SETTING} cannot be read ({error}); no program is allowed"));
            crate::tools::programs::AllowedPrograms::new()
        })
    }

    fn sources(&self) -> crate::knowledge::sources::SourceSettings {
        let url = |name: &str, default: &str| self.text(name, default).trim_end_matches('/').to_owned();
        crate::knowledge::sources::SourceSettings {
            notion_internal: self.text("NOTION_INTEGRATION_TYPE", "public") == "internal",
            notion_client_id: self.optional("NOTION_CLIENT_ID"),
            notion_client_secret: self.optional("NOTION_CLIENT_SECRET"),
            notion_secret: self
                .optional("NOTION_INTERNAL_SECRET")
                .or_else(|| self.optional("NOTION_INTEGRATION_TOKEN")),
            notion_url: url("OXIDIFY_NOTION_URL", "https://api.notion.com"),
            jina_reader_url: url("OXIDIFY_JINA_READER_URL", "https://r.jina.ai"),
            jina_crawl_url: url("OXIDIFY_JINA_CRAWL_URL", "https://adaptivecrawl-kir3wx7b3a-uc.a.run.app"),
            jina_status_url: url("OXIDIFY_JINA_STATUS_URL", "https://adaptivecrawlstatus-kir3wx7b3a-uc.a.run.app"),
        }
    }

    fn count(&mut self, name: &str, default: usize) -> usize {
        usize::try_from(self.number(name, default as u64)).unwrap_or(default).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Settings {
        Settings::read(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn defaults_are_the_documented_ones() {
        let settings = read(&[]);
        assert_eq!(settings.home, PathBuf::from("./data"));
        assert_eq!(settings.limits.max_steps, 500);
        assert_eq!(settings.access_token_life, Duration::from_secs(3600));
        assert!(settings.scripted_model && !settings.code_unconfined && settings.findings.is_empty());
    }

    #[test]
    fn a_value_that_cannot_be_read_is_reported_and_keeps_its_default() {
        let settings = read(&[("WORKFLOW_MAX_EXECUTION_STEPS", "many"), ("ALLOW_EMBED", "perhaps")]);
        assert_eq!(settings.limits.max_steps, 500);
        assert!(!settings.allow_embed);
        assert_eq!(settings.findings.len(), 2);
        assert!(settings.findings.iter().any(|text| text.contains("WORKFLOW_MAX_EXECUTION_STEPS=many")));
    }

    #[test]
    fn nothing_is_deleted_unasked() {
        let settings = read(&[("WORKFLOW_LOG_RETENTION_DAYS", "7")]).retention;
        assert_eq!((settings.run_days, settings.message_days), (None, None));
        let settings =
            read(&[("WORKFLOW_LOG_CLEANUP_ENABLED", "true"), ("WORKFLOW_LOG_RETENTION_DAYS", "7")]).retention;
        assert_eq!((settings.run_days, settings.message_days, settings.batch), (Some(7), None, 100));
        let both = [
            ("WORKFLOW_LOG_CLEANUP_ENABLED", "true"),
            ("ENABLE_WORKFLOW_RUN_CLEANUP_TASK", "true"),
            ("SANDBOX_EXPIRED_RECORDS_RETENTION_DAYS", "3"),
            ("ENABLE_CLEAN_MESSAGES", "1"),
        ];
        let settings = read(&both).retention;
        assert_eq!((settings.run_days, settings.message_days, settings.batch), (Some(3), Some(30), 1000));
        let id = "0192b3a4-0000-7000-8000-000000000000";
        for (list, days, count) in [(id, Some(30), 1), ("all", None, 0), (&format!("x, {id}"), Some(30), 1)] {
            let wanted = [("WORKFLOW_LOG_CLEANUP_ENABLED", "on"), ("WORKFLOW_LOG_CLEANUP_SPECIFIC_WORKFLOW_IDS", list)];
            let settings = read(&wanted).retention;
            assert_eq!((settings.run_days, settings.workflows.len()), (days, count), "{list}");
        }
    }

    #[test]
    fn production_turns_the_scripted_model_off() {
        assert!(!read(&[("DEPLOY_ENV", "PRODUCTION")]).scripted_model);
        assert!(read(&[("DEPLOY_ENV", "PRODUCTION"), ("OXIDIFY_SCRIPTED_MODEL", "true")]).scripted_model);
    }
}
