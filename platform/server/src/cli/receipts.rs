//! `kabinet receipts SLUG PERIOD --house CODE --out FILE`.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use kabinet_billing::receipts::WantedHouse;
use kabinet_core::Period;
use kabinet_render::Binder;

use super::progress::Progress;
use crate::composition::App;
use crate::config::Config;

/// Which receipts go where.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The company
    slug: String,
    /// The month, as 2026-10
    period: Period,
    /// The company's code of the house
    #[arg(long)]
    house: String,
    /// The file; it is complete or not there
    #[arg(long)]
    out: PathBuf,
    /// The kind of receipt; the company's main kind without it
    #[arg(long)]
    kind: Option<String>,
    /// Leaves out accounts that get these receipts by e-mail in the place of paper
    #[arg(long)]
    without_refused: bool,
}

/// Prints the receipts of a house, in the order of its flats, into one PDF.
pub(super) async fn print(config: Config, arguments: &Arguments) -> anyhow::Result<()> {
    let Arguments { slug, period, house, out, kind, without_refused } = arguments;
    let app = App::open(config).await?;
    let Some(tenant) = app.tenants.by_slug(slug).await? else { bail!("{slug}: нет такой компании") };
    let receipts = app.billing.receipts();
    let moment = without_refused.then(|| app.db.clock().now());
    let wanted = WantedHouse { period: *period, house, kind: kind.as_deref(), without_refused: moment };
    let found = receipts.of_house(&tenant, wanted).await.with_context(|| format!("{slug} {period}, дом {house}"))?;
    let draft = out.with_extension("part");
    let mut file = std::fs::File::create(&draft).with_context(|| draft.display().to_string())?;
    let mut progress = Progress::new("квитанций");
    let (mut binder, head) = Binder::new(&format!("Квитанции за {period}, дом {house}"));
    file.write_all(&head)?;
    for part in 0..found.parts() {
        let pdf = receipts.print_part(&tenant, &found, part).await?;
        file.write_all(&binder.add(&pdf)?)?;
        progress.show(found.done_after(part), found.receipts());
    }
    file.write_all(&binder.finish())?;
    file.sync_all()?;
    std::fs::rename(&draft, out).with_context(|| out.display().to_string())?;
    progress.end();
    println!("{slug} {period}, дом {house}: {} квитанций в {}", found.receipts(), out.display());
    Ok(())
}
