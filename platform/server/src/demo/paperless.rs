//! The demo's resident gets the receipts of the second account by e-mail.

use kabinet_core::Actor;
use kabinet_paperless::{MODULE, application, refusals};
use kabinet_residents::people;

use super::Town;
use super::logins::SECOND;
use crate::composition::App;

/// States the refusal where the account has had none: what visitors did stays.
pub(super) async fn refuse(app: &App, town: &Town, email: &str) -> anyhow::Result<()> {
    if !app.registry.is_on(&town.tenant, MODULE) {
        return Ok(());
    }
    let account = town.city.account_id(SECOND);
    let tx = app.db.read(&town.tenant, Actor::System).await?;
    let (resident, before) = (people::resident_by_email(&tx, email).await?, refusals::of_account(&tx, account).await?);
    let application = application::draft(&tx, account, email).await?;
    tx.commit().await?;
    let Some(resident) = resident.filter(|_| before.is_empty()) else { return Ok(()) };
    let pdf = application::print(&app.printer, &town.tenant, &application).await?;
    let mut tx = app.db.begin(&town.tenant, Actor::Resident(resident.id.0)).await?;
    refusals::refuse(&mut tx, resident.id, &application, pdf).await?;
    Ok(tx.commit().await?)
}
