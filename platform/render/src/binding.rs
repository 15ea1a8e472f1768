//! Several PDFs bound into one, part after part: what came before is written and forgotten, so that a
//! house of any size takes the memory of one part.
//!
//! Reads the PDFs of this crate only: objects in the open, one plain table of contents, no tags, nothing
//! encrypted. Whatever is different is refused.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::error::RenderError;

/// The numbers that the bound file gives to its own objects.
const CATALOG: usize = 1;
const PAGES: usize = 2;
const INFO: usize = 3;

/// Binds PDFs into one file. Its methods return what is to be written next.
#[derive(Debug)]
pub struct Binder {
    title: String,
    /// Where each object begins, by its number less one; the first three come last.
    places: Vec<u64>,
    written: u64,
    /// The page tree of each part: its number and its pages.
    parts: Vec<(usize, u64)>,
}

impl Binder {
    /// A file with this title, and how it begins.
    #[must_use]
    pub fn new(title: &str) -> (Self, Vec<u8>) {
        let head = b"%PDF-1.7\n%\x80\x80\x80\x80\n".to_vec();
        let written = head.len() as u64;
        (Self { title: title.to_owned(), places: vec![0; INFO], written, parts: Vec::new() }, head)
    }

    /// Adds the pages of a PDF behind those before.
    pub fn add(&mut self, pdf: &[u8]) -> Result<Vec<u8>, RenderError> {
        let part = Part::read(pdf).ok_or_else(|| RenderError::Data("эту PDF нельзя сшить с другими".into()))?;
        let shift = self.places.len();
        let mut out = Vec::with_capacity(pdf.len() + pdf.len() / 64);
        self.places.resize(shift + part.count, 0);
        for (number, body) in &part.objects {
            if *number == part.catalog {
                continue;
            }
            if let Some(place) = self.places.get_mut(shift + number - 1) {
                *place = self.written + out.len() as u64;
            }
            out.extend_from_slice(format!("{} 0 obj\n", number + shift).as_bytes());
            let parent = (*number == part.pages).then(|| format!("/Parent {PAGES} 0 R"));
            renumber(body, shift, parent.as_deref(), &mut out);
        }
        self.parts.push((part.pages + shift, part.page_count));
        self.written += out.len() as u64;
        Ok(out)
    }

    /// The end of the file.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        let mut out = String::new();
        let kids: String = self.parts.iter().map(|(root, _)| format!("{root} 0 R ")).collect();
        let count: u64 = self.parts.iter().map(|(_, pages)| pages).sum();
        let title: String = self.title.encode_utf16().map(|unit| format!("{unit:04X}")).collect();
        let own = [
            (
                CATALOG,
                format!("<</Type/Catalog/Pages {PAGES} 0 R/Lang(ru-RU)/ViewerPreferences<</DisplayDocTitle true>>>>"),
            ),
            (PAGES, format!("<</Type/Pages/Count {count}/Kids[{kids}]>>")),
            (INFO, format!("<</Title<FEFF{title}>>>")),
        ];
        for (number, body) in own {
            self.places[number - 1] = self.written + out.len() as u64;
            let _ = write!(out, "{number} 0 obj\n{body}\nendobj\n");
        }
        let table = self.written + out.len() as u64;
        let _ = write!(out, "xref\n0 {}\n0000000000 65535 f \n", self.places.len() + 1);
        for place in &self.places {
            // An object of a part that nothing needs any more has no place.
            let kind = if *place == 0 { "65535 f" } else { "00000 n" };
            let _ = writeln!(out, "{place:010} {kind} ");
        }
        let size = self.places.len() + 1;
        let _ =
            write!(out, "trailer\n<</Size {size}/Root {CATALOG} 0 R/Info {INFO} 0 R>>\nstartxref\n{table}\n%%EOF\n");
        out.into_bytes()
    }
}

