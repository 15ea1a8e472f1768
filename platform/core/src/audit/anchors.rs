//! The heads of chains, written outside the database: a file a company, a line a head, never rewritten.

use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::{Hash, Head};
use crate::values::Timestamp;

/// The folder of the files. Best on another disk, or where files can only be appended to (`chattr +a`).
#[derive(Clone, Debug)]
pub struct Anchors(PathBuf);

/// A head that was written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The head.
    pub head: Head,
    /// When it was written, milliseconds since 1970 UTC.
    pub at: Timestamp,
}

/// A file of heads that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AnchorError {
    /// It cannot be read or written.
    #[error("{0}: {1}")]
    File(String, std::io::Error),
    /// A line is none that was written here.
    #[error("{0}:{1}: not a line of number, hash and moment")]
    Line(String, usize),
}

impl Anchors {
    /// The files of this folder; it is made when the first head is written.
    #[must_use]
    pub const fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    fn file(&self, slug: &str) -> PathBuf {
        self.0.join(format!("{slug}.heads"))
    }

    /// Appends the head of the company `slug`; it is on the disk when this returns.
    pub fn write(&self, slug: &str, anchor: &Anchor) -> Result<(), AnchorError> {
        let file = self.file(slug);
        let line = format!("{} {} {}\n", anchor.head.seq, hex::encode(anchor.head.hash), anchor.at.0);
        append(&self.0, &file, &line).map_err(|error| AnchorError::File(file.display().to_string(), error))
    }

    /// All heads of the company `slug`; none while there is no file. A line may be the beginning of one that was being
    /// written when the power went or the disk was full: it tells nothing.
    pub fn read(&self, slug: &str) -> Result<Vec<Anchor>, AnchorError> {
        let file = self.file(slug);
        let name = || file.display().to_string();
        let text = match std::fs::read_to_string(&file) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            text => text.map_err(|error| AnchorError::File(name(), error))?,
        };
        let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
        let lines = whole.lines().enumerate().filter(|(_, line)| !is_beginning(line));
        lines.map(|(at, line)| parse(line).ok_or_else(|| AnchorError::Line(name(), at + 1))).collect()
    }
}

fn append(folder: &Path, file: &Path, line: &str) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut file = std::fs::OpenOptions::new().read(true).append(true).create(true).open(file)?;
    let line = if ends_in_a_line(&mut file)? { line.to_owned() } else { format!("\n{line}") };
    file.write_all(line.as_bytes())?;
    file.sync_data()
}

/// Whether nothing is left of a line that could not be written whole: what follows would be glued to it.
fn ends_in_a_line(file: &mut std::fs::File) -> std::io::Result<bool> {
    let mut last = [b'\n'];
    if file.metadata()?.len() > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    Ok(last == [b'\n'])
}

/// Whether a line is what is left of one that was not written whole.
fn is_beginning(line: &str) -> bool {
    let mut parts = line.split(' ');
    let number = parts.next().unwrap_or_default().bytes().all(|byte| byte.is_ascii_digit());
    let hash = parts.next().is_none_or(|part| part.len() <= 64 && part.bytes().all(|byte| byte.is_ascii_hexdigit()));
    number && hash && parts.next().is_none()
}

fn parse(line: &str) -> Option<Anchor> {
    let mut parts = line.split(' ');
    let (seq, hash, at) = (parts.next()?.parse().ok()?, hash(parts.next()?)?, parts.next()?.parse().ok()?);
    parts.next().is_none().then_some(Anchor { head: Head { seq, hash }, at: Timestamp(at) })
}

fn hash(text: &str) -> Option<Hash> {
    let mut hash = [0; 32];
    hex::decode_to_slice(text, &mut hash).ok()?;
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_as_they_were_written_and_a_torn_line_is_left_out() {
        let folder = std::env::temp_dir().join(format!("kabinet-heads-{}", std::process::id()));
        let anchors = Anchors::new(folder.clone());
        assert_eq!(anchors.read("company").expect("no file"), []);
        let written = [1, 7].map(|seq| Anchor { head: Head { seq, hash: [seq as u8; 32] }, at: Timestamp(seq * 1000) });
        written.iter().for_each(|anchor| anchors.write("company", anchor).expect("a line"));
        assert_eq!(anchors.read("company").expect("lines"), written);
        append(&folder, &anchors.file("company"), "8 0808").expect("a torn line");
        assert_eq!(anchors.read("company").expect("lines"), written);
        let next = Anchor { head: Head { seq: 9, hash: [9; 32] }, at: Timestamp(9000) };
        anchors.write("company", &next).expect("a line behind it");
        assert_eq!(anchors.read("company").expect("lines"), [&written[..], &[next]].concat());
        append(&folder, &anchors.file("company"), "10 0a0a 1\n").expect("another's line");
        assert!(matches!(anchors.read("company"), Err(AnchorError::Line(_, 5))));
        std::fs::remove_dir_all(folder).expect("the folder goes");
    }
}
