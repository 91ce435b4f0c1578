//! `edge_worker reconcile`.

use std::io::{Write as _, stdout};
use std::process::ExitCode;

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::CommandError;
use crate::app::App;
use crate::config::Config;
use crate::conversations::{AppName, Reconciled};
use crate::db;
use crate::serve;

/// Of whom.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The conversations of this app alone.
    #[arg(long, value_parser = app_name)]
    app: Option<AppName>,
}

fn app_name(name: &str) -> Result<AppName, String> {
    AppName::parse(name).ok_or_else(|| {
        let known: Vec<_> = AppName::ALL.into_iter().map(AppName::as_str).collect();
        format!("it is none of {}", known.join(", "))
    })
}

pub(super) async fn run(
    arguments: &Arguments,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<ExitCode, CommandError> {
    let config = Config::from_env(variable)?;
    let (pool, _) = serve::reach(&config.database).await?;
    let app = App::new(&config, pool.clone(), config.listen, CancellationToken::new())?;
    let mut is_whole = true;
    for name in AppName::ALL {
        let is_chosen = arguments.app.is_none_or(|chosen| chosen == name);
        if !is_chosen || !db::requirements::has_schema(&pool, name.as_str()).await? {
            continue;
        }
        let Reconciled {
            looked_at,
            new_events,
            ended,
            failed,
        } = app.conversations.reconcile(name).await?;
        writeln!(
            stdout(),
            "{name}: {looked_at} conversations looked at, {new_events} events healed, {ended} ended, {failed} failed"
        )?;
        is_whole &= failed == 0;
    }
    Ok(match is_whole {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}