/// One PDF taken apart.
struct Part<'a> {
    /// Number of an object → its bytes behind `obj`, `endobj` included.
    objects: BTreeMap<usize, &'a [u8]>,
    /// The highest number of an object.
    count: usize,
    catalog: usize,
    pages: usize,
    page_count: u64,
}

impl<'a> Part<'a> {
    fn read(pdf: &'a [u8]) -> Option<Self> {
        let table: usize = number_after(&pdf[rfind(pdf, b"startxref")?..], b"startxref")?;
        let rest = pdf.get(table..)?.strip_prefix(b"xref\n0 ")?;
        let line = rest.iter().position(|byte| *byte == b'\n')?;
        let entries: usize = std::str::from_utf8(&rest[..line]).ok()?.trim().parse().ok()?;
        let mut places = Vec::with_capacity(entries);
        for number in 1..entries {
            let entry = rest.get(line + 1 + number * 20..)?.get(..20)?;
            let place: usize = std::str::from_utf8(&entry[..10]).ok()?.parse().ok()?;
            if entry[17] == b'n' {
                places.push((place, number));
            }
        }
        places.sort_unstable();
        let ends = places.iter().skip(1).map(|(place, _)| *place).chain([table]);
        let mut objects = BTreeMap::new();
        for ((place, number), end) in places.iter().zip(ends) {
            let body = pdf.get(*place..end)?.strip_prefix(format!("{number} 0 obj\n").as_bytes())?;
            objects.insert(*number, body);
        }
        let trailer = &pdf[table..];
        let catalog = number_after(trailer, b"/Root ")?;
        let pages = number_after(objects.get(&catalog)?, b"/Pages ")?;
        let page_count = number_after(objects.get(&pages)?, b"/Count ")?;
        Some(Self { objects, count: entries.checked_sub(1)?, catalog, pages, page_count })
    }
}

/// The number behind the first `key`.
fn number_after<N: std::str::FromStr>(text: &[u8], key: &[u8]) -> Option<N> {
    let at = text.windows(key.len()).position(|window| window == key)? + key.len();
    let digits =
        text[at..].iter().skip_while(|byte| byte.is_ascii_whitespace()).take_while(|byte| byte.is_ascii_digit());
    String::from_utf8(digits.copied().collect()).ok()?.parse().ok()
}

fn rfind(text: &[u8], key: &[u8]) -> Option<usize> {
    text.windows(key.len()).rposition(|window| window == key)
}

/// Copies an object with the numbers in its references moved by `shift`; `parent` becomes the first entry
/// of its dictionary. A stream's bytes are copied as they are.
fn renumber(body: &[u8], shift: usize, parent: Option<&str>, out: &mut Vec<u8>) {
    let mut at = 0;
    let mut depth = 0_usize;
    // Where in `out` the last two whole numbers begin.
    let mut numbers: Vec<(usize, usize)> = Vec::new();
    while let Some(&byte) = body.get(at) {
        let token = match byte {
            b'(' => text_length(&body[at..]),
            b'<' | b'>' if body.get(at + 1) == Some(&byte) => 2,
            b'<' => body[at..].iter().position(|byte| *byte == b'>').map_or(body.len() - at, |end| end + 1),
            byte if is_regular(byte) => {
                body[at..].iter().skip(1).position(|byte| !is_regular(*byte)).map_or(body.len() - at, |end| end + 1)
            }
            b'/' => body[at + 1..].iter().position(|byte| !is_regular(*byte)).map_or(body.len() - at, |end| end + 1),
            _ => 1,
        };
        let text = &body[at..at + token];
        match text {
            b"<<" => depth += 1,
            b">>" => depth = depth.saturating_sub(1),
            b"stream" | b"endobj" if depth == 0 => return out.extend_from_slice(&body[at..]),
            _ => {}
        }
        let number = std::str::from_utf8(text).ok().and_then(|text| text.parse::<usize>().ok());
        match (text, number, numbers.as_slice()) {
            (b"R", _, [.., (start, object), (_, 0)]) => {
                let moved = format!("{} 0 R", object + shift);
                out.truncate(*start);
                out.extend_from_slice(moved.as_bytes());
                numbers.clear();
            }
            (_, Some(value), _) => {
                numbers.push((out.len(), value));
                out.extend_from_slice(text);
            }
            _ => {
                if !byte.is_ascii_whitespace() {
                    numbers.clear();
                }
                out.extend_from_slice(text);
            }
        }
        at += token;
        if let Some(parent) = parent.filter(|_| text == b"<<" && depth == 1) {
            out.extend_from_slice(parent.as_bytes());
        }
    }
}

