//! Proof that a value stays text: names made to break out, in every place a
//! template may put them, compared with the text of the typeset frames.

use std::fmt::Write;

use typst::layout::{Frame, FrameItem};

use crate::error::RenderError;
use crate::pdf_tests::pdf_text;
use crate::receipt::ReceiptData;
use crate::typeset::{Output, compile_for_tests, typeset};

const WRITTEN: &[&str] = &[
    "#eval(\"1+1\")",
    "#panic(\"x\")",
    "#read(\"/etc/passwd\")",
    "#{ while true {} }",
    "#let x = 1",
    "#include \"a\"",
    "#import \"@preview/a:1.0.0\"",
    "#[content]",
    "\\#eval(1)",
    "*bold*",
    "_emph_",
    "$x^2$",
    "<label>",
    "@ref",
    "// comment",
    "/* comment */",
    "`raw`",
    "```raw block```",
    "a\\b",
    "\\",
    "\\\\",
    "]",
    "[",
    "][",
    "}",
    "{",
    ")",
    "(",
    "\"",
    "\\\"",
    "'",
    "= heading",
    "== heading",
    "- list",
    "+ enum",
    "1. enum",
    "/ term: text",
    "http://example.org",
    "https://a.b/#c",
    "~",
    "--",
    "---",
    "...",
    "-?",
    "\\u{23}",
    "\u{23}\u{22}",
    "«ёлки» “quotes” ‘single’",
    "\"smart\" 'quotes'",
    "&amp; <b>x</b>",
    "{{ 7 * 7 }}",
    "{% raw %}",
    "{# note #}",
    "emoji 🏠🔥",
    "עברית",
    "العربية",
    "汉字",
    "first\nsecond",
    "first\r\n= second",
    "tab\there",
    "  two  spaces  ",
    "\u{200b}zero",
    "e\u{301}",
    "pagebreak",
    "none",
    "true",
    "12",
    "0x1F",
    "company.name",
    "x",
    "Ünïcödé",
    "\u{feff}bom",
    "\u{2028}line",
    "\u{202e}right to left",
];

fn hostile_names() -> Vec<String> {
    let mut names: Vec<String> = WRITTEN.iter().map(|name| (*name).to_owned()).collect();
    // Every printable ASCII sign at the start, in the middle, doubled, at the end.
    for sign in (0x21u8..0x7f).map(char::from).filter(char::is_ascii_punctuation) {
        names.push(format!("{sign}a b{sign}c {sign}{sign} d {sign}"));
    }
    names
}

fn receipt_of(name: &str) -> ReceiptData {
    let mut receipt = ReceiptData::sample();
    receipt.payer.holder = name.to_owned();
    receipt
}

/// All text of a frame, in order.
fn collect(frame: &Frame, text: &mut String) {
    for (_, item) in frame.items() {
        match item {
            FrameItem::Group(group) => collect(&group.frame, text),
            FrameItem::Text(item) => text.push_str(&item.text),
            _ => {}
        }
    }
}

fn printed(template: &str, name: &str) -> Result<String, RenderError> {
    let document = compile_for_tests(template, &receipt_of(name))?;
    let mut text = String::new();
    for page in document.pages() {
        collect(&page.frame, &mut text);
    }
    Ok(text)
}

/// Without what a line break or the shaper may change: white space and marks
/// that are invisible by nature.
pub(crate) fn essence(text: &str) -> String {
    let invisible = |c: &char| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{feff}')
    };
    text.chars().filter(|c| !invisible(c)).collect()
}

/// Right-to-left runs come in the order of the page; their letters must be there.
fn letters(text: &str) -> Vec<char> {
    let mut letters: Vec<char> = essence(text).chars().collect();
    letters.sort_unstable();
    letters
}

const WIDE: &str = "#set page(width: 400cm, height: auto)\n";

#[test]
fn names_are_printed_letter_by_letter() {
    let places = [
        "A{{ payer.holder }}Z",
        "{{ payer.holder }}Z",
        "A {{ payer.holder }} Z",
        "#strong[{{ payer.holder }}]",
        "= {{ payer.holder }}",
        "#text(\"{{ payer.holder }}\")",
        "#table([{{ payer.holder }}])",
        "{% macro m(x) %}[#h(0pt){{ x }}]{% endmacro %}#text{{ m(payer.holder) }}",
        "{% set x %}{{ payer.holder }}{% endset %}{{ x }}",
        "{% set x = payer.holder %}{{ x }}",
        "{{ payer.holder ~ \"\" }}",
        "{{ payer.holder|default(\"\") }}",
    ];
    for name in hostile_names() {
        for place in places {
            let text = printed(&format!("{WIDE}{place}"), &name).unwrap_or_else(|error| {
                panic!("{name:?} in {place}: {error}");
            });
            let expected = place_around(place, &name);
            assert_eq!(letters(&text), letters(&expected), "{name:?} in {place}: {text:?}");
            if name.is_ascii() {
                assert_eq!(essence(&text), essence(&expected), "{name:?} in {place}");
            }
        }
    }
}

