//! Proof that a value stays text: names made to break out, in every place a
//! template may put them, compared with the text of the typeset frames.

use std::fmt::Write;

use typst::layout::{Frame, FrameItem};

use crate::error::RenderError;
use crate::receipt::ReceiptData;
use crate::typeset::{DEFAULT_TEMPLATE, Output, compile_for_tests, typeset};

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
fn essence(text: &str) -> String {
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

#[test]
fn names_reach_the_pdf_of_the_default_template() {
    let names = ["#eval(\"1+1\") *b* $x$ <l>", "= заголовок [не] \"мой\"", "- // /* */ -- ~ ... `x`"];
    for name in names {
        let pdf = typeset(DEFAULT_TEMPLATE, &[receipt_of(name)], Output::OneFile).unwrap();
        let text = pdf_text(&pdf[0]);
        assert!(essence(&text).contains(&essence(name)), "{name:?} in {text}");
    }
}

fn pdf_text(pdf: &[u8]) -> String {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let mut child = Command::new("pdftotext")
        .args(["-layout", "-", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("pdftotext of poppler-utils");
    child.stdin.take().unwrap().write_all(pdf).unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap()
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
