//! Messages of the demo's companies: to all, to a house, to the resident; some of them read.

use kabinet_contracts::ResidentId;
use kabinet_core::{Actor, Tx};
use kabinet_notifications::audience::Audience;
use kabinet_notifications::channel::Channel;
use kabinet_notifications::messages::{self, Outage, Written};
use kabinet_notifications::{Error, MODULE};
use kabinet_residents::people;
use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::Town;
use super::dials::SHOWN;
use crate::composition::App;

/// Writes the demo's messages where the company has none yet: what visitors did stays.
pub(super) async fn write(app: &App, town: &Town, email: &str) -> anyhow::Result<()> {
    if !app.registry.is_on(&town.tenant, MODULE) {
        return Ok(());
    }
    let tx = app.db.read(&town.tenant, Actor::System).await?;
    let (resident, there) = (people::resident_by_email(&tx, email).await?, any(&tx).await?);
    let house = house(&tx, town).await?;
    tx.commit().await?;
    let Some(resident) = resident.filter(|_| !there) else { return Ok(()) };
    let staff = Actor::Staff(town.city.chance.id("staff", 0));
    let name = &town.tenant.name;
    let all = written(
        "График работы в праздники",
        &format!(
            "**31 декабря** офис {name} работает до 15:00, с 1 по 10 января закрыт.\n\n- аварийная служба работает \
             круглосуточно;\n- показания и оплату личный кабинет принимает как обычно.\n\nС вопросами пишите на \
             [почту](mailto:{}).",
            town.tenant.profile.email
        ),
        Audience::All,
    );
    let mut tx = app.db.begin(&town.tenant, staff).await?;
    let message = messages::draft(&mut tx, all).await?;
    messages::send(&mut tx, message.id).await?;
    if let Some(house) = house {
        let outage = outage(&tx, house);
        let message = messages::draft(&mut tx, outage).await?;
        messages::send(&mut tx, message.id).await?;
    }
    let own = written("Акт сверки готов", "Акт, который вы просили, можно забрать в офисе.", one(resident.id));
    let message = messages::draft(&mut tx, own).await?;
    messages::send(&mut tx, message.id).await?;
    let draft = written("Собрание собственников", "Черновик: место и время уточняются.", Audience::All);
    messages::draft(&mut tx, draft).await?;
    Ok(tx.commit().await?)
}

const fn one(resident: ResidentId) -> Audience {
    Audience::Resident { resident }
}

fn written(title: &str, body: &str, audience: Audience) -> Written {
    Written {
        title: title.to_owned(),
        body: body.to_owned(),
        audience,
        channels: vec![Channel::Email],
        valid_from: None,
        valid_until: None,
        outage: None,
    }
}

/// Cold water for an afternoon, two days from now.
fn outage(tx: &Tx, house: Uuid) -> Written {
    let day = tx.today().plus_days(2).start(tx.tenant().zone);
    let body = "Работы на вводе в дом. Запаситесь водой заранее.";
    let outage = Outage {
        resource: "Холодная вода".to_owned(),
        from: day.plus_seconds(10 * 3600),
        until: day.plus_seconds(16 * 3600),
    };
    let audience = Audience::Houses { houses: vec![house] };
    Written {
        outage: Some(outage), ..written("Плановое отключение холодной воды", body, audience)
    }
}

/// The house of the account that the demo's resident sees first.
async fn house(tx: &Tx, town: &Town) -> Result<Option<Uuid>, Error> {
    #[derive(FromQueryResult)]
    struct Row {
        house_id: Uuid,
    }
    let sql = "SELECT p.house_id FROM account a JOIN premises p ON p.tenant_id = a.tenant_id AND p.id = a.premises_id
               WHERE a.tenant_id = $1 AND a.id = $2";
    let rows: Vec<Row> = tx.rows(sql, vec![town.city.account_id(SHOWN).into()]).await?;
    Ok(rows.first().map(|row| row.house_id))
}

async fn any(tx: &Tx) -> anyhow::Result<bool> {
    #[derive(FromQueryResult)]
    struct Count {
        messages: i64,
    }
    let sql = "SELECT count(*) AS messages FROM message WHERE tenant_id = $1 AND occasion IS NULL";
    let rows: Vec<Count> = tx.rows(sql, vec![]).await?;
    Ok(rows.first().is_some_and(|row| row.messages > 0))
}
