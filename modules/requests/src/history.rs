//! What happened to a request: every deed, with who did it. Residents see all but what is internal.

use kabinet_contracts::RequestId;
use kabinet_core::{DbError, Timestamp, Tx};
use uuid::Uuid;

use crate::entity::{request_entry, request_file};
use crate::state::State;
use crate::store;

/// What a deed was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// The resident filed the request.
    Filed,
    /// Its state changed.
    State,
    /// Somebody wrote to the other side.
    Comment,
    /// Staff wrote for themselves.
    Note,
    /// It became somebody's.
    Assigned,
    /// The resident opened it again.
    Reopened,
    /// The resident rated it.
    Rated,
}

impl Deed {
    const ALL: [Self; 7] =
        [Self::Filed, Self::State, Self::Comment, Self::Note, Self::Assigned, Self::Reopened, Self::Rated];

    /// Its name in the API and the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Filed => "filed",
            Self::State => "state",
            Self::Comment => "comment",
            Self::Note => "note",
            Self::Assigned => "assigned",
            Self::Reopened => "reopened",
            Self::Rated => "rated",
        }
    }
}

/// A deed to be written down.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewEntry<'a> {
    pub(crate) kind: Deed,
    /// The state that it led to.
    pub(crate) state: Option<State>,
    pub(crate) text: &'a str,
    pub(crate) internal: bool,
}

/// A deed as it is shown.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// `resident`, `staff` or `system`.
    pub actor: String,
    /// Who, where it was a person.
    pub actor_id: Option<Uuid>,
    /// What.
    pub deed: Deed,
    /// The state it led to.
    pub state: Option<State>,
    /// What was said; may be empty.
    pub text: String,
    /// Whether only staff see it.
    pub internal: bool,
    /// The files that came with it.
    pub files: Vec<StoredFile>,
}

/// A file of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// Identifier, also in the store of files.
    pub id: Uuid,
    /// Name as the sender had it, made harmless.
    pub name: String,
    /// `image/jpeg`, `image/png`, `image/webp` or `application/pdf`, by its bytes.
    pub media_type: String,
    /// Length.
    pub bytes: i64,
}

impl From<request_file::Model> for StoredFile {
    fn from(row: request_file::Model) -> Self {
        Self { id: row.id, name: row.name, media_type: row.media_type, bytes: row.bytes }
    }
}

/// The history that residents see, the oldest deed first.
pub async fn for_resident(tx: &Tx, request: RequestId) -> Result<Vec<Entry>, DbError> {
    load(tx, request, false).await
}

/// The whole history, internal notes and assignments too.
pub async fn for_staff(tx: &Tx, request: RequestId) -> Result<Vec<Entry>, DbError> {
    load(tx, request, true).await
}

async fn load(tx: &Tx, request: RequestId, all: bool) -> Result<Vec<Entry>, DbError> {
    let rows = store::entries(tx, request, all).await?;
    let mut files = store::files(tx, request).await?;
    let mut entries = Vec::with_capacity(rows.len());
    for row in rows {
        let (own, rest) = files.into_iter().partition(|file| file.entry_id == row.id);
        files = rest;
        entries.push(entry(row, own)?);
    }
    Ok(entries)
}

fn entry(row: request_entry::Model, files: Vec<request_file::Model>) -> Result<Entry, DbError> {
    let unknown = |what: &str| DbError::Stored(format!("request_entry {}: {what}", row.id));
    let deed = Deed::ALL.into_iter().find(|deed| deed.code() == row.kind).ok_or_else(|| unknown(&row.kind))?;
    let state = match &row.state {
        Some(code) => Some(State::of(code).ok_or_else(|| unknown(code))?),
        None => None,
    };
    Ok(Entry {
        at: row.at,
        actor: row.actor,
        actor_id: row.actor_id,
        deed,
        state,
        text: row.body,
        internal: row.internal,
        files: files.into_iter().map(StoredFile::from).collect(),
    })
}

/// A file of a request that its resident may have: none of an internal note's.
pub async fn file_for_resident(tx: &Tx, request: RequestId, id: Uuid) -> Result<Option<StoredFile>, DbError> {
    let Some(row) = store::file(tx, request, id).await? else { return Ok(None) };
    let shown = store::is_internal(tx, row.entry_id).await? == Some(false);
    Ok(shown.then(|| row.into()))
}

/// Any file of a request.
pub async fn file_for_staff(tx: &Tx, request: RequestId, id: Uuid) -> Result<Option<StoredFile>, DbError> {
    Ok(store::file(tx, request, id).await?.map(StoredFile::from))
}
