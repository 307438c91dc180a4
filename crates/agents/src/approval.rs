//! Which calls of tools a person must allow, and asking for that.

use async_trait::async_trait;
use ox_engine::RunInfo;
use ox_types::{Json, NodeRunId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::Taint;

/// What is asked before a tool is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Every call is asked about.
    pub always: bool,
    /// Calls are asked about whose arguments repeat what was read on the way.
    pub guard: bool,
    pub approver: Approver,
}

/// Who may answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Approver {
    /// Whoever uses the app, and the members who may change it.
    #[default]
    User,
    /// Members only.
    Member,
}

impl Rules {
    /// Reads `approval` (`never`, `always`), `approver` (`user`, `member`) and `injection_guard` of a tool's entry.
    /// What is not known there is read as the stricter.
    #[must_use]
    pub fn read(tool: &Json) -> Self {
        let value = |name: &str| tool.get(name).filter(|value| !value.is_null() && *value != "");
        Self {
            always: value("approval").is_some_and(|value| value != "never"),
            guard: value("injection_guard").is_some_and(|value| *value != Json::Bool(false)),
            approver: match value("approver") {
                None => Approver::User,
                Some(value) if value == "user" => Approver::User,
                Some(_) => Approver::Member,
            },
        }
    }
}

/// A call that somebody must allow.
#[derive(Clone, Debug)]
pub struct Question {
    pub id: Uuid,
    pub node_id: String,
    /// The execution that asks.
    pub node_run_id: NodeRunId,
    /// It has called some tool before: to begin anew could repeat that.
    pub has_called: bool,
    pub tool: String,
    /// For people.
    pub label: String,
    pub provider: String,
    /// What the model wants to call it with.
    pub arguments: Json,
    /// It is asked about whatever the arguments are.
    pub always: bool,
    /// What in the arguments comes from outside.
    pub taints: Vec<Taint>,
    pub approver: Approver,
}

/// How a question ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    Approved,
    Denied,
    TimedOut,
    /// There is nobody to be asked.
    Unasked,
}

impl Decision {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::TimedOut => "timed_out",
            Self::Unasked => "unasked",
        }
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Verdict {
    pub decision: Decision,
    /// In the words of whoever answered.
    pub reason: String,
    /// Who answered, as the log names them.
    pub by: String,
}

impl Verdict {
    /// An answer that nobody gave.
    #[must_use]
    pub const fn of(decision: Decision) -> Self {
        Self { decision, reason: String::new(), by: String::new() }
    }
}

/// Asks people.
#[async_trait]
pub trait ApprovalPort: Send + Sync {
    /// Asks and waits, for a bounded time. Dropping it takes the question back.
    async fn ask(&self, run: &RunInfo, question: &Question) -> Verdict;
}

/// Where nobody can be asked: what needs an approval is not called.
#[derive(Clone, Copy, Debug, Default)]
pub struct NobodyAsked;

#[async_trait]
impl ApprovalPort for NobodyAsked {
    async fn ask(&self, _run: &RunInfo, _question: &Question) -> Verdict {
        Verdict::of(Decision::Unasked)
    }
}

/// What was asked about a call, and the answer: for the trace.
#[derive(Clone, Debug)]
pub struct Approval {
    pub always: bool,
    pub taints: Vec<Taint>,
    pub verdict: Verdict,
    /// Seconds until the answer.
    pub waited: f64,
}

impl Approval {
    /// As the trace shows it.
    #[must_use]
    pub fn to_json(&self) -> Json {
        json!({"always": self.always, "taints": self.taints, "decision": self.verdict.decision,
            "reason": self.verdict.reason, "by": self.verdict.by, "waited": self.waited})
    }

    /// What the model is told of a call that was not allowed; nothing of others.
    #[must_use]
    pub fn refusal(&self) -> Option<String> {
        let Verdict { decision, reason, .. } = &self.verdict;
        let why = match decision {
            Decision::Approved => return None,
            Decision::Denied if reason.is_empty() => "a person declined it".to_owned(),
            Decision::Denied => format!("a person declined it: {reason}"),
            Decision::TimedOut => "nobody approved it in time".to_owned(),
            Decision::Unasked => "it needs the approval of a person, and nobody can be asked here".to_owned(),
        };
        Some(format!("the tool was not called, because {why}. Go on without it, or tell the user."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_about() {
        let rules = |always, guard, approver| Rules { always, guard, approver };
        use Approver::{Member, User};
        for (tool, expected) in [
            (json!({}), rules(false, false, User)),
            (json!({"approval": "never", "injection_guard": false, "approver": "user"}), rules(false, false, User)),
            (json!({"approval": null, "injection_guard": null, "approver": null}), rules(false, false, User)),
            (json!({"approval": "always"}), rules(true, false, User)),
            (json!({"approval": "sometimes", "approver": "somebody"}), rules(true, false, Member)),
            (json!({"approval": true, "approver": 1}), rules(true, false, Member)),
            (json!({"injection_guard": true, "approver": "member"}), rules(false, true, Member)),
            (json!({"injection_guard": "yes"}), rules(false, true, User)),
        ] {
            assert_eq!(Rules::read(&tool), expected, "{tool}");
        }
    }

    #[test]
    fn what_the_model_is_told() {
        for (decision, reason, expected) in [
            (Decision::Approved, "", None),
            (Decision::Denied, "", Some("a person declined it.")),
            (Decision::Denied, "too much", Some("a person declined it: too much.")),
            (Decision::TimedOut, "", Some("nobody approved it in time")),
            (Decision::Unasked, "", Some("nobody can be asked here")),
        ] {
            let verdict = Verdict { reason: reason.to_owned(), ..Verdict::of(decision) };
            let told = Approval { always: true, taints: Vec::new(), verdict, waited: 0.0 }.refusal();
            match expected {
                Some(part) => assert!(told.as_deref().unwrap().contains(part), "{told:?}"),
                None => assert_eq!(told, None),
            }
        }
    }
}
