//! Photos and files of a request: judged by their bytes, then kept outside the database.

use kabinet_core::{Db, Tenant};
use kabinet_files::{FileError, FileKind, FileLimits, Files, Refusal, Sniffed, sniff};
use kabinet_web::Upload;
use kabinet_web::upload::{LARGEST_FILE, MOST_FILES};
use uuid::Uuid;

use crate::error::Error;
use crate::settings::MODULE;

/// What a file of a request may be. Phones take photos of 12 to 50 million pixels.
const LIMITS: FileLimits = FileLimits { bytes: LARGEST_FILE, pixels: 50_000_000 };
/// The field that files come in.
const FIELD: &str = "files";
/// Characters of a file's name that are kept.
const LONGEST_NAME: usize = 80;

/// A file that may be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    name: String,
    sniffed: Sniffed,
    bytes: Vec<u8>,
}

/// A file whose bytes lie in the store; its row is still to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) kind: FileKind,
    pub(crate) bytes: i64,
    pub(crate) size: Option<(u32, u32)>,
}

/// The files that were sent, if all of them may be kept.
pub fn check(sent: Vec<Upload>) -> Result<Vec<Checked>, Error> {
    let mut refusals = Vec::new();
    if sent.len() > MOST_FILES {
        refusals.push((FIELD, format!("Не больше {MOST_FILES} файлов за один раз")));
    }
    let mut checked = Vec::new();
    for file in sent {
        match sniff(&file.bytes, LIMITS) {
            Ok(sniffed) => {
                let name = harmless(&file.name, sniffed.kind);
                checked.push(Checked { name, sniffed, bytes: file.bytes });
            }
            Err(refusal) => refusals.push((FIELD, refused(&file.name, refusal))),
        }
    }
    if refusals.is_empty() { Ok(checked) } else { Err(Error::Fields(refusals)) }
}

fn refused(name: &str, refusal: Refusal) -> String {
    let name = cleaned(name);
    match refusal {
        Refusal::Empty => format!("Файл «{name}» пуст"),
        Refusal::Kind => format!("Файл «{name}» не подходит: отправьте фото (JPEG, PNG, WebP) или документ PDF"),
        Refusal::Bytes => {
            format!("Файл «{name}» больше {} МБ: уменьшите его или отправьте другой", LIMITS.bytes / 1024 / 1024)
        }
        Refusal::Pixels => {
            format!("В снимке «{name}» больше {} млн точек: уменьшите его", LIMITS.pixels / 1_000_000)
        }
    }
}

/// The last part of a name, of letters, digits and few signs.
fn cleaned(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain = last.chars().map(|c| if c.is_alphanumeric() || " .-_()".contains(c) { c } else { '_' });
    let name: String = plain.take(LONGEST_NAME).collect();
    let name = name.trim_matches([' ', '.']);
    if name.is_empty() { "файл".to_owned() } else { name.to_owned() }
}

/// A name that ends as its bytes are.
fn harmless(name: &str, kind: FileKind) -> String {
    let name = cleaned(name);
    let ends = name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase());
    let fits =
        ends.as_deref().is_some_and(|ending| ending == kind.ending() || ending == "jpeg" && kind == FileKind::Jpeg);
    if fits { name } else { format!("{name}.{}", kind.ending()) }
}

/// Keeps the bytes of checked files; when one cannot be kept, none is.
pub async fn keep(files: &Files, db: &Db, tenant: &Tenant, checked: Vec<Checked>) -> Result<Vec<Kept>, FileError> {
    let ids = db.entropy().ids(db.clock().now());
    let (mut kept, mut contents) = (Vec::new(), Vec::new());
    for Checked { name, sniffed: Sniffed { kind, size }, bytes } in checked {
        let id = ids.next();
        kept.push(Kept { id, name, kind, size, bytes: i64::try_from(bytes.len()).unwrap_or(i64::MAX) });
        contents.push((id, bytes));
    }
    files.put_all(tenant.id, MODULE, contents).await?;
    Ok(kept)
}

/// Removes kept bytes whose rows were not written after all.
pub async fn let_go(files: &Files, tenant: &Tenant, kept: &[Kept]) {
    files.let_go(tenant.id, MODULE, kept.iter().map(|file| file.id).collect()).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upload(name: &str, bytes: &[u8]) -> Upload {
        Upload { field: FIELD.to_owned(), name: name.to_owned(), bytes: bytes.to_vec() }
    }

    #[test]
    fn a_name_is_harmless_and_ends_as_the_bytes_are() {
        assert_eq!(harmless("Труба.JPG", FileKind::Jpeg), "Труба.JPG");
        assert_eq!(harmless("IMG.jpeg", FileKind::Jpeg), "IMG.jpeg");
        assert_eq!(harmless("page.html", FileKind::Pdf), "page.html.pdf");
        assert_eq!(harmless("..\\..\\etc/passwd", FileKind::Png), "passwd.png");
        assert_eq!(harmless("a\"\r\nX: 1<b>.png", FileKind::Png), "a___X_ 1_b_.png");
        assert_eq!(harmless("...", FileKind::Pdf), "файл.pdf");
        assert!(harmless(&"я".repeat(300), FileKind::Pdf).chars().count() <= LONGEST_NAME + 4);
    }

    #[test]
    fn every_file_that_does_not_fit_is_named() {
        let pdf = b"%PDF-1.7";
        assert_eq!(check(vec![upload("акт.pdf", pdf)]).map(|files| files.len()).ok(), Some(1));
        let wrong = check(vec![upload("a.pdf", pdf), upload("b.exe", b"MZ"), upload("c.png", b"")]);
        let Err(Error::Fields(fields)) = wrong else { panic!("taken") };
        assert_eq!(fields.len(), 2);
        assert!(fields[0].1.contains("b.exe") && fields[1].1.contains("c.png"), "{fields:?}");
        let many = check((0..6).map(|_| upload("a.pdf", pdf)).collect());
        assert!(matches!(many, Err(Error::Fields(fields)) if fields.len() == 1));
    }
}
