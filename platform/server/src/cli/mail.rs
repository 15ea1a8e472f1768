//! `kabinet mail …`.

use anyhow::bail;
use kabinet_core::{Actor, Mail};

use crate::composition::App;
use crate::config::Config;
use crate::mail::TRIAL;

/// Puts a letter of trial into the queue.
pub(super) async fn test(config: Config, slug: &str, address: &str) -> anyhow::Result<()> {
    let app = App::open(config).await?;
    let Some(company) = app.tenants.by_slug(slug).await? else { bail!("{slug}: no such company") };
    let mut tx = app.db.begin(&company, Actor::System).await?;
    tx.send_mail(&Mail::new(address, "Проверка почты", TRIAL, &serde_json::json!({}))?).await?;
    tx.commit().await?;
    println!("the letter is in the queue; the server sends it");
    Ok(())
}