/// What a reader must see of a place.
fn place_around(place: &str, name: &str) -> String {
    match place.split_once("{{ payer.holder }}") {
        Some((before, after)) if before.len() <= 2 && !before.contains(['#', '=']) => {
            format!("{before}{name}{after}")
        }
        _ => name.to_owned(),
    }
}

#[test]
fn names_cannot_leave_comments_or_raw_text() {
    let places = [
        ("// {{ payer.holder }}\nEND", "END"),
        ("/* {{ payer.holder }} */END", "END"),
        ("`{{ payer.holder }}`END", ""),
        ("#let x = \"{{ payer.holder }}\"\nEND", "END"),
    ];
    for name in hostile_names() {
        for (place, exact) in places {
            let text = printed(&format!("{WIDE}{place}"), &name)
                .unwrap_or_else(|error| panic!("{name:?} in {place}: {error}"));
            assert!(text.ends_with("END"), "{name:?} in {place}: {text:?}");
            assert!(exact.is_empty() || text == exact, "{name:?} in {place}: {text:?}");
        }
    }
}

#[test]
fn a_name_in_code_is_an_error_and_never_runs() {
    for name in hostile_names().iter().filter(|name| !name.is_empty()) {
        for place in ["#{{ payer.holder }}", "#({{ payer.holder }})", "#text({{ payer.holder }})"] {
            let result = printed(place, name);
            assert!(matches!(result, Err(RenderError::Template { .. })), "{name:?} in {place}");
        }
    }
}

/// 500 names and more: what is written above, every sign, and what a generator puts together of pieces
/// that mean something to Typst, to the template language, to PDF or to a shaper. Each begins and ends with
/// a number of its own, so that it is looked for as a whole.
fn five_hundred_names() -> Vec<String> {
    const PIECES: [&str; 24] = [
        "#",
        "$",
        "\\",
        "\"",
        "'",
        "@ref",
        "<l>",
        "*",
        "_",
        "`",
        "]",
        "[",
        "{",
        "}",
        "{{ 7*7 }}",
        "{% raw %}",
        "{#",
        "//",
        "/*",
        "\u{202e}",
        "\u{200b}",
        "\u{2060}",
        "щ\u{301}",
        "~",
    ];
    const WORDS: [&str; 8] =
        ["eval(1)", "panic()", "Иванов", "read(\"/etc/passwd\")", "let x", "(Do) Tj", "ё", "плагин"];
    let mut names = hostile_names();
    // Scripts that the fonts lack are printed as empty boxes: nothing to read in them.
    names.retain(|name| {
        !name.chars().any(|c| matches!(c, '\u{590}'..='\u{6ff}' | '\u{4e00}'..='\u{9fff}' | '\u{1f000}'..))
    });
    // A linear congruential generator: the same names on every run.
    let mut seed: u32 = 43;
    let mut next = |among: usize| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 16) as usize % among
    };
    while names.len() < 500 {
        let mut name = String::new();
        for _ in 0..=next(5) {
            name.push_str(PIECES[next(PIECES.len())]);
            name.push_str(WORDS[next(WORDS.len())]);
            name.push_str(["", " ", "  ", "\n", "\t"][next(5)]);
        }
        if next(20) == 0 {
            name.push_str(&"безпробелов".repeat(8));
        }
        names.push(name);
    }
    names.iter().enumerate().map(|(number, name)| format!("n{number}x{name}x{number}n")).collect()
}

/// Receipts whose every text is one of the names; also how many it took.
fn receipts_of_names(names: &[String]) -> Vec<(ReceiptData, Vec<String>)> {
    let mut names = names.iter().cloned();
    let mut receipts = Vec::new();
    while names.len() > 0 {
        let mut receipt = crate::samples::in_debt();
        let mut used = Vec::new();
        let mut put = |text: &mut String| {
            if let Some(name) = names.next() {
                used.push(name.clone());
                *text = name;
            }
        };
        let (company, payer) = (&mut receipt.company, &mut receipt.payer);
        for text in [&mut company.name, &mut company.address, &mut company.hours, &mut company.dispatch] {
            put(text);
        }
        for text in [&mut payer.holder, &mut payer.address, &mut payer.els, &mut payer.izhku] {
            put(text);
        }
        for text in [&mut receipt.kind_title, &mut receipt.supplier.name, &mut receipt.supplier.bank_name] {
            put(text);
        }
        for meter in &mut receipt.meters {
            put(&mut meter.service);
            put(&mut meter.method);
        }
        for line in receipt.groups.iter_mut().flat_map(|group| &mut group.lines) {
            put(&mut line.service);
            put(&mut line.formula);
        }
        put(&mut receipt.groups[0].title);
        receipt.reference.notes.iter_mut().for_each(&mut put);
        receipt.reference.house.iter_mut().for_each(|fact| put(&mut fact.value));
        receipt.awards.iter_mut().for_each(|award| put(&mut award.basis));
        receipts.push((receipt, used));
    }
    receipts
}

