//! The heads of chains, written outside the database: a file a company, a numbered line a head, never rewritten.
//!
//! How many heads there are is also remembered apart from them, so that what was cut off the end is missed, and never
//! written again under the same numbers.

use std::fs::{File, OpenOptions, create_dir_all};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::{Fault, Hash, Head};
use crate::values::Timestamp;

/// Bytes at the end of a file in which its last line is: many times the longest.
const TAIL: u64 = 1024;

/// Digits of a moment at the end of a line: with fewer the line was not written whole.
const MOMENT: usize = 13;

/// Where the files are.
#[derive(Clone, Debug)]
pub struct Anchors {
    folder: PathBuf,
    memory: PathBuf,
}

/// A head that was written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Its number among the company's: the first is 1; 0 for those of releases that did not number them.
    pub number: i64,
    /// The head.
    pub head: Head,
    /// When it was written, milliseconds since 1970 UTC.
    pub at: Timestamp,
}

/// A company's heads as they stand outside the database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heads {
    /// The heads, in the order in which they were written.
    pub anchors: Vec<Anchor>,
    /// How many this machine remembers to have seen written; 0 where it remembers nothing.
    pub remembered: i64,
}

/// A file of heads that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AnchorError {
    /// It cannot be read or written.
    #[error("{0}: {1}")]
    File(String, std::io::Error),
    /// A line is none that was written here.
    #[error("{0}:{1}: not a line of number, place, hash and moment")]
    Line(String, usize),
}

impl Heads {
    /// The numbers that are missing, between two heads and behind the last one.
    pub(super) fn gone(&self) -> Vec<Fault> {
        let mut numbers: Vec<(i64, Option<Timestamp>)> =
            self.anchors.iter().map(|anchor| (anchor.number, Some(anchor.at))).collect();
        numbers.sort_unstable();
        let (first, end) = ((0, None), (self.remembered + 1, None));
        let before = std::iter::once(&first).chain(&numbers);
        let after = numbers.iter().chain(std::iter::once(&end));
        let gaps = before.zip(after).filter(|(before, after)| after.0 > before.0 + 1);
        gaps.map(|(before, after)| Fault::HeadsGone { from: before.0 + 1, to: after.0 - 1, after: before.1 }).collect()
    }
}

impl Anchors {
    /// The files of `folder`, best on another disk, or where files can only be appended to (`chattr +a`), the same for
    /// all servers; `memory` is a folder of this machine. Both are made when the first head is written.
    #[must_use]
    pub const fn new(folder: PathBuf, memory: PathBuf) -> Self {
        Self { folder, memory }
    }

    /// The file with the heads of the company `slug`.
    #[must_use]
    pub fn file(&self, slug: &str) -> PathBuf {
        self.folder.join(format!("{slug}.heads"))
    }

    /// Writes the head of the company `slug` down, unless it is the last that was; it is on the disk when this returns.
    pub fn keep(&self, slug: &str, head: Head, at: Timestamp) -> Result<(), AnchorError> {
        let path = self.file(slug);
        let mut file = locked(&self.folder, &path).map_err(named(&path))?;
        let number = append(&mut file, head, at, self.remembered(slug)).map_err(named(&path))?;
        match number {
            Some(number) => self.remember(slug, number),
            None => Ok(()),
        }
    }

    /// All heads of the company `slug`; none while there is no file. A line may be the beginning of one that was being
    /// written when the power went or the disk was full: it tells nothing.
    pub fn read(&self, slug: &str) -> Result<Heads, AnchorError> {
        let file = self.file(slug);
        let text = match std::fs::read_to_string(&file) {
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            text => text.map_err(named(&file))?,
        };
        let lines = text.lines().enumerate().filter(|(_, line)| parse(line).is_some() || !is_beginning(line));
        let line = |(at, line)| parse(line).ok_or_else(|| AnchorError::Line(file.display().to_string(), at + 1));
        Ok(Heads { anchors: lines.map(line).collect::<Result<_, _>>()?, remembered: self.remembered(slug) })
    }

    fn remembered(&self, slug: &str) -> i64 {
        let text = std::fs::read_to_string(self.memory.join(slug)).unwrap_or_default();
        text.trim().parse().unwrap_or_default()
    }

