//! Files of requests, for those who may see the request.

use kabinet_files::{FileKind, Files};
use kabinet_web::{Problem, Resident, identifier, sent_file};
use poem::web::{Data, Path};
use poem::{Response, handler};
use uuid::Uuid;

use super::owner;
use crate::error::Error;
use crate::history::StoredFile;
use crate::settings::MODULE;
use crate::{history, tickets};

/// GET /requests/<id>/files/<file>
#[handler]
pub(crate) async fn show(
    resident: Resident,
    Path((id, file)): Path<(String, String)>,
    Data(files): Data<&Files>,
) -> Result<Response, Problem> {
    let (id, file): (_, Uuid) = (identifier(&id)?, identifier(&file)?);
    let tx = resident.read().await?;
    tickets::own(&tx, &owner(&resident), id).await?;
    let stored = history::file_for_resident(&tx, id, file).await?.ok_or_else(Problem::not_found)?;
    tx.commit().await?;
    let bytes = files.get(resident.tenant().id, MODULE, stored.id).await.map_err(Error::from)?;
    Ok(served(&stored, bytes))
}

/// The answer that carries a file: pictures are shown, everything else is saved.
fn served(file: &StoredFile, bytes: Vec<u8>) -> Response {
    let kind = FileKind::of_media_type(&file.media_type);
    let (media_type, picture) = kind.map_or(("application/octet-stream", false), |k| (k.media_type(), k.is_picture()));
    let ending = kind.map_or("bin", FileKind::ending);
    let way = if picture { "inline" } else { "attachment" };
    let disposition = format!("{way}; filename=\"file.{ending}\"; filename*=UTF-8''{}", encoded(&file.name));
    sent_file(media_type, &disposition, bytes)
}

/// A name as a header may carry it (RFC 8187).
fn encoded(name: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    name.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(media_type: &str, name: &str) -> (String, String) {
        let file =
            StoredFile { id: uuid::Uuid::nil(), name: name.to_owned(), media_type: media_type.to_owned(), bytes: 1 };
        let response = served(&file, vec![1]);
        let header = |name: &str| response.header(name).unwrap_or_default().to_owned();
        assert!(header("content-security-policy").contains("sandbox"));
        assert_eq!(header("cache-control"), "private, no-store");
        (header("content-type"), header("content-disposition"))
    }

    #[test]
    fn pictures_are_shown_and_everything_else_is_saved() {
        let (kind, way) = headers("image/jpeg", "Труба 1.jpg");
        assert_eq!(kind, "image/jpeg");
        assert!(way.starts_with("inline; filename=\"file.jpg\"; filename*=UTF-8''%D0%A2"), "{way}");
        assert!(headers("application/pdf", "a.pdf").1.starts_with("attachment;"));
        // What no release stores is never shown as what it says it is.
        assert_eq!(headers("text/html", "a.html").0, "application/octet-stream");
        assert!(headers("text/html", "a\"\r\nX: y").1.is_ascii());
    }
}
