//! Reading receipts: their text and their payment QR, with poppler's and zbar's programs.

use std::path::PathBuf;
use std::process::Command;

use crate::process::{new_folder, run};

/// A PDF on disk.
#[derive(Debug)]
pub struct Pdf {
    folder: PathBuf,
    file: PathBuf,
}

impl Pdf {
    /// A PDF from its bytes.
    ///
    /// # Panics
    /// When the bytes are none.
    #[must_use]
    #[track_caller]
    pub fn new(bytes: &[u8]) -> Self {
        assert!(bytes.starts_with(b"%PDF"), "not a PDF: {:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(200)]));
        let folder = new_folder("pdf");
        let file = folder.join("receipt.pdf");
        std::fs::write(&file, bytes).expect("the PDF");
        Self { folder, file }
    }

    /// Its text; every run of spaces is one.
    #[must_use]
    pub fn text(&self) -> String {
        let text = run(Command::new("pdftotext").arg("-layout").arg(&self.file).arg("-"));
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// What the QR codes on it say.
    #[must_use]
    pub fn codes(&self) -> Vec<String> {
        self.codes_at(200)
    }

    /// What the QR codes say when they are read at so many dots an inch: zbar overlooks one code of a hundred at one
    /// resolution and not at another.
    #[must_use]
    pub fn codes_at(&self, dots: u32) -> Vec<String> {
        let folder = self.folder.join(dots.to_string());
        std::fs::create_dir_all(&folder).expect("a folder");
        run(Command::new("pdftoppm")
            .args(["-r", &dots.to_string(), "-gray", "-png"])
            .arg(&self.file)
            .arg(folder.join("page")));
        let files = std::fs::read_dir(&folder).expect("the folder").flatten().map(|entry| entry.path());
        let mut pages: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|end| end == "png")).collect();
        pages.sort();
        codes_on(&pages)
    }
}

/// What the QR codes on pictures say.
fn codes_on(pictures: &[PathBuf]) -> Vec<String> {
    let output =
        Command::new("zbarimg").args(["--quiet", "--raw", "-Sdisable", "-Sqrcode.enable"]).args(pictures).output();
    let text = String::from_utf8(output.expect("zbarimg").stdout).expect("UTF-8");
    text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// What a QR says that the platform drew as SVG: one path of rectangles, a module high.
///
/// # Panics
/// When it is none.
#[must_use]
#[track_caller]
pub fn svg_codes(svg: &str) -> Vec<String> {
    /// Dots a module.
    const DOTS: usize = 4;
    let number = |text: &str| text.parse::<usize>().unwrap_or_else(|_| panic!("no number: {text}"));
    let after = |text: &'static str| svg.rsplit(text).next().unwrap_or_default();
    let side = number(after("viewBox=\"0 0 ").split(' ').next().unwrap_or_default());
    let mut dark = vec![false; side * side];
    for run in after(" d=\"").split('M').skip(1) {
        let (x, rest) = run.split_once(' ').expect("a place");
        let (y, rest) = rest.split_once('h').expect("a line");
        let (length, _) = rest.split_once('v').expect("a length");
        dark[number(y) * side + number(x)..][..number(length)].fill(true);
    }
    let mut picture = format!("P5 {0} {0} 255\n", side * DOTS).into_bytes();
    for y in 0..side * DOTS {
        picture.extend((0..side * DOTS).map(|x| if dark[(y / DOTS) * side + x / DOTS] { 0 } else { 255 }));
    }
    let file = new_folder("qr").join("code.pgm");
    std::fs::write(&file, picture).expect("the picture");
    codes_on(&[file])
}

/// The value of a key in a payment QR's text.
#[must_use]
pub fn qr_value<'a>(code: &'a str, key: &str) -> Option<&'a str> {
    let separator = code.get(7..8)?;
    code.split(separator).find_map(|field| field.strip_prefix(key)?.strip_prefix('='))
}

/// Kopecks as receipts print them: `1 234,56`.
#[must_use]
pub fn printed(kopecks: i64) -> String {
    let (rubles, rest) = (kopecks.abs() / 100, kopecks.abs() % 100);
    let digits = rubles.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    let sign = if kopecks < 0 { "−" } else { "" };
    format!("{sign}{grouped},{rest:02}")
}

#[cfg(test)]
mod tests {
    use super::{printed, qr_value};

    #[test]
    fn sums_are_grouped_by_three() {
        assert_eq!(printed(123_456), "1 234,56");
        assert_eq!(printed(5), "0,05");
        assert_eq!(printed(-100_000_000), "−1 000 000,00");
    }

    #[test]
    fn a_qr_is_split_at_its_own_separator() {
        assert_eq!(qr_value("ST00012|Name=A|Sum=5", "Sum"), Some("5"));
        assert_eq!(qr_value("ST00012~Name=A|B~Sum=5", "Name"), Some("A|B"));
    }
}
