//! `kabinet bill SLUG PERIOD`.

use std::time::Instant;

use anyhow::bail;
use kabinet_billing::runs;
use kabinet_core::{Actor, Period};

use super::progress::Progress;
use crate::composition::App;
use crate::config::Config;

/// Calculates a month, continuing a run that was interrupted; publishes it if asked.
pub(super) async fn bill(config: Config, slug: &str, period: Period, publish: bool) -> anyhow::Result<()> {
    let app = App::open(config).await?;
    let Some(tenant) = app.tenants.by_slug(slug).await? else { bail!("{slug}: нет такой компании") };
    let mut tx = app.db.begin(&tenant, Actor::System).await?;
    let id = runs::start(&mut tx, period).await?;
    tx.commit().await?;
    let started = Instant::now();
    let mut progress = Progress::new("счетов");
    let run = runs::continue_run(&app.db, &tenant, app.billing.plugins(), id, |done, total| {
        progress.show(done as usize, total as usize);
    });
    let run = run.await?;
    progress.end();
    let seconds = started.elapsed().as_secs_f64();
    println!("{slug} {period}: {} счетов за {seconds:.1} с, итог {}", run.done, run.result_hash);
    if publish {
        let mut tx = app.db.begin(&tenant, Actor::System).await?;
        let run = runs::publish(&mut tx, id).await?;
        tx.commit().await?;
        println!("{slug} {period}: опубликован, срок оплаты {}", run.due_on);
    }
    Ok(())
}