    fn remember(&self, slug: &str, number: i64) -> Result<(), AnchorError> {
        let (file, draft) = (self.memory.join(slug), self.memory.join(format!("{slug}.new")));
        let written = create_dir_all(&self.memory).and_then(|()| std::fs::write(&draft, format!("{number}\n")));
        written.and_then(|()| std::fs::rename(draft, &file)).map_err(named(&file))
    }
}

fn named(file: &Path) -> impl FnOnce(std::io::Error) -> AnchorError {
    let name = file.display().to_string();
    move |error| AnchorError::File(name, error)
}

/// The file, for this writer alone: several servers may have it, and each line follows the one before.
fn locked(folder: &Path, file: &Path) -> std::io::Result<File> {
    create_dir_all(folder)?;
    let file = OpenOptions::new().read(true).append(true).create(true).open(file)?;
    file.lock()?;
    // A file that was just made is there after a loss of power as well.
    if file.metadata()?.len() == 0 {
        File::open(folder)?.sync_all()?;
    }
    Ok(file)
}

/// Appends the head with the next number, behind the `remembered` ones; none where it is the last one already.
fn append(file: &mut File, head: Head, at: Timestamp, remembered: i64) -> std::io::Result<Option<i64>> {
    let tail = tail(file)?;
    let last = tail.lines().rev().find_map(parse);
    if last.is_some_and(|last| last.head == head) {
        return Ok(None);
    }
    let number = last.map_or(0, |last| last.number).max(remembered) + 1;
    // What is left of a line that could not be written whole ends here: this one would be glued to it.
    let end = if tail.is_empty() || tail.ends_with('\n') { "" } else { "\n" };
    file.write_all(format!("{end}{number} {} {} {:0MOMENT$}\n", head.seq, hex::encode(head.hash), at.0).as_bytes())?;
    file.sync_data()?;
    Ok(Some(number))
}

fn tail(file: &mut File) -> std::io::Result<String> {
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut tail = String::new();
    file.read_to_string(&mut tail)?;
    Ok(tail)
}

/// Whether a line is what is left of one that was not written whole.
fn is_beginning(line: &str) -> bool {
    let parts: Vec<&str> = line.split(' ').collect();
    let digits = |part: &&str| part.bytes().all(|byte| byte.is_ascii_digit());
    let hash = |part: &&str| part.len() <= 64 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let numbers = parts.iter().take(2).all(digits) && parts.get(2).is_none_or(hash);
    numbers && parts.len() <= 4 && parts.get(3).is_none_or(|part| digits(part) && part.len() < MOMENT)
}

fn parse(line: &str) -> Option<Anchor> {
    let parts: Vec<&str> = line.split(' ').collect();
    let (number, [seq, digest, at]) = match parts[..] {
        [number, seq, digest, at] if at.len() >= MOMENT => (number.parse().ok()?, [seq, digest, at]),
        [seq, digest, at] => (0, [seq, digest, at]),
        _ => return None,
    };
    let head = Head { seq: seq.parse().ok()?, hash: hash(digest)? };
    Some(Anchor { number, head, at: Timestamp(at.parse().ok()?) })
}

