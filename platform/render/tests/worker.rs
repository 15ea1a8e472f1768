//! Printing in worker processes, and what becomes of templates that loop or
//! grow. This executable is its own worker.

use std::sync::Arc;

use kabinet_render::typeset::DEFAULT_TEMPLATE;
use kabinet_render::{ReceiptData, ReceiptPrinter, RenderError, receipt_task};
use kabinet_sandbox::{Pool, PoolConfig, worker_main};

fn main() {
    if std::env::args().nth(1).as_deref() == Some("worker") {
        worker_main(&[receipt_task()]);
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let printer = ReceiptPrinter::new(Arc::new(Pool::new(PoolConfig {
            program: std::env::current_exe().expect("this executable"),
            args: vec!["worker".to_owned()],
            workers: 2,
        })));
        receipts_come_back_in_order(&printer).await;
        good_and_bad_templates_are_told_apart(&printer).await;
        hostile_templates_are_stopped(&printer).await;
        hostile_data_is_printed_or_refused(&printer).await;
        receipts_come_back_in_order(&printer).await;
    });
    println!("worker: 4 tests passed");
}

async fn receipts_come_back_in_order(printer: &ReceiptPrinter) {
    let receipts = vec![ReceiptData::sample(); 60];
    let printed = printer.print(DEFAULT_TEMPLATE, &receipts).await.expect("60 receipts");
    assert_eq!(printed.len(), 60);
    assert!(printed.iter().all(|pdf| pdf.starts_with(b"%PDF-")));
    let together = printer.print_together(DEFAULT_TEMPLATE, &receipts[..5]).await;
    assert!(together.expect("one file").starts_with(b"%PDF-"));
}

async fn good_and_bad_templates_are_told_apart(printer: &ReceiptPrinter) {
    printer.check_template(DEFAULT_TEMPLATE).await.expect("the default template");
    let error = printer.check_template("a\n#unknown_name\n").await.expect_err("a wrong template");
    assert!(matches!(error, RenderError::Template { line: Some(2), .. }), "{error}");
    assert!(error.to_string().starts_with("receipt.typ, строка 2: "), "{error}");
}

/// Templates that loop, grow, nest, reach out or say what is forbidden, made in all variations.
fn hostile_templates() -> Vec<(String, String)> {
    let mut made: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, source: String| made.push((name.to_owned(), source));
    for depth in [3, 6, 9] {
        let open = "{% for a in [1,2,3,4,5,6,7,8,9] %}".repeat(depth * 2);
        add("nested loops", format!("{open}x{}", "{% endfor %}".repeat(depth * 2)));
    }
    for power in [7, 8, 9] {
        let many = 10_u64.pow(power);
        add("a loop over a list that is made", format!("{{% for i in [1]*{many} %}}{{% endfor %}}"));
        // Ten megabytes of text are nobody's harm; from a gigabyte on the worker's memory decides.
        add("a text that is made", format!("{{% set x = 'x' * {many}00 %}}{{{{ x|length }}}}"));
        add("a loop of Typst", format!("#{{ let n = 0; for i in range({many}) {{ n += i }}; n }}"));
        add("pages", format!("#for i in range({many}) [#pagebreak() #i]"));
        add("a list of Typst", format!("#{{ let a = range({many}); a.map(x => str(x)).join() }}"));
    }
    add("output", format!("{{% set x = 'x' * 60000 %}}{}", "{{ x }}".repeat(20)));
    add("a macro that calls itself", "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}".to_owned());
    add("a function that calls itself", "#let f(n) = f(n + 1)\n#f(0)".to_owned());
    add("a loop without end", "#{ while true { } }".to_owned());
    add("a list that doubles", "#{ let a = range(1000); for i in range(100) { a = a + a }; a.len() }".to_owned());
    add("a text that doubles", "#{ let s = \"x\"; for i in range(60) { s = s + s }; s }".to_owned());
    add("a table of a million columns", "#table(columns: 3000000, ..range(3000000).map(str))".to_owned());
    add("a template that is too long", "x".repeat(64 * 1024 + 1));
    for tag in ["include 'x'", "import 'x' as y", "from 'x' import y", "extends 'x'", "autoescape false"] {
        add("a forbidden tag", format!("{{% {tag} %}}"));
        add("a forbidden tag that hides", format!("{{%-   {tag} -%}}"));
    }
    for name in ["safe", "escape", "tojson", "map", "replace", "batch"] {
        add("a filter that does not exist", format!("{{{{ company.name|{name} }}}}"));
    }
    for name in ["debug", "range", "dict", "namespace", "caller"] {
        add("a function that does not exist", format!("{{{{ {name}() }}}}"));
    }
    for name in ["eval", "plugin", "read", "csv", "json", "toml", "yaml", "cbor", "xml", "bibliography"] {
        add("a function of Typst that does not exist", format!("#{name}(\"/etc/passwd\")"));
        add("the same through std", format!("#std.{name}(\"/etc/passwd\")"));
    }
    for path in ["/etc/passwd", "../../../etc/passwd", "/qr/900.svg", "/link/900.svg", "https://example.org/x.png"] {
        add("a file", format!("#image(\"{path}\")"));
        add("a source", format!("#include \"{path}\""));
    }
    add("a package", "#import \"@preview/cetz:0.4.0\"".to_owned());
    add("an attachment", "#pdf.attach(\"x\", bytes(\"x\"))".to_owned());
    const DEEP: usize = 20_000;
    add("nested brackets", format!("#{}{}", "(".repeat(DEEP), ")".repeat(DEEP)));
    add("nested content", format!("{}{}", "#[".repeat(DEEP), "]".repeat(DEEP)));
    add("nested conditions", format!("{}{}", "{% if 1 %}".repeat(3_000), "{% endif %}".repeat(3_000)));
    made
}

