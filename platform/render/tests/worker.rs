//! Printing in worker processes, and what becomes of templates that loop or
//! grow. This executable is its own worker.

use std::sync::Arc;
use std::time::{Duration, Instant};

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
        receipts_come_back_in_order(&printer).await;
    });
    println!("worker: 3 tests passed");
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

async fn hostile_templates_are_stopped(printer: &ReceiptPrinter) {
    let hostile = [
        "{% for i in [1]*100000000 %}{% endfor %}",
        "{% set x = 'x' * 2000000000 %}{{ x|length }}",
        "#{ let f(n) = { for i in range(100000000) { n += i }\n n }\n f(0) }",
        "#{ let a = range(1000); for i in range(100) { a = a + a }; a.len() }",
        "#{ let s = \"x\"; for i in range(60) { s = s + s }; s }",
        "#for i in range(10000000) [#pagebreak() #i]",
    ];
    for template in hostile {
        let started = Instant::now();
        let result = printer.check_template(template).await;
        assert!(
            matches!(result, Err(RenderError::LimitReached | RenderError::Template { .. })),
            "{template}: {result:?}"
        );
        assert!(started.elapsed() < Duration::from_secs(4), "{template}");
    }
}
