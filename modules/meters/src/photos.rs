//! Photos kept as evidence of readings: judged by their bytes, kept outside the database as they were sent.

use std::collections::BTreeMap;

use kabinet_contracts::MeterId;
use kabinet_core::limits::{self, Limit};
use kabinet_core::{Db, Tenant, Tx};
use kabinet_files::{FileError, FileLimits, Files, Refusal, Sniffed, sniff};
use kabinet_web::Upload;
use kabinet_web::upload::{LARGEST_FILE, MOST_FILES};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use crate::entity::reading_photo;
use crate::error::Error;
use crate::readings::Accepted;
use crate::settings::MODULE;
use crate::submission::Submission;
use crate::verdict::{self, Verdict};

/// Forms with photos that one sender may send in a day: a mischief-maker does not fill the disk.
const SENT: Limit = Limit { most: 20, seconds: 24 * 3600 };
/// What a photo may be. Phones take photos of 12 to 50 million pixels.
const LIMITS: FileLimits = FileLimits { bytes: LARGEST_FILE, pixels: 50_000_000 };

/// A photo that may be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    meter: MeterId,
    sniffed: Sniffed,
    bytes: Vec<u8>,
}

/// A photo whose bytes lie in the store; its row is still to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    meter: MeterId,
    id: Uuid,
    sniffed: Sniffed,
    bytes: i64,
}

/// A stored photo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Photo {
    /// Identifier.
    pub id: Uuid,
    /// The reading it shows.
    pub reading: Uuid,
    /// `image/jpeg`, `image/png` or `image/webp`.
    pub media_type: String,
    /// Its size.
    pub bytes: i64,
}

impl From<reading_photo::Model> for Photo {
    fn from(row: reading_photo::Model) -> Self {
        Self { id: row.id, reading: row.reading_id, media_type: row.media_type, bytes: row.bytes }
    }
}

/// The photos that were sent in fields `meter_<id>_photo` beside the readings of `submission`, or what is wrong with
/// each.
pub fn check(sent: Vec<Upload>, submission: &Submission) -> Result<Vec<Checked>, Vec<Verdict>> {
    let (mut good, mut wrong) = (BTreeMap::new(), Vec::new());
    if sent.len() > MOST_FILES {
        let field = sent.first().map(|file| file.field.clone()).unwrap_or_default();
        wrong.push(Verdict {
            field, text: format!("Не больше {MOST_FILES} снимков за один раз")
        });
    }
    for file in sent {
        let id = file.field.strip_prefix("meter_").and_then(|rest| rest.strip_suffix("_photo"));
        let Some(Ok(meter)) = id.map(str::parse::<MeterId>) else { continue };
        let filled = submission.rows.get(&meter).is_some_and(crate::submission::Row::is_filled);
        let text = match sniff(&file.bytes, LIMITS) {
            _ if !filled => "Снимок без показания: введите показание этого прибора".to_owned(),
            Ok(sniffed) if sniffed.kind.is_picture() => {
                good.insert(meter, Checked { meter, sniffed, bytes: file.bytes });
                continue;
            }
            Ok(_) => refused(Refusal::Kind),
            Err(refusal) => refused(refusal),
        };
        wrong.push(Verdict { field: file.field, text });
    }
    if wrong.is_empty() { Ok(good.into_values().collect()) } else { Err(wrong) }
}

/// Why photos are not taken; nothing of the form is stored.
pub(crate) struct Denied {
    /// What is wrong, for the form.
    pub(crate) why: verdict::Refusal,
    /// Seconds after which photos are taken again, where they came too often.
    pub(crate) wait: Option<i64>,
}

/// Takes in the photos of a form beside the readings of `submission`: judged, counted against the `sender` (a resident; of
/// somebody who is not logged in the account, or the link's meter) and kept.
pub(crate) async fn receive(
    files: &Files,
    db: &Db,
    tenant: &Tenant,
    sender: Uuid,
    sent: Vec<Upload>,
    submission: &Submission,
) -> Result<Result<Vec<Kept>, Denied>, Error> {
    let photos = match check(sent, submission) {
        Ok(photos) if photos.is_empty() => return Ok(Ok(Vec::new())),
        Ok(photos) => photos,
        Err(wrong) => return Ok(Err(Denied { why: verdict::Refusal::of(wrong), wait: None })),
    };
    let counter = format!("reading-photos:{}:{sender}", tenant.id);
    match limits::hit(db, &counter, SENT).await? {
        limits::Verdict::Allowed => Ok(Ok(keep(files, db, tenant, photos).await?)),
        limits::Verdict::Wait(seconds) => {
            let why = verdict::Refusal::of(too_many(&photos));
            Ok(Err(Denied { why, wait: Some(seconds) }))
        }
    }
}