async fn hostile_templates_are_stopped(printer: &ReceiptPrinter) {
    let templates = hostile_templates();
    let names: std::collections::BTreeSet<&str> = templates.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.len() >= 15, "{names:?}");
    let mut printed = Vec::new();
    for (name, template) in &templates {
        let start: String = template.chars().take(60).collect();
        // Another company prints meanwhile and notices nothing.
        let sample = [ReceiptData::sample()];
        let (result, other) = tokio::join!(printer.check_template(template), printer.print(DEFAULT_TEMPLATE, &sample));
        other.unwrap_or_else(|error| panic!("beside {name}, {start}: {error}"));
        let Err(error) = result else {
            printed.push(format!("{name}, {start}"));
            continue;
        };
        assert!(
            matches!(error, RenderError::LimitReached | RenderError::Template { .. }),
            "{name}, {start}: {error:?}"
        );
        let words = error.to_string();
        assert!(words.chars().any(|c| ('а'..='я').contains(&c)), "{name}: the reason is in words: {words}");
    }
    assert!(printed.is_empty(), "printed: {printed:#?}");
    println!("worker: {} hostile templates of {} kinds refused", templates.len(), names.len());
}

/// Data made to break the typesetter: each with whether it must be printed or must be refused; `None` where
/// the limits decide.
fn hostile_data() -> Vec<(&'static str, ReceiptData, Option<bool>)> {
    let with = |change: &dyn Fn(&mut ReceiptData)| {
        let mut receipt = ReceiptData::sample();
        change(&mut receipt);
        receipt
    };
    let line = ReceiptData::sample().groups[0].lines[0].clone();
    vec![
        (
            "greatest numbers",
            with(&|r| {
                for line in r.groups.iter_mut().flat_map(|group| &mut group.lines) {
                    (line.charged, line.to_pay, line.volume) = (i64::MAX, i64::MIN + 1, Some(i64::MIN));
                }
                r.totals.to_pay = i64::MAX;
            }),
            Some(true),
        ),
        ("dates that are none", with(&|r| (r.issued_on, r.due_on, r.period) = (u32::MAX, 99_999_999, 0)), Some(true)),
        ("a word without end", with(&|r| r.payer.holder = "щ".repeat(20_000)), None),
        ("a long text", with(&|r| r.payer.address = "дом ".repeat(20_000)), None),
        ("a text of megabytes", with(&|r| r.payer.address = "дом ".repeat(1_000_000)), None),
        ("marks over marks", with(&|r| r.payer.holder = format!("а{}", "\u{301}".repeat(5_000))), None),
        ("directions that turn", with(&|r| r.payer.holder = "\u{202e}a\u{202d}б\u{2067}".repeat(500)), Some(true)),
        ("control characters", with(&|r| r.payer.holder = (0..32).map(char::from).collect()), Some(true)),
        ("line breaks", with(&|r| r.payer.holder = "а\n\r\u{2028}\u{2029}\u{85}".repeat(1_000)), None),
        (
            "a colour that is code",
            with(&|r| r.company.accent = "#fff\"); #read(\"/etc/passwd\"); (\"".into()),
            Some(false),
        ),
        ("a thousand services", with(&|r| r.groups[0].lines = vec![line.clone(); 1_000]), None),
        ("a hundred thousand services", with(&|r| r.groups[0].lines = vec![line.clone(); 100_000]), None),
        ("a thousand meters", with(&|r| r.meters = vec![r.meters[0].clone(); 1_000]), None),
        ("a payment code that is too long", with(&|r| r.qr_payload = vec![b'x'; 5_000]), Some(false)),
        ("a linking code that is too long", with(&|r| r.link_url = "x".repeat(5_000)), Some(false)),
        ("nothing at all", ReceiptData::default(), Some(false)),
        (
            "Typst in every name",
            with(&|r| {
                for line in r.groups.iter_mut().flat_map(|group| &mut group.lines) {
                    line.service = "#{ while true {} } #eval(\"1\") $x$ @y <z> */ ]".repeat(20);
                }
            }),
            Some(true),
        ),
    ]
}

async fn hostile_data_is_printed_or_refused(printer: &ReceiptPrinter) {
    let cases = hostile_data();
    assert!(cases.len() >= 10);
    for (name, receipt, printable) in &cases {
        let (sample, receipt) = ([ReceiptData::sample()], std::slice::from_ref(receipt));
        let (result, other) =
            tokio::join!(printer.print(DEFAULT_TEMPLATE, receipt), printer.print(DEFAULT_TEMPLATE, &sample));
        other.unwrap_or_else(|error| panic!("beside {name}: {error}"));
        match result {
            Ok(pdf) => assert!(*printable != Some(false) && pdf[0].starts_with(b"%PDF-"), "{name} was printed"),
            Err(error) => {
                let words = error.to_string();
                assert!(*printable != Some(true) && words.chars().any(|c| ('а'..='я').contains(&c)), "{name}: {words}");
            }
        }
    }
    println!("worker: {} hostile receipts printed or refused", cases.len());
}
