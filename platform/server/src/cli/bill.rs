//! `kabinet bill SLUG PERIOD`.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::bail;
use kabinet_billing::runs::{self, replay};
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

/// Calculates a published month again from its frozen inputs; a failure status when anything comes out
/// otherwise.
pub(super) async fn replay(config: Config, slug: &str, period: Period) -> anyhow::Result<ExitCode> {
    let app = App::open(config).await?;
    let Some(tenant) = app.tenants.by_slug(slug).await? else { bail!("{slug}: нет такой компании") };
    let mut progress = Progress::new("счетов");
    let show = |done: u32, total: u32| progress.show(done as usize, total as usize);
    let replay = replay::replay(&app.db, &tenant, app.billing.plugins(), period, show).await?;
    progress.end();
    println!("{slug} {period}: {} счетов, итог {}", replay.accounts, replay.calculated);
    if replay.is_same() {
        println!("{slug} {period}: совпадает с опубликованным до байта");
        return Ok(ExitCode::SUCCESS);
    }
    for difference in &replay.differences {
        eprintln!("{difference}");
    }
    if replay.calculated == replay.published {
        eprintln!("kabinet: {slug} {period}: сохранённые строки не те, что получились (суммы в копейках)");
    } else {
        eprintln!("kabinet: {slug} {period}: опубликован другой итог: {}", replay.published);
    }
    Ok(ExitCode::FAILURE)
}
