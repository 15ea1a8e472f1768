//! Hostile components: refused before they run, or stopped within their limits.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use kabinet_plugin_host::PluginError;
use kabinet_plugin_host::api::AccountCharges;

use crate::guest::{Guest, batch};
use crate::{Stage, Test, new_host};

pub(crate) const TESTS: &[Test] = &[
    ("hostile::a_harmless_guest_passes", a_harmless_guest_passes),
    ("hostile::loops_and_recursion_are_stopped", loops_and_recursion_are_stopped),
    ("hostile::growth_is_stopped", growth_is_stopped),
    ("hostile::slow_instructions_meet_the_clock", slow_instructions_meet_the_clock),
    ("hostile::a_trap_is_told_apart", a_trap_is_told_apart),
    ("hostile::a_start_function_is_limited_too", a_start_function_is_limited_too),
    ("hostile::foreign_imports_are_refused", foreign_imports_are_refused),
    ("hostile::other_versions_and_types_are_refused", other_versions_and_types_are_refused),
    ("hostile::what_is_no_component_is_refused", what_is_no_component_is_refused),
    ("hostile::counts_are_limited", counts_are_limited),
    ("hostile::bodies_are_limited", bodies_are_limited),
    ("hostile::compile_bombs_die_in_the_worker", compile_bombs_die_in_the_worker),
    ("hostile::a_forged_artifact_is_ignored", a_forged_artifact_is_ignored),
    ("hostile::a_state_does_not_survive_a_call", a_state_does_not_survive_a_call),
];

fn load(stage: &Stage, guest: &Guest) -> Result<kabinet_plugin_host::TariffPlugin, PluginError> {
    stage.runtime.block_on(stage.host.load(&guest.component()))
}

/// What a guest's calculation ends with; none may hold the caller longer than its deadline.
fn run(stage: &Stage, guest: &Guest) -> Result<Vec<AccountCharges>, PluginError> {
    let plugin = load(stage, guest).expect("loads");
    let begun = Instant::now();
    let outcome = plugin.calculate(&batch(&[]));
    assert!(begun.elapsed() < Duration::from_secs(4), "took {:?}", begun.elapsed());
    outcome
}

fn refusal(stage: &Stage, guest: &Guest) -> String {
    match load(stage, guest) {
        Ok(_) => panic!("accepted"),
        Err(PluginError::Refused(reason)) => reason,
        Err(other) => panic!("not refused but: {other}"),
    }
}

fn a_harmless_guest_passes(stage: &Stage) {
    let plugin = load(stage, &Guest::default()).expect("loads");
    assert_eq!((plugin.info().id.as_str(), plugin.info().api.as_str()), ("evil", "1.0.0"));
    assert_eq!(plugin.calculate(&batch(&[])), Ok(Vec::new()));
}

fn loops_and_recursion_are_stopped(stage: &Stage) {
    let endless = Guest::calculating("(loop $again (br $again)) i32.const 64");
    assert_eq!(run(stage, &endless), Err(PluginError::Limit("too many instructions")));
    let mut deep = Guest::with(
        "(func $deep (param i64) (result i64) (i64.add (local.get 0) (call $deep (i64.add (local.get 0) (i64.const 1)))))",
    );
    deep.calculate = "(drop (call $deep (i64.const 0))) i32.const 64".to_owned();
    assert_eq!(run(stage, &deep), Err(PluginError::Limit("too deep a recursion")));
}

fn growth_is_stopped(stage: &Stage) {
    let memory = Guest::calculating("(loop $again (drop (memory.grow (i32.const 16))) (br $again)) i32.const 64");
    assert_eq!(run(stage, &memory), Err(PluginError::Limit("too much memory")));
    let mut table = Guest::with("(table $t 1 funcref)");
    table.calculate =
        "(loop $again (drop (table.grow $t (ref.null func) (i32.const 100))) (br $again)) i32.const 64".to_owned();
    assert_eq!(run(stage, &table), Err(PluginError::Limit("too large a table")));
}

/// Filling 12 MiB costs little fuel: only the clock stops a loop of it.
fn slow_instructions_meet_the_clock(stage: &Stage) {
    let mut slow = Guest::calculating(
        "(loop $again (memory.fill (i32.const 65536) (i32.const 1) (i32.const 12000000)) (br $again)) i32.const 64",
    );
    slow.pages = 200;
    let stopped = run(stage, &slow);
    assert!(matches!(stopped, Err(PluginError::Limit("too much time" | "too many instructions"))), "{stopped:?}");
}

fn a_trap_is_told_apart(stage: &Stage) {
    assert!(matches!(run(stage, &Guest::calculating("unreachable")), Err(PluginError::Trap(_))));
    let outside = Guest::calculating("(i32.load (i32.const 100000000))");
    assert!(matches!(run(stage, &outside), Err(PluginError::Trap(_))));
    // A result that lies outside the memory.
    assert!(matches!(run(stage, &Guest::calculating("i32.const -8")), Err(PluginError::Trap(_))));
}

fn a_start_function_is_limited_too(stage: &Stage) {
    let guest = Guest::with("(func $begin (loop $again (br $again))) (start $begin)");
    assert_eq!(load(stage, &guest).err(), Some(PluginError::Limit("too many instructions")));
}

