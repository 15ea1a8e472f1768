//! Forms with files: read piece by piece, and nothing of a file before its form's token fits.

use poem::http::header;
use poem::web::{Field, Multipart};
use poem::{FromRequest, Request, RequestBody, Result};
use serde::de::DeserializeOwned;
use tokio::io::AsyncReadExt;

use crate::form::{Form, check_origin, check_token, too_large, unreadable};
use crate::problem::Problem;

/// Bytes that are kept of one file at the most; of a longer one a byte more, which tells that it is longer.
pub const LARGEST_FILE: usize = 10 * 1024 * 1024;
/// Files of which anything is kept; one more tells that there are more.
pub const MOST_FILES: usize = 5;
/// Bytes of a whole form; beyond them it is not read on (413).
const LARGEST_FORM: usize = 64 * 1024 * 1024;
/// Bytes of all its texts.
const LARGEST_TEXTS: usize = 64 * 1024;

/// A file that came with a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// The field it came in.
    pub field: String,
    /// Its name as the browser gave it; untrusted.
    pub name: String,
    /// Its bytes; [`LARGEST_FILE`] and one more of a longer file.
    pub bytes: Vec<u8>,
}

/// The texts and files of a form that was sent from a page of this very session. A form without files may
/// come as any other form does. `csrf` must be its first field: a file before it is refused unread.
#[derive(Clone, Debug)]
pub struct FormWithFiles<T> {
    /// The texts.
    pub fields: T,
    /// The files that were chosen, at most [`MOST_FILES`] and one more.
    pub files: Vec<Upload>,
}

impl<'a, T: DeserializeOwned + Send> FromRequest<'a> for FormWithFiles<T> {
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> Result<Self> {
        if !brings_files(request) {
            let Form(fields) = Form::from_request(request, body).await?;
            return Ok(Self { fields, files: Vec::new() });
        }
        check_origin(request)?;
        if announced(request).is_some_and(|length| length > LARGEST_FORM) {
            return Err(too_large().into());
        }
        let mut parts = Multipart::from_request(request, body).await.map_err(|_| unreadable())?;
        let mut read = Reading::default();
        while let Some(part) = parts.next_field().await.map_err(|_| unreadable())? {
            read.take(request, part).await?;
        }
        if !read.trusted {
            return Err(Problem::stale_form().into());
        }
        let texts = serde_urlencoded::to_string(&read.texts).map_err(|_| unreadable())?;
        let fields = serde_urlencoded::from_str(&texts).map_err(|_| unreadable())?;
        Ok(Self { fields, files: read.files })
    }
}

/// Whether a request says that its form has files. Where not everybody may send any, an extractor before the form asks
/// this: a form without files is small, whoever sends it.
#[must_use]
pub fn brings_files(request: &Request) -> bool {
    request.content_type().is_some_and(|kind| kind.starts_with("multipart/form-data"))
}

fn announced(request: &Request) -> Option<usize> {
    request.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// What was read of a form so far.
#[derive(Default)]
struct Reading {
    texts: Vec<(String, String)>,
    files: Vec<Upload>,
    bytes: usize,
    trusted: bool,
}

impl Reading {
    async fn take(&mut self, request: &Request, part: Field) -> Result<(), Problem> {
        let field = part.name().unwrap_or_default().to_owned();
        match part.file_name().map(str::to_owned) {
            Some(name) => {
                if !self.trusted {
                    return Err(Problem::stale_form());
                }
                let most = if self.files.len() > MOST_FILES { 0 } else { LARGEST_FILE + 1 };
                let bytes = self.bytes_of(part, most).await?;
                // A field in which nothing was chosen comes as a file without a name.
                if most > 0 && !(name.is_empty() && bytes.is_empty()) {
                    self.files.push(Upload { field, name, bytes });
                }
            }
            None => {
                let text = String::from_utf8(self.bytes_of(part, LARGEST_TEXTS + 1).await?);
                let text = text.ok().filter(|text| !text.contains('\0')).ok_or_else(unreadable)?;
                let length: usize = self.texts.iter().map(|(_, text)| text.len()).sum();
                if length + text.len() > LARGEST_TEXTS {
                    return Err(too_large());
                }
                if field == "csrf" && !self.trusted {
                    check_token(request, &text)?;
                    self.trusted = true;
                }
                self.texts.push((field, text));
            }
        }
        Ok(())
    }

    /// The first `most` bytes of a part; the rest is read and let go.
    async fn bytes_of(&mut self, part: Field, most: usize) -> Result<Vec<u8>, Problem> {
        let mut reader = Box::pin(part.into_async_read());
        let (mut kept, mut piece) = (Vec::new(), vec![0_u8; 16 * 1024]);
        loop {
            let length = reader.read(&mut piece).await.map_err(|_| unreadable())?;
            if length == 0 {
                return Ok(kept);
            }
            self.bytes += length;
            if self.bytes > LARGEST_FORM {
                return Err(too_large());
            }
            let room = most.saturating_sub(kept.len()).min(length);
            kept.extend_from_slice(&piece[..room]);
        }
    }
}
