//! The houses in which a company has accounts.

use std::collections::HashMap;

use kabinet_core::{DbError, Quantity, Tx};
use sea_orm::FromQueryResult;
use uuid::Uuid;

/// A house.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct House {
    /// Identifier.
    pub id: Uuid,
    /// The company's own code of it.
    pub code: String,
    /// Address in one line.
    pub address: String,
}

/// The house with the company's code of it.
pub async fn by_code(tx: &Tx, code: &str) -> Result<Option<House>, DbError> {
    let sql = "SELECT id, code, address FROM house WHERE tenant_id = $1 AND code = $2";
    Ok(tx.rows(sql, vec![code.into()]).await?.into_iter().next())
}

/// The area of all premises of each house together, m².
pub async fn premises_areas(tx: &Tx) -> Result<HashMap<Uuid, Quantity>, DbError> {
    let rows: Vec<Area> = tx.rows(&areas(""), Vec::new()).await?;
    Ok(rows.into_iter().map(|row| (row.house_id, row.area)).collect())
}

/// The area of all premises of one house together, m²; 0 for a house without any.
pub async fn premises_area(tx: &Tx, house: Uuid) -> Result<Quantity, DbError> {
    let rows: Vec<Area> = tx.rows(&areas("AND house_id = $2"), vec![house.into()]).await?;
    Ok(rows.first().map(|row| row.area).unwrap_or_default())
}

#[derive(FromQueryResult)]
struct Area {
    house_id: Uuid,
    area: Quantity,
}

fn areas(of: &str) -> String {
    format!(
        "SELECT house_id, CAST(sum(area) AS bigint) AS area FROM premises WHERE tenant_id = $1 {of} GROUP BY house_id"
    )
}
