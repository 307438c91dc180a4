//! `oxidify reset-password`: a way back in where no mail can be sent.

use std::{path::Path, process::ExitCode};

use anyhow::{Context, bail};
use ox_app::{Settings, accounts::reset};
use ox_db::{Database, DbConfig, Engine};
use serde_json::json;

use crate::egress::env;

/// Characters of a password that is made here; letters and digits.
const LENGTH: usize = 16;

/// Give an account a new password; run it where the server's data are. Ends every session of the account.
#[derive(clap::Args)]
pub struct Args {
    /// Address that the account signs in with
    #[arg(long)]
    email: String,
    /// Read the new password from standard input; without it one is made and shown
    #[arg(long)]
    password_stdin: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let password = if args.password_stdin {
        let text = super::read_text(Path::new("-"))?;
        text.trim_end_matches(['\r', '\n']).to_owned()
    } else {
        // The policy asks for a digit; chance might give none.
        format!("{}7a", ox_auth::random_code(LENGTH - 2))
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start")?;
    runtime.block_on(set(&args.email, password.clone()))?;
    let shown = (!args.password_stdin).then_some(password);
    if args.json {
        super::say(&json!({"email": args.email, "password": shown}).to_string());
    } else if let Some(password) = shown {
        super::say(&format!("The new password of {} is {password}", args.email));
        super::say("Sign in with it and choose your own in Settings, Profile.");
    } else {
        super::say(&format!("The password of {} is set.", args.email));
    }
    Ok(ExitCode::SUCCESS)
}

async fn set(email: &str, password: String) -> anyhow::Result<()> {
    let settings = Settings::from_env();
    let config = DbConfig::from_vars(env, &settings.home)?;
    // A server may be running on it: one row changes, which it reads anew at the next sign-in.
    if let Engine::Sqlite { path } = &config.engine
        && !path.exists()
    {
        bail!("there is no database at {}: set OXIDIFY_HOME to the directory the server uses", path.display());
    }
    let db = Database::connect(&config)
        .await
        .with_context(|| format!("cannot open the database ({})", config.describe()))?;
    let done = reset::by_operator(&db, email, password, settings.access_token_life).await;
    db.close().await;
    done.map_err(|error| anyhow::anyhow!("{}", error.message))
}
