//! `oxidify drill budget`: many callers at the same time under one budget, and by how much they exceed it.

use std::{
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use ox_app::{
    Principal, Services,
    principal::Role,
    providers,
    spend::{
        self,
        budgets::{self, BudgetForm},
    },
    workspaces,
};
use ox_models::{ChatRequest, ChatResult, Message, ModelRef, ModelRuntime as _, ModelScope};
use ox_types::AccountId;
use serde_json::json;

use super::{
    fallback::{Home, PROVIDER, services, target},
    provider::FakeProvider,
};

const MODEL: &str = "drill-budget";
/// No drill takes longer.
const LONGEST: Duration = Duration::from_secs(120);

/// Asks a model by many callers at the same time until a budget of tokens is spent, a few times over. Fails when a round
/// uses more than the budget and one call for each caller, when calls are refused before it is spent, when the provider
/// is asked after that, or when the spend log tells anything else than the provider.
#[derive(clap::Args)]
pub struct Args {
    /// Callers at the same time
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=256))]
    callers: u32,
    /// Tokens that may be used in a round
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(100..=10_000_000))]
    tokens: u32,
    /// Rounds, each with a workspace of its own
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What came of one round.
struct Round {
    limit: u64,
    callers: u64,
    used: u64,
    logged: u64,
    /// The most that one call used.
    largest: u64,
    answered: u64,
    asked: u64,
    refused: u64,
    took: Duration,
}

impl Round {
    /// What is not as it should be.
    fn complaints(&self) -> Vec<String> {
        let mut all = Vec::new();
        if self.used > self.limit + self.callers * self.largest {
            let most = self.callers * self.largest;
            all.push(format!("{} tokens used of {}, more than {most} above it", self.used, self.limit));
        }
        if self.used < self.limit {
            all.push(format!("calls were refused at {} tokens of {}", self.used, self.limit));
        }
        if self.asked != self.answered {
            all.push(format!("the provider was asked {} times for {} answers", self.asked, self.answered));
        }
        if self.logged != self.used {
            all.push(format!("the spend log has {} tokens, the provider told {}", self.logged, self.used));
        }
        all
    }
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start")?;
    runtime.block_on(drill(args))
}

