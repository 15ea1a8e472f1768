//! Requests of the demo's resident: one of each kind, each at another point of its life.

use kabinet_contracts::{AccountId, ResidentId};
use kabinet_core::{Actor, Tx};
use kabinet_requests::filing::{self, Typed};
use kabinet_requests::state::State;
use kabinet_requests::tickets::{self, Owner, Ticket};
use kabinet_requests::topics::Kind;
use kabinet_requests::{Error, MODULE, catalogue};
use kabinet_residents::people;
use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::Town;
use super::dials::SHOWN;
use crate::composition::App;

/// Who takes part.
struct Cast {
    resident: ResidentId,
    account: AccountId,
    staff: Uuid,
}

impl Cast {
    fn owner(&self) -> Owner {
        Owner { resident: self.resident, accounts: vec![self.account] }
    }
}

/// Files the demo's requests where the company has none yet: what visitors did stays.
pub(super) async fn file(app: &App, town: &Town, email: &str) -> anyhow::Result<()> {
    if !app.registry.is_on(&town.tenant, MODULE) {
        return Ok(());
    }
    let tx = app.db.read(&town.tenant, Actor::System).await?;
    let (resident, there) = (people::resident_by_email(&tx, email).await?, any(&tx).await?);
    let services = catalogue::offered(&tx).await?;
    tx.commit().await?;
    let Some(resident) = resident.filter(|_| !there) else { return Ok(()) };
    let account = town.city.account_id(SHOWN);
    let cast = Cast { resident: resident.id, account, staff: town.city.chance.id("staff", 0) };
    let typed = |topic: &str, subject: &str, text: &str, service: &str| Typed {
        kind: String::new(),
        topic: topic.to_owned(),
        subject: subject.to_owned(),
        text: text.to_owned(),
        service: service.to_owned(),
    };
    let cold = typed("quality", "Холодно на лестничной площадке", "На площадке третьего этажа +11 °C второй день.", "");
    warmed(app, town, &cast, filing::check(Kind::Appeal, &cold, &[])?).await?;
    if let Some(service) = services.first() {
        let work = typed("", "", "Удобно в субботу до обеда.", &service.code);
        let ticket = filed(app, town, &cast, &filing::check(Kind::Paid, &work, &services)?).await?;
        let mut tx = staff(app, town, &cast).await?;
        tickets::accept(&mut tx, ticket.id).await?;
        tx.commit().await?;
    }
    let leak = typed("", "Капает с потолка в подвале", "Под вторым подъездом, у входа.", "");
    let ticket = filed(app, town, &cast, &filing::check(Kind::Emergency, &leak, &[])?).await?;
    let mut tx = staff(app, town, &cast).await?;
    tickets::accept(&mut tx, ticket.id).await?;
    tickets::bring(&mut tx, ticket.id, State::InWork, "").await?;
    tickets::bring(&mut tx, ticket.id, State::Waiting, "Мастер был, подвал закрыт. Подскажите, у кого ключ?").await?;
    Ok(tx.commit().await?)
}

/// A request that was done and praised.
async fn warmed(app: &App, town: &Town, cast: &Cast, asked: filing::Asked) -> anyhow::Result<()> {
    let ticket = filed(app, town, cast, &asked).await?;
    let mut tx = staff(app, town, cast).await?;
    tickets::accept(&mut tx, ticket.id).await?;
    tx.commit().await?;
    let mut tx = staff(app, town, cast).await?;
    tickets::bring(&mut tx, ticket.id, State::Done, "Заменили кран на радиаторе, сейчас +18 °C.").await?;
    tx.commit().await?;
    let mut tx = app.db.begin(&town.tenant, Actor::Resident(cast.resident.0)).await?;
    tickets::rate(&mut tx, &cast.owner(), ticket.id, 5, "Спасибо, стало тепло").await?;
    Ok(tx.commit().await?)
}

async fn filed(app: &App, town: &Town, cast: &Cast, asked: &filing::Asked) -> anyhow::Result<Ticket> {
    let mut tx = app.db.begin(&town.tenant, Actor::Resident(cast.resident.0)).await?;
    let ticket: Result<Ticket, Error> = tickets::file(&mut tx, cast.resident, cast.account, asked, &[]).await;
    let ticket = ticket?;
    tx.commit().await?;
    Ok(ticket)
}

async fn staff(app: &App, town: &Town, cast: &Cast) -> anyhow::Result<Tx> {
    Ok(app.db.begin(&town.tenant, Actor::Staff(cast.staff)).await?)
}

async fn any(tx: &Tx) -> anyhow::Result<bool> {
    #[derive(FromQueryResult)]
    struct Count {
        requests: i64,
    }
    let rows: Vec<Count> = tx.rows("SELECT count(*) AS requests FROM request WHERE tenant_id = $1", vec![]).await?;
    Ok(rows.first().is_some_and(|row| row.requests > 0))
}
