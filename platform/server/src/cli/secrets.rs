//! `kabinet secrets …`.

use anyhow::Context;
use kabinet_core::{Actor, KeyRing};

use crate::composition::App;
use crate::config::Config;

/// Adds a key to the ring and seals every company's secrets under it, one transaction a company. The
/// older keys stay in the file: a backup may need them.
pub(super) async fn rotate(config: Config) -> anyhow::Result<()> {
    let app = App::open(config).await?;
    let file = app.config.ring_file();
    let key = KeyRing::open(&file)?.add_key().with_context(|| file.display().to_string())?;
    let mut count = 0;
    for company in app.tenants.all().await? {
        let mut tx = app.db.begin(&company, Actor::System).await?;
        count += tx.reseal_secrets().await?;
        tx.commit().await?;
    }
    println!("key {key} seals now; secrets sealed anew: {count}");
    Ok(())
}
