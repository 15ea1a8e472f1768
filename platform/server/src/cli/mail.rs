//! `kabinet mail …`.

use std::io::Read;

use anyhow::{Context, bail};
use kabinet_core::mail::company_of;
use kabinet_core::{Actor, Mail};
use uuid::Uuid;

use crate::composition::App;
use crate::config::Config;
use crate::mail::{Failure, TRIAL, came_back};

/// The status by which a mail server keeps a message and hands it over again later: `EX_TEMPFAIL` of sysexits.h.
pub(super) const TRY_AGAIN: u8 = 75;

/// What is read of a message, bytes: a report stands before the letter that it gives back.
const MOST: u64 = 1 << 20;

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

/// Takes a message that came to the bounce address, from standard input: a letter of ours that it reports as failed is
/// ended. Whatever else it is, it is taken and ignored, with a line that says so.
pub(super) async fn bounce(config: Config) -> anyhow::Result<()> {
    let Some(failure) = Failure::read(&message().context("standard input")?) else {
        eprintln!("kabinet: no report of a letter that failed: ignored");
        return Ok(());
    };
    let app = App::open(config).await?;
    let Some(bounces) = app.bounces()? else { bail!("mail.bounce_address is not set") };
    let Some(letter) = failure.addresses.iter().find_map(|address| bounces.letter(address)) else {
        eprintln!("kabinet: a report that was not sent to a letter of ours: ignored");
        return Ok(());
    };
    if end(&app, letter, &failure).await? {
        println!("letter {letter} came back: {}", failure.codes);
    } else {
        eprintln!("kabinet: letter {letter} is not awaited, or no longer: ignored");
    }
    Ok(())
}

/// Ends a letter that failed; false where it is not awaited.
async fn end(app: &App, letter: Uuid, failure: &Failure) -> anyhow::Result<bool> {
    let Some(company) = company_of(&app.db, letter).await? else { return Ok(false) };
    let Some(company) = app.tenants.by_id(company).await? else { return Ok(false) };
    let mut tx = app.db.begin(&company, Actor::System).await?;
    let awaited = came_back(&mut tx, letter, failure).await?;
    tx.commit().await?;
    Ok(awaited)
}

/// The message on standard input, as far as it is read. All of it is consumed: a mail server that cannot write the rest
/// takes the command for one that failed.
fn message() -> std::io::Result<Vec<u8>> {
    let (mut input, mut message) = (std::io::stdin().lock(), Vec::new());
    input.by_ref().take(MOST).read_to_end(&mut message)?;
    std::io::copy(&mut input, &mut std::io::sink())?;
    Ok(message)
}
