//! A plugin of the company's own: what its `plugin.toml` says holds, in the package and when a month is billed.

use std::fs;
use std::path::PathBuf;

use kabinet_tests::company::package_with;
use kabinet_tests::house::root;
use kabinet_tests::server::{NOW, binary};
use kabinet_tests::{Database, Kind, Server, on_both_databases, world};
use sea_orm::FromQueryResult;

use super::guest::Guest;
use super::{bill, change, place, refused, said, taken};

on_both_databases![
    a_plugin_comes_with_its_plugin_toml,
    numbers_for_a_plugin_are_refused_by_their_place,
    numbers_that_a_company_does_not_set_are_the_plugins_own,
    limits_that_a_plugin_lowers_hold_when_a_month_is_billed,
];

const SLUG: &str = "teploset";
const NOVEMBER: &str = "2026-11";

/// A package that calculates with the platform's `heat`, as a file of its own.
fn with_heat() -> PathBuf {
    let package = package_with(SLUG, "");
    change(&package, "[plugin]", "use = \"heat\"", "use = \"own.wasm\"");
    fs::copy(binary().with_file_name("plugins/heat.wasm"), package.join("own.wasm")).expect("a copy");
    package
}

/// The `plugin.toml` of a plugin of the platform with a text replaced.
fn manifest_of(name: &str, find: &str, put: &str) -> String {
    let file = root().join("plugins/examples").join(name).join("plugin.toml");
    let text = fs::read_to_string(file).expect("plugin.toml");
    assert!(text.contains(find), "{find}");
    text.replace(find, put)
}

fn a_plugin_comes_with_its_plugin_toml(kind: Kind) {
    let server = Server::shared(kind);
    let package = with_heat();
    let file = package.join("plugin.toml");
    let at = format!("{}plugin.use: ", place(&package, "[plugin]", "use = \"own.wasm\""));
    let words = refused(server, &package, SLUG);
    assert!(words.contains(&at) && words.contains("нужен plugin.toml"), "{words}");
    let wrong = [
        (manifest_of("heat", "memory_mib = 16", "memory_mib = 17"), "limits.memory_mib: 17 is above"),
        (manifest_of("heat", "title = ", "name = "), "title: is missing"),
        (manifest_of("standard", "", ""), "id: plugin.toml says «standard», the component «heat»"),
    ];
    for (manifest, mistake) in wrong {
        fs::write(&file, manifest).expect("a write");
        let words = refused(server, &package, SLUG);
        assert!(words.contains(&at) && words.contains(mistake) && words.contains("описание"), "{words}");
    }
    // What is no plugin at all is refused in Russian words, with what its author has to know behind.
    fs::write(&file, manifest_of("heat", "", "")).expect("a write");
    fs::write(package.join("own.wasm"), "no component").expect("a write");
    let words = refused(server, &package, SLUG);
    assert!(words.contains(&at) && words.contains("не принят: файл не соответствует требованиям"), "{words}");
}

/// The `plugin.toml` of a [`Guest`] with one number.
pub(crate) const STEP: &str = r#"
id = "evil"
version = "1"
api = "1.0.0"
title = "Проба"

[config.step]
title = "Шаг пробы"
unit = "one"
min = "-1"
max = "12.5"
default = "7"
"#;

/// A package whose plugin fails in one way where its first number is 7, and in another where it is not.
fn with_step(lines: &str) -> PathBuf {
    let package = package_with(SLUG, lines);
    change(&package, "[plugin]", "use = \"heat\"", "use = \"own.wasm\"");
    let guest = Guest {
        // Behind the month stand the numbers: a name, then the value's mantissa.
        calculate: "(if (i64.eq (i64.load offset=8 (local.get 2)) (i64.const 7)) (then unreachable)) i32.const 64"
            .to_owned(),
        rules: &["heating", "metered", "heat_in_water"],
        ..Guest::default()
    };
    fs::write(package.join("own.wasm"), guest.component()).expect("a write");
    fs::write(package.join("plugin.toml"), STEP).expect("a write");
    package
}

