//! A photo of a meter, for those who may know who sent it.

use kabinet_contracts::{AccountId, MeterId};
use kabinet_files::{FileKind, Files};
use kabinet_web::{Problem, Resident, identifier, sent_file};
use poem::web::{Data, Path};
use poem::{Response, handler};
use uuid::Uuid;

use crate::error::Error;
use crate::senders;
use crate::settings::MODULE;

/// GET /meters/<id>/photos/<photo>
#[handler]
pub(crate) async fn show(
    resident: Resident,
    Path((id, photo)): Path<(String, String)>,
    Data(files): Data<&Files>,
) -> Result<Response, Problem> {
    let account = resident.account_for_readings()?;
    let (id, photo): (MeterId, Uuid) = (identifier(&id)?, identifier(&photo)?);
    let tx = resident.read().await?;
    let sent = senders::sent_of(&tx, AccountId(account.id), id).await?;
    tx.commit().await?;
    let found = sent.into_iter().find(|reading| reading.photo == Some(photo));
    let found = found.filter(|reading| reading.is_known_to(resident.id(), &account)).ok_or_else(Problem::not_found)?;
    let media_type = found.media_type.unwrap_or_default();
    let bytes = files.get(resident.tenant().id, MODULE, photo).await.map_err(Error::from)?;
    Ok(served(&media_type, bytes))
}

fn served(media_type: &str, bytes: Vec<u8>) -> Response {
    let kind = FileKind::of_media_type(media_type).filter(|kind| kind.is_picture());
    let (media_type, ending) =
        kind.map_or(("application/octet-stream", "bin"), |kind| (kind.media_type(), kind.ending()));
    let way = if kind.is_some() { "inline" } else { "attachment" };
    sent_file(media_type, &format!("{way}; filename=\"meter.{ending}\""), bytes)
}