/// What is said of good photos that came too often.
fn too_many(photos: &[Checked]) -> Vec<Verdict> {
    let text = format!("Показания с фото можно передать {} раз в сутки: передайте их без фото или завтра", SENT.most);
    let first = photos.first().map(|photo| Verdict { field: format!("meter_{}_photo", photo.meter), text });
    first.into_iter().collect()
}

fn refused(refusal: Refusal) -> String {
    match refusal {
        Refusal::Empty => "Файл пуст".to_owned(),
        Refusal::Kind => "Это не фото: отправьте снимок JPEG, PNG или WebP".to_owned(),
        Refusal::Bytes => format!("Снимок больше {} МБ: уменьшите его", LIMITS.bytes / 1024 / 1024),
        Refusal::Pixels => format!("В снимке больше {} млн точек: уменьшите его", LIMITS.pixels / 1_000_000),
    }
}

/// Keeps the bytes of checked photos; when one cannot be kept, none is.
pub async fn keep(files: &Files, db: &Db, tenant: &Tenant, checked: Vec<Checked>) -> Result<Vec<Kept>, FileError> {
    let ids = db.entropy().ids(db.clock().now());
    let (mut kept, mut contents) = (Vec::new(), Vec::new());
    for Checked { meter, sniffed, bytes } in checked {
        let id = ids.next();
        kept.push(Kept { meter, id, sniffed, bytes: i64::try_from(bytes.len()).unwrap_or(i64::MAX) });
        contents.push((id, bytes));
    }
    files.put_all(tenant.id, MODULE, contents).await?;
    Ok(kept)
}

/// Removes kept bytes whose rows were not written after all.
pub async fn let_go(files: &Files, tenant: &Tenant, kept: &[Kept]) {
    files.let_go(tenant.id, MODULE, kept.iter().map(|photo| photo.id).collect()).await;
}

/// Puts kept photos beside the readings that were stored with them. No statement without photos.
pub async fn attach(tx: &Tx, accepted: &Accepted, kept: &[Kept]) -> Result<(), Error> {
    let mut rows = Vec::new();
    for photo in kept {
        let at = accepted.meters.iter().position(|meter| *meter == photo.meter);
        let reading = at.and_then(|at| accepted.readings.get(at).copied()).ok_or(Error::NotFound)?;
        let (width, height) = photo.sniffed.size.unwrap_or_default();
        let row = reading_photo::Model {
            tenant_id: tx.tenant_id(),
            id: photo.id,
            reading_id: reading,
            meter_id: photo.meter,
            media_type: photo.sniffed.kind.media_type().to_owned(),
            bytes: photo.bytes,
            width: i32::try_from(width).unwrap_or(i32::MAX),
            height: i32::try_from(height).unwrap_or(i32::MAX),
        };
        rows.push(reading_photo::ActiveModel::from(row).reset_all());
    }
    Ok(tx.insert_many(rows).await?)
}

/// The photos of a meter's readings.
pub async fn of_meter(tx: &Tx, meter: MeterId) -> Result<Vec<Photo>, Error> {
    let mine = reading_photo::Entity::find().filter(reading_photo::Column::MeterId.eq(meter));
    Ok(tx.all(mine).await?.into_iter().map(Photo::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png() -> Vec<u8> {
        let head = [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, b'I', b'H', b'D', b'R'];
        [head.as_slice(), &[0, 0, 0, 9, 0, 0, 0, 9, 8, 2, 0, 0, 0]].concat()
    }

    #[test]
    fn a_photo_belongs_to_a_reading_and_is_a_picture() {
        let (read, unread) = (MeterId(Uuid::from_u128(1)), MeterId(Uuid::from_u128(2)));
        let fields = [(format!("meter_{read}_value"), "131".to_owned())];
        let submission = Submission::from_form(&fields.into());
        let upload = |meter: MeterId, bytes: &[u8]| Upload {
            field: format!("meter_{meter}_photo"),
            name: "снимок.jpg".to_owned(),
            bytes: bytes.to_vec(),
        };
        let good = check(vec![upload(read, &png())], &submission);
        assert_eq!(good.map(|photos| photos.len()), Ok(1));
        for (meter, bytes, words) in [
            (read, b"%PDF-1.7".as_slice(), "не фото"),
            (read, b"MZ", "не фото"),
            (read, b"", "пуст"),
            (unread, &png(), "без показания"),
        ] {
            let wrong = check(vec![upload(meter, bytes)], &submission).expect_err("a refusal");
            assert_eq!(wrong[0].field, format!("meter_{meter}_photo"));
            assert!(wrong[0].text.contains(words), "{wrong:?}");
        }
    }
}