fn numbers_for_a_plugin_are_refused_by_their_place(kind: Kind) {
    let server = Server::shared(kind);
    let wrong = [
        ("step = 12.6", "step: здесь может быть число от −1 до 12,5", "Шаг пробы"),
        ("step = \"-1.5\"", "step: здесь может быть число от −1 до 12,5", "Шаг пробы"),
        ("step = \"0.0000000001\"", "step: здесь может быть число от −1 до 12,5", "не больше 9 знаков"),
        ("step = \"много\"", "step: здесь должно быть число", ""),
        ("step = true", "step: здесь должно быть число", ""),
        ("stride = 1", "stride: такого поля нет", ""),
    ];
    for (line, problem, further) in wrong {
        let package = with_step(&format!("[plugin.config]\n{line}"));
        let words = refused(server, &package, SLUG);
        let at = place(&package, "[plugin.config]", line);
        assert!(words.contains(&format!("{at}plugin.config.{problem}")) && words.contains(further), "{line}: {words}");
    }
    // A plugin of the platform says what may be set as well.
    let package = package_with("beregovoy", "[plugin.config]\nstep = 1");
    let words = refused(server, &package, "beregovoy");
    assert!(words.contains("plugin.config.step: такого поля нет"), "{words}");
}

#[derive(FromQueryResult)]
struct Activated {
    config: String,
    limits: String,
}

/// What the company's plugin calculates with from the latest month on.
fn activated(server: &Server) -> Activated {
    let sql = "SELECT config, limits FROM plugin_activation WHERE tenant_id = $1 ORDER BY from_period DESC LIMIT 1";
    let rows: Vec<Activated> =
        world::in_company(server, SLUG, async |tx| tx.rows(sql, vec![]).await.expect("a plugin"));
    rows.into_iter().next().expect("a plugin")
}

fn numbers_that_a_company_does_not_set_are_the_plugins_own(kind: Kind) {
    // Of its own: the company calculates otherwise.
    let server = Server::demo(Database::new(kind), NOW);
    taken(&server, &with_step(""));
    assert_eq!(activated(&server).config, r#"{"step":"7"}"#);
    let output = bill(&server, SLUG, NOVEMBER);
    assert!(!output.status.success() && said(&output).contains("прервался с ошибкой"), "{}", said(&output));
    let words = taken(&server, &with_step("[plugin.config]\nstep = \"-0.5\""));
    assert!(words.contains("рассчитывает с 2026-11"), "{words}");
    assert_eq!(activated(&server).config, r#"{"step":"-0.5"}"#);
    let output = bill(&server, SLUG, NOVEMBER);
    assert!(!output.status.success() && said(&output).contains("ответил не по договору"), "{}", said(&output));
}

fn limits_that_a_plugin_lowers_hold_when_a_month_is_billed(kind: Kind) {
    let server = Server::demo(Database::new(kind), NOW);
    let package = with_heat();
    let lower = |put: &str| fs::write(package.join("plugin.toml"), manifest_of("heat", "memory_mib = 16", put));
    for (limit, reason) in [("fuel_per_line = 10", "исчерпан запас инструкций"), ("memory_mib = 8", "")]
    {
        lower(limit).expect("a write");
        let words = taken(&server, &package);
        assert!(words.contains("рассчитывает с 2026-11"), "{words}");
        let output = bill(&server, SLUG, NOVEMBER);
        assert_eq!(output.status.success(), reason.is_empty(), "{limit}: {}", said(&output));
        assert!(said(&output).contains(reason), "{limit}: {}", said(&output));
    }
    assert_eq!(activated(&server).limits, r#"{"memory_bytes":8388608}"#);
    // Where nothing is lowered, nothing is written down: the platform's own hold.
    lower("").expect("a write");
    taken(&server, &package);
    assert_eq!(activated(&server).limits, "{}");
    let output = bill(&server, SLUG, NOVEMBER);
    assert!(output.status.success(), "{}", said(&output));
}
