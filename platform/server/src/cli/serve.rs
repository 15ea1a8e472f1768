//! `kabinet serve`.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use kabinet_core::{DbError, calendar};
use tracing_subscriber::EnvFilter;

use crate::composition::App;
use crate::config::Config;
use crate::demo::{self, Logins};
use crate::places::Places;

/// How long a demo's start waits for what it has begun itself.
const SETTLED_WITHIN: Duration = Duration::from_secs(45);

/// Opens the platform, fills the demo if asked, serves until told to stop.
pub(super) async fn serve(mut config: Config, demo: bool) -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_env("KABINET_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr);
    // A line that cannot be written, where the log lies on a full disk, is lost: to complain of it on the same stream
    // would panic, and end the request or the queue that had something to say.
    log.log_internal_errors(false).init();
    config.demo.running = demo;
    let app = Arc::new(App::open(config).await?);
    if let Some(warning) = calendar::shortcoming(app.db.clock().now().day(chrono_tz::UTC)) {
        tracing::warn!("{warning}");
    }
    if demo {
        let say = |line: &str| tracing::info!("{line}");
        let logins = demo::bring_up_to_date(&app, &Places::usual(), &say).await?;
        let runner = app.runner();
        settle(async move { runner.drain().await }, SETTLED_WITHIN).await?;
        greet(&app, &logins);
    }
    crate::serve::serve(app).await
}

/// Waits for the estimates that follow the published months, so that the first visitor sees them; not for what takes
/// longer, as messages by the million that waited for a start: that goes on while pages are served.
async fn settle(
    work: impl Future<Output = Result<(), DbError>> + Send + 'static,
    within: Duration,
) -> anyhow::Result<()> {
    let jobs =
        tokio::spawn(async { work.await.inspect_err(|error| tracing::warn!(%error, "the queue cannot be run")) });
    let Ok(done) = tokio::time::timeout(within, jobs).await else {
        tracing::info!("more is left to do than a start waits for");
        return Ok(());
    };
    Ok(done??)
}

fn greet(app: &App, logins: &Logins) {
    let (scheme, port) = (&app.config.server.public_scheme, app.config.server.listen.port());
    println!("Kabinet, demo");
    for company in &logins.companies {
        println!("  {scheme}://{}:{port}/", company.host);
        println!("    resident       {}  {}", company.resident.email, company.resident.password);
        println!("    administrator  {}  {}", company.admin.email, company.admin.password);
    }
    if app.config.mail.smtp_url.is_empty() {
        println!("  {scheme}://mail.localhost:{port}/");
        println!("    mailbox        everything that the platform sends");
    }
    println!("  the same in {}", app.config.data.dir.join("demo.json").display());
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot::channel;

    use super::*;

    #[tokio::test]
    async fn a_start_does_not_wait_for_all_that_was_left_and_what_was_left_goes_on() {
        let ((end, ended), (told, heard)) = (channel::<()>(), channel());
        let left = async {
            let _ = ended.await;
            let _ = told.send("done");
            Ok(())
        };
        settle(left, Duration::from_millis(20)).await.expect("a start");
        end.send(()).expect("the work is under way");
        assert_eq!(heard.await, Ok("done"));
    }

    #[tokio::test]
    async fn a_start_that_cannot_run_its_queue_fails() {
        let failing = async { Err(DbError::Stored("no queue".into())) };
        assert!(settle(failing, Duration::from_secs(60)).await.is_err());
    }
}