fn foreign_imports_are_refused(stage: &Stage) {
    for import in [
        r#"(import "wasi:clocks/monotonic-clock@0.2.0" (instance (export "now" (func (result u64)))))"#,
        r#"(import "print" (func (param "text" string)))"#,
    ] {
        let component = wat::parse_str(format!("(component {import})")).expect("text");
        let refused = stage.runtime.block_on(stage.host.check(&component));
        let foreign = |reason: &str| reason.contains("which is outside the contract");
        assert!(matches!(&refused, Err(PluginError::Refused(reason)) if foreign(reason)), "{refused:?}");
    }
}

fn other_versions_and_types_are_refused(stage: &Stage) {
    let newer = load(stage, &Guest { version: "2.0.0", ..Guest::default() }).err();
    assert_eq!(newer, Some(PluginError::ApiVersion { found: "2.0.0".to_owned(), spoken: "1.0.0" }));
    let reason = refusal(stage, &Guest { contract: ("mantissa: s64", "mantissa: u64"), ..Guest::default() });
    assert!(!reason.is_empty());
}

fn what_is_no_component_is_refused(stage: &Stage) {
    let module = wat::parse_str("(module)").expect("text");
    let empty = wat::parse_str("(component)").expect("text");
    let broken = Guest::default().component()[..300].to_vec();
    let huge = vec![0; 3 << 20];
    for bytes in [module, empty, broken, huge, Vec::new(), b"MZ".to_vec()] {
        let outcome = stage.runtime.block_on(stage.host.check(&bytes));
        assert!(matches!(outcome, Err(PluginError::Refused(_))), "{outcome:?}");
    }
}

fn counts_are_limited(stage: &Stage) {
    let reason = refusal(stage, &Guest::with("(func)".repeat(1_000)));
    assert!(reason.contains("functions, at most 1000"), "{reason}");
    let reason = refusal(stage, &Guest::with("(data (i32.const 0) \"x\")".repeat(101)));
    assert!(reason.contains("data segments"), "{reason}");
    let reason = refusal(stage, &Guest::with("(global i32 (i32.const 0))".repeat(2_001)));
    assert!(reason.contains("globals"), "{reason}");
    let reason = refusal(stage, &Guest::with("(table 1001 funcref)"));
    assert!(reason.contains("table begins with"), "{reason}");
    let reason = refusal(stage, &Guest { pages: 257, ..Guest::default() });
    assert!(reason.contains("memory begins with"), "{reason}");
}

fn bodies_are_limited(stage: &Stage) {
    let reason = refusal(stage, &Guest { locals: 1_001, ..Guest::default() });
    assert!(reason.contains("locals"), "{reason}");
    let nested = format!("{}{}", "(block ".repeat(300), ")".repeat(300));
    let reason = refusal(stage, &Guest::with(format!("(func {nested})")));
    assert!(reason.contains("nested deeper"), "{reason}");
    let table = format!("(func (block (br_table {} (i32.const 0))))", "0 ".repeat(2_000));
    let reason = refusal(stage, &Guest::with(table));
    assert!(reason.contains("branch table"), "{reason}");
    let long = format!("(func (result i32) (i32.const 1) {})", "(i32.const 77777) (i32.add)".repeat(20_000));
    let reason = refusal(stage, &Guest::with(long));
    assert!(reason.contains("a function of"), "{reason}");
}

/// Within every count, and still much work for a compiler: it may pass or die, but in time.
fn compile_bombs_die_in_the_worker(stage: &Stage) {
    let mut functions = String::new();
    for number in 0..25 {
        let mut body = String::new();
        for step in 0..3_000 {
            let (a, b) = (step % 900, (step * 7 + number) % 900);
            let _ = write!(
                body,
                "(if (i64.eqz (local.get {a})) (then (local.set {b} (i64.mul (local.get {a}) (local.get {b})))))"
            );
        }
        let _ = write!(functions, "(func (local {}) {body})", "i64 ".repeat(900));
    }
    let component = Guest::with(functions).component();
    let begun = Instant::now();
    let outcome = stage.runtime.block_on(stage.host.check(&component));
    let took = begun.elapsed();
    println!("  compile bomb of {} KB: {took:?}, {:?}", component.len() >> 10, outcome.as_ref().err());
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(!matches!(outcome, Err(PluginError::Unavailable(_))));
    // The next plugin is served.
    load(stage, &Guest::calculating("i32.const 64 nop")).expect("loads");
}

fn a_forged_artifact_is_ignored(stage: &Stage) {
    let cache = tempfile::tempdir().expect("a folder");
    let component = Guest::default().component();
    let check = || stage.runtime.block_on(new_host(cache.path()).check(&component));
    check().expect("compiled");
    let file = std::fs::read_dir(cache.path()).expect("the cache").next().expect("a file").expect("an entry").path();
    let honest = std::fs::read(&file).expect("the artifact");
    for place in [0, 40, honest.len() - 1] {
        let mut forged = honest.clone();
        forged[place] ^= 1;
        std::fs::write(&file, &forged).expect("written");
        check().expect("compiled again");
        assert_eq!(std::fs::read(&file).expect("the artifact").len(), honest.len());
        assert_ne!(std::fs::read(&file).expect("the artifact"), forged, "the forgery stayed");
    }
    assert!(stage.cache.path().exists());
}

/// A guest that fails on its second call never sees a second call.
fn a_state_does_not_survive_a_call(stage: &Stage) {
    let mut guest = Guest::with("(global $calls (mut i32) (i32.const 0))");
    guest.calculate =
        "(if (global.get $calls) (then unreachable)) (global.set $calls (i32.const 1)) i32.const 64".to_owned();
    let plugin = load(stage, &guest).expect("loads");
    for _ in 0..3 {
        assert_eq!(plugin.calculate(&batch(&[])), Ok(Vec::new()));
    }
}
