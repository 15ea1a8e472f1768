//! What tests read PDFs with: the programs of poppler and zbar.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A program that reads a PDF from its standard input.
pub(crate) struct Tool;

impl Tool {
    /// What the program says of the PDF, and what it complains of.
    pub(crate) fn run(program: &str, arguments: &[&str], pdf: &[u8]) -> (String, String) {
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{program} of poppler-utils or zbar-tools: {error}"));
        let mut input = child.stdin.take().unwrap();
        let bytes = pdf.to_vec();
        let writer = std::thread::spawn(move || input.write_all(&bytes));
        let output = child.wait_with_output().unwrap();
        // A program may have seen enough before the end.
        let _ = writer.join().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        (text(output.stdout), text(output.stderr))
    }

    /// How many pages the PDF has.
    pub(crate) fn pages(pdf: &[u8]) -> usize {
        let (info, _) = Self::run("pdfinfo", &["-"], pdf);
        let line = info.lines().find_map(|line| line.strip_prefix("Pages:")).unwrap();
        line.trim().parse().unwrap()
    }

    /// What the QR codes on the PDF's first page say, with their left edges in dots of 200 to the inch,
    /// from left to right.
    pub(crate) fn codes(pdf: &[u8]) -> Vec<(String, i64)> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("codes-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let picture = std::env::temp_dir().join(name);
        let arguments = ["-r", "200", "-gray", "-png", "-singlefile", "-", picture.to_str().unwrap()];
        Self::run("pdftoppm", &arguments, pdf);
        let png = picture.with_extension("png");
        let said = Command::new("zbarimg")
            .args(["--quiet", "--xml", "--nodbus", "-Sdisable", "-Sqrcode.enable"])
            .arg(&png)
            .output()
            .unwrap();
        std::fs::remove_file(&png).unwrap();
        symbols(&String::from_utf8_lossy(&said.stdout))
    }
}

/// Text and left edge of each code in zbar's XML.
fn symbols(xml: &str) -> Vec<(String, i64)> {
    let mut found = Vec::new();
    for symbol in xml.split("<symbol ").skip(1) {
        let data = symbol.split("<![CDATA[").nth(1).and_then(|rest| rest.split("]]>").next()).unwrap();
        let points = symbol.split("points='").nth(1).and_then(|rest| rest.split('\'').next()).unwrap();
        let left = points.split(' ').filter_map(|point| point.split(',').next()?.trim_start_matches('+').parse().ok());
        found.push((data.to_owned(), left.min().unwrap()));
    }
    found.sort_by_key(|(_, left)| *left);
    found
}

/// The text of a PDF in reading order.
pub(crate) fn pdf_text(pdf: &[u8]) -> String {
    let (text, complaints) = Tool::run("pdftotext", &["-", "-"], pdf);
    assert_eq!(complaints, "");
    text
}