fn hash(text: &str) -> Option<Hash> {
    let mut hash = [0; 32];
    hex::decode_to_slice(text, &mut hash).ok()?;
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files of a test's own; they go when it ends.
    struct Kept(PathBuf);

    impl Kept {
        fn new(name: &str) -> (Self, Anchors) {
            let folder = std::env::temp_dir().join(format!("kabinet-heads-{name}-{}", std::process::id()));
            let anchors = Anchors::new(folder.join("heads"), folder.join("memory"));
            (Self(folder), anchors)
        }
    }

    impl Drop for Kept {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn head(seq: i64) -> Head {
        Head { seq, hash: [u8::try_from(seq).expect("a small place"); 32] }
    }

    fn write(anchors: &Anchors, places: impl IntoIterator<Item = i64>) {
        places.into_iter().for_each(|seq| anchors.keep("company", head(seq), Timestamp(seq * 1000)).expect("a line"));
    }

    fn numbers(anchors: &Anchors) -> Vec<(i64, i64)> {
        let heads = anchors.read("company").expect("lines");
        heads.anchors.iter().map(|anchor| (anchor.number, anchor.head.seq)).collect()
    }

    fn put_behind(anchors: &Anchors, text: &str) {
        let mut file = OpenOptions::new().append(true).open(anchors.file("company")).expect("the file");
        file.write_all(text.as_bytes()).expect("a write");
    }

    /// The numbers that are gone.
    fn gone(anchors: &Anchors) -> Vec<(i64, i64, Option<i64>)> {
        let numbers = |fault| match fault {
            Fault::HeadsGone { from, to, after } => (from, to, after.map(|Timestamp(at)| at)),
            other => panic!("{other:?}"),
        };
        anchors.read("company").expect("lines").gone().into_iter().map(numbers).collect()
    }

    #[test]
    fn heads_are_numbered_and_one_is_written_once() {
        let (_kept, anchors) = Kept::new("numbers");
        assert_eq!(anchors.read("company").expect("no file"), Heads::default());
        write(&anchors, [1, 7, 7, 9]);
        assert_eq!(numbers(&anchors), [(1, 1), (2, 7), (3, 9)]);
        assert!(gone(&anchors).is_empty());
    }

    #[test]
    fn a_line_that_was_not_written_whole_spoils_no_other() {
        let (_kept, anchors) = Kept::new("torn");
        write(&anchors, [1]);
        let whole = format!("2 2 {} 0000000002000", hex::encode([2; 32]));
        for cut in ["2", "2 ", "2 2 ", "2 2 0202", &whole[..whole.len() - 13], &whole[..whole.len() - 1]] {
            put_behind(&anchors, cut);
            assert_eq!(numbers(&anchors), [(1, 1)], "{cut:?}");
            put_behind(&anchors, "\n");
        }
        put_behind(&anchors, "2 07");
        write(&anchors, [7]);
        assert_eq!(numbers(&anchors), [(1, 1), (2, 7)]);
        assert!(gone(&anchors).is_empty());
        put_behind(&anchors, "a line of another\n");
        assert!(matches!(anchors.read("company"), Err(AnchorError::Line(_, 10))));
    }

    #[test]
    fn heads_that_were_not_numbered_stay_heads() {
        let (_kept, anchors) = Kept::new("earlier");
        write(&anchors, [1]);
        let earlier = |seq: u8| format!("{seq} {} 1{seq}000\n", hex::encode([seq; 32]));
        std::fs::write(anchors.file("company"), earlier(2) + earlier(3).as_str())
            .expect("a file of an earlier release");
        write(&anchors, [3, 4]);
        assert_eq!(numbers(&anchors), [(0, 2), (0, 3), (2, 4)]);
        assert_eq!(gone(&anchors), [(1, 1, Some(13_000))]);
    }

    #[test]
    fn lines_that_are_gone_stay_gone_when_others_are_written() {
        let (_kept, anchors) = Kept::new("gone");
        write(&anchors, 1..=5);
        let text = std::fs::read_to_string(anchors.file("company")).expect("the file");
        let lines: Vec<&str> = text.lines().collect();
        let keep = |lines: &[&str]| {
            std::fs::write(anchors.file("company"), format!("{}\n", lines.join("\n"))).expect("a write");
        };
        keep(&[lines[0], lines[1], lines[4]]);
        assert_eq!(gone(&anchors), [(3, 4, Some(2000))]);
        keep(&lines[..3]);
        assert_eq!(gone(&anchors), [(4, 5, Some(3000))]);
        write(&anchors, [6]);
        assert_eq!((numbers(&anchors).last(), gone(&anchors)), (Some(&(6, 6)), vec![(4, 5, Some(3000))]));
        std::fs::remove_file(anchors.file("company")).expect("the file goes");
        assert_eq!(gone(&anchors), [(1, 6, None)]);
        write(&anchors, [7]);
        assert_eq!((numbers(&anchors), gone(&anchors)), (vec![(7, 7)], vec![(1, 6, None)]));
    }
}
