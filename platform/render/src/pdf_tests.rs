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

    /// What the QR codes in an area of a page say, `page` counted from one; `area` is left, top, width and
    /// height in hundredths of an A4 page.
    pub(crate) fn codes(pdf: &[u8], page: usize, area: [u32; 4]) -> Vec<Vec<u8>> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("codes-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let picture = std::env::temp_dir().join(name);
        // A4 at 200 dots an inch, the resolution of a modest printer.
        let [x, y, width, height] = area;
        let dots = [x * 1654 / 100, y * 2339 / 100, width * 1654 / 100, height * 2339 / 100].map(|dot| dot.to_string());
        let page = page.to_string();
        let mut arguments = vec!["-r", "200", "-gray", "-png", "-singlefile", "-f", &page, "-l", &page];
        for (option, value) in ["-x", "-y", "-W", "-H"].into_iter().zip(&dots) {
            arguments.extend([option, value]);
        }
        arguments.extend(["-", picture.to_str().unwrap()]);
        Self::run("pdftoppm", &arguments, pdf);
        let png = picture.with_extension("png");
        let said = Command::new("zbarimg")
            .args(["--quiet", "--raw", "--nodbus", "-Sdisable", "-Sqrcode.enable", "-Sqrcode.binary"])
            .arg(&png)
            .output()
            .unwrap();
        std::fs::remove_file(&png).unwrap();
        said.stdout.split(|byte| *byte == b'\n').filter(|code| !code.is_empty()).map(<[u8]>::to_vec).collect()
    }
}

/// The area of a whole page.
pub(crate) const WHOLE_PAGE: [u32; 4] = [0, 0, 100, 100];

/// The text of a PDF in the order in which it was written.
pub(crate) fn pdf_text(pdf: &[u8]) -> String {
    let (text, complaints) = Tool::run("pdftotext", &["-raw", "-", "-"], pdf);
    assert_eq!(complaints, "");
    text
}