/// Whether the byte may stand in a number, a name or a word.
fn is_regular(byte: u8) -> bool {
    !byte.is_ascii_whitespace() && byte != 0 && !b"()<>[]{}/%".contains(&byte)
}

/// The length of a text in brackets, which may hold brackets and escapes.
fn text_length(text: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(byte) = text.get(at) {
        match byte {
            b'\\' => at += 1,
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            break;
        }
    }
    at.min(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdf_tests::{Tool, pdf_text};
    use crate::receipt::ReceiptData;
    use crate::typeset::{DEFAULT_TEMPLATE, Output, typeset};

    fn moved(body: &str, parent: Option<&str>) -> String {
        let mut out = Vec::new();
        renumber(body.as_bytes(), 100, parent, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn references_move_and_what_only_looks_like_one_stays() {
        assert_eq!(moved("<</A 1 0 R/B[2 0 R 3 0 R]>>\nendobj\n", None), "<</A 101 0 R/B[102 0 R 103 0 R]>>\nendobj\n");
        for same in [
            "<</A(1 0 R)/B<3120302052>/C[1 0 0 1 0 0]>>\nendobj\n",
            "<</A(a \\) 1 0 R ( 2 0 R ))>>\nendobj\n",
            "<</A/R/B 1/C 0/R0 7>>\nendobj\n",
            "<</Length 9>>\nstream\n1 0 R \x01 x\nendstream\nendobj\n",
        ] {
            assert_eq!(moved(same, None), same);
        }
        assert_eq!(
            moved("<</K<</X 5 0 R>>>>\nendobj\n", Some("/Parent 2 0 R")),
            "<</Parent 2 0 R/K<</X 105 0 R>>>>\nendobj\n"
        );
    }

    #[test]
    fn parts_are_bound_in_their_order_without_a_fault() {
        let receipt = |number: usize| {
            let mut receipt = ReceiptData::samples().swap_remove(number % 9).1;
            receipt.payer.account = format!("ACC{number:04}");
            receipt
        };
        let receipts: Vec<ReceiptData> = (0..7).map(receipt).collect();
        let (mut binder, mut file) = Binder::new("Квитанции");
        let mut pages = 0;
        for part in receipts.chunks(3) {
            let pdf = typeset(DEFAULT_TEMPLATE, part, Output::OneFile).unwrap().remove(0);
            pages += Tool::pages(&pdf);
            file.extend(binder.add(&pdf).unwrap());
        }
        file.extend(binder.finish());
        let (info, complaints) = Tool::run("pdfinfo", &["-"], &file);
        assert_eq!(complaints, "");
        assert!(
            info.contains(&format!("Pages:           {pages}")) && info.contains("Title:           Квитанции"),
            "{info}"
        );
        let text = pdf_text(&file);
        let places: Vec<usize> = (0..7).map(|number| text.find(&format!("ACC{number:04}")).unwrap()).collect();
        assert!(places.is_sorted(), "{places:?}");
    }

    #[test]
    fn what_is_no_pdf_of_ours_is_refused() {
        let (mut binder, _) = Binder::new("x");
        for wrong in [b"".as_slice(), b"%PDF-1.7", b"startxref\n99", b"xref\n0 2\nstartxref\n0\n"] {
            assert!(binder.add(wrong).is_err());
        }
    }
}