async fn drill(args: &Args) -> anyhow::Result<ExitCode> {
    ox_net::install_crypto_provider();
    let home = Home::new()?;
    let provider = FakeProvider::start().await?;
    let mut rounds = Vec::new();
    for number in 0..args.rounds {
        let services = services(&home.0.join(number.to_string())).await?;
        let round = tokio::time::timeout(LONGEST, round(args, &services, &provider)).await;
        services.tracker.close();
        services.db.close().await;
        rounds.push(round.context("a round does not end")??);
    }
    let complaints: Vec<String> = rounds.iter().flat_map(Round::complaints).collect();
    if args.json {
        let rows: Vec<_> = rounds.iter().map(row).collect();
        super::super::say(&json!({"rounds": rows, "complaints": complaints}).to_string());
    } else {
        report(&rounds);
        for complaint in &complaints {
            super::super::complain(&format!("failed: {complaint}"));
        }
    }
    Ok(if complaints.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn row(round: &Round) -> serde_json::Value {
    json!({
        "limit": round.limit, "callers": round.callers, "used": round.used, "logged": round.logged,
        "largest_call": round.largest, "answered": round.answered, "asked": round.asked, "refused": round.refused,
        "took_ms": round.took.as_millis() as u64,
    })
}

fn report(rounds: &[Round]) {
    super::super::say(&format!(
        "{:>8} {:>8} {:>8} {:>8} {:>13} {:>9} {:>8} {:>9}",
        "limit", "callers", "used", "logged", "largest call", "answered", "refused", "took"
    ));
    for round in rounds {
        super::super::say(&format!(
            "{:>8} {:>8} {:>8} {:>8} {:>13} {:>9} {:>8} {:>6} ms",
            round.limit,
            round.callers,
            round.used,
            round.logged,
            round.largest,
            round.answered,
            round.refused,
            round.took.as_millis()
        ));
    }
}

/// One workspace with a budget, asked until it is spent.
async fn round(args: &Args, services: &Arc<Services>, provider: &FakeProvider) -> anyhow::Result<Round> {
    let password = format!("{}7a", ox_auth::random_code(20));
    let tenant_id = workspaces::create_with_owner(services, "Drill", "drill@example.com", &password).await?;
    let owner = Principal::Member { account_id: AccountId::new(), tenant_id, role: Role::Owner };
    let url = format!("http://{}/v1", provider.address);
    let values = json!({"api_key": "drill", "endpoint_url": url, "mode": "chat", "context_size": "4096"});
    let values = values.as_object().cloned().unwrap_or_default();
    providers::add_model_credential(services, &owner, PROVIDER, &target(MODEL), &values, None).await?;
    let form = BudgetForm {
        name: "Drill".into(),
        scope: "workspace".into(),
        period: "total".into(),
        action: "stop".into(),
        token_limit: Some(i64::from(args.tokens)),
        enabled: true,
        ..BudgetForm::default()
    };
    budgets::create(services, &owner, form).await?;
    provider.take_calls();
    let began = Instant::now();
    let callers = (0..args.callers).map(|_| caller(services, ModelScope::of(tenant_id)));
    let (mut used, mut largest, mut answered, mut refused) = (0, 0, 0, 0);
    for told in futures::future::join_all(callers).await {
        let told = told?;
        used += told.iter().sum::<u64>();
        largest = told.iter().copied().max().unwrap_or_default().max(largest);
        answered += told.len() as u64;
        refused += 1;
    }
    let took = began.elapsed();
    spend::flush(services).await;
    let sums = ox_db::repo::model_spend::spent(&services.db, tenant_id, "workspace", "", None).await?;
    let logged = sums.iter().map(|(_, spent)| spent.tokens).sum::<i64>();
    Ok(Round {
        limit: u64::from(args.tokens),
        callers: u64::from(args.callers),
        used,
        logged: logged.unsigned_abs(),
        largest,
        answered,
        asked: provider.take_calls(),
        refused,
        took,
    })
}

/// Asks until the budget refuses; tells what each call used. Far less is set aside for a call than it may use.
async fn caller(services: &Arc<Services>, scope: ModelScope) -> anyhow::Result<Vec<u64>> {
    let mut told = Vec::new();
    loop {
        let parameters = json!({"max_tokens": 1}).as_object().cloned().unwrap_or_default();
        let request = ChatRequest { messages: vec![Message::user("?")], parameters, ..ChatRequest::default() };
        match services.models.chat(&scope, &ModelRef::chat(PROVIDER, MODEL), request).await {
            Ok(pieces) => told.push(ChatResult::collect(pieces).await?.usage.total_tokens),
            Err(error) if error.class.as_str() == "quota" => return Ok(told),
            // What is left is set aside for others: as good as spent, for the moment.
            Err(error) if error.class.as_str() == "rate_limit" => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_complained_about() {
        let good = || Round {
            limit: 1_000,
            callers: 4,
            used: 1_020,
            logged: 1_020,
            largest: 13,
            answered: 80,
            asked: 80,
            refused: 4,
            took: Duration::ZERO,
        };
        assert!(good().complaints().is_empty());
        for (round, word) in [
            (Round { used: 1_053, logged: 1_053, ..good() }, "more than 52 above"),
            (Round { used: 900, logged: 900, ..good() }, "refused at 900"),
            (Round { asked: 81, ..good() }, "asked 81 times for 80"),
            (Round { logged: 1_019, ..good() }, "log has 1019"),
        ] {
            let complaints = round.complaints();
            assert!(complaints.len() == 1 && complaints[0].contains(word), "{complaints:?}");
        }
    }
}