/// Hyphens come and go at the ends of lines.
fn unhyphenated(text: &str) -> String {
    essence(text).chars().filter(|c| !matches!(c, '-' | '\u{ad}' | '\u{2010}' | '\u{2060}')).collect()
}

/// Whether the name is there, in one piece or, where a page ended in it, in two: the number at its start
/// and the one at its end tell its pieces from all others.
fn stands_in(text: &str, name: &str) -> bool {
    let cuts = name.char_indices().map(|(at, _)| name.split_at(at));
    text.contains(name) || cuts.into_iter().any(|(start, end)| text.contains(start) && text.contains(end))
}

#[test]
fn five_hundred_names_reach_the_pdf_of_every_template() {
    let names = five_hundred_names();
    assert!(names.len() >= 500);
    let receipts = receipts_of_names(&names);
    let used: usize = receipts.iter().map(|(_, used)| used.len()).sum();
    assert_eq!(used, names.len());
    for (template_name, template) in crate::template_tests::templates() {
        for (receipt, used) in &receipts {
            let pdf = typeset(&template, std::slice::from_ref(receipt), Output::OnePerReceipt)
                .unwrap_or_else(|error| panic!("{template_name}: {error}"));
            let text = unhyphenated(&pdf_text(&pdf[0]));
            for name in used {
                // What a mark turns around is read from right to left; up to it the name stands as it is.
                let name = unhyphenated(name.split('\u{202e}').next().unwrap());
                assert!(stands_in(&text, &name), "{template_name}: {name:?} in {text}");
            }
        }
    }
}

#[test]
fn typst_has_no_way_out() {
    let mut refused = Vec::new();
    for name in ["eval", "plugin", "read", "csv", "json", "toml", "yaml", "cbor", "xml", "bibliography"] {
        refused.push(format!("#{name}(\"x\")"));
        refused.push(format!("#std.{name}(\"x\")"));
        refused.push(format!("$ std.{name}(\"x\") $"));
        refused.push(format!("#import std: {name}"));
    }
    refused.extend(
        [
            "#pdf.attach(\"x\", bytes(\"x\"))",
            "#include \"/etc/passwd\"",
            "#import \"@preview/a:1.0.0\"",
            "#image(\"/etc/passwd\")",
            "#image(\"../../etc/passwd\")",
            "#image(\"/qr/7.svg\")",
            "#import \"/main.typ\": x",
        ]
        .map(str::to_owned),
    );
    for template in refused {
        let result = printed(&template, "x");
        assert!(matches!(result, Err(RenderError::Template { .. })), "{template}");
    }
}

#[test]
fn the_clock_is_the_day_of_issue() {
    let text = printed("#datetime.today().display()", "x").unwrap();
    assert_eq!(text.replace('\u{2011}', "-"), "2026-11-03");
}

#[test]
fn errors_name_the_line_of_the_template() {
    let line = |template: &str| match printed(template, "x") {
        Err(RenderError::Template { line, .. }) => line,
        other => panic!("{template}: {other:?}"),
    };
    let mut long = String::from("{% for phone in company.phones %}\n{{ phone }}\n\n{% endfor %}\n");
    assert_eq!(line(&format!("{long}#nothing")), Some(5));
    assert_eq!(line(&format!("{long}{{{{ company.nothing }}}}")), Some(5));
    assert_eq!(line("a\nb\n{% if %}"), Some(3));
    assert_eq!(line("a\n{{ company.name|nothing }}"), Some(2));
    assert_eq!(line("a\n{{ company }}"), Some(2));
    assert_eq!(line("a\n\n{%- \n include 'x' %}"), Some(3));
    writeln!(long, "{{% autoescape false %}}{{% endautoescape %}}").unwrap();
    assert_eq!(line(&long), Some(5));
}

#[test]
fn templates_have_limits() {
    let refused = [
        "x".repeat(64 * 1024 + 1),
        "{% for a in [1,2,3,4,5,6,7,8,9] %}".repeat(8) + &"{% endfor %}".repeat(8),
        "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}".to_owned(),
        format!("{{% set x = 'x' * 60000 %}}{}", "{{ x }}".repeat(20)),
        "{{ company.name|safe }}".to_owned(),
        "{{ debug() }}".to_owned(),
    ];
    for template in refused {
        let result = printed(&template, "x");
        let start: String = template.chars().take(40).collect();
        assert!(matches!(result, Err(RenderError::Template { .. })), "{start}: {result:?}");
    }
}
