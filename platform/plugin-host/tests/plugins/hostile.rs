//! Hostile components: refused before they run, or stopped within their limits.

use std::collections::HashSet;

use kabinet_plugin_host::api::{Account, AccountCharges, Batch, Period, Premises};
use kabinet_plugin_host::{Exceeded, Limits, PluginError, Usage};
use rust_decimal::Decimal;

use crate::guest::Guest;
use crate::{Stage, Test, bombs, liars, new_host};

pub(crate) const TESTS: &[Test] = &[
    ("hostile::a_harmless_guest_passes", a_harmless_guest_passes),
    ("hostile::at_least_twenty_five_hostile_components_are_tried", at_least_twenty_five_hostile_components_are_tried),
    ("hostile::loops_and_recursion_are_stopped", loops_and_recursion_are_stopped),
    ("hostile::growth_is_stopped", growth_is_stopped),
    ("hostile::slow_instructions_meet_the_clock", slow_instructions_meet_the_clock),
    ("hostile::a_trap_is_told_apart", a_trap_is_told_apart),
    ("hostile::a_start_function_is_limited_too", a_start_function_is_limited_too),
    ("hostile::foreign_imports_are_refused", foreign_imports_are_refused),
    ("hostile::other_versions_and_types_are_refused", other_versions_and_types_are_refused),
    ("hostile::what_is_no_component_is_refused", what_is_no_component_is_refused),
    ("hostile::counts_are_limited", counts_are_limited),
    ("hostile::a_forged_artifact_is_ignored", a_forged_artifact_is_ignored),
    ("hostile::what_is_only_tried_leaves_nothing_on_disk", what_is_only_tried_leaves_nothing_on_disk),
    ("hostile::a_failure_in_the_middle_of_a_batch_fails_it_whole", a_failure_in_the_middle_of_a_batch_fails_it_whole),
    ("hostile::a_limit_that_was_lowered_stops_a_call", a_limit_that_was_lowered_stops_a_call),
];

/// A batch of accounts without services.
pub(crate) fn batch(indexes: &[u32]) -> Batch {
    let account = |&index: &u32| Account {
        index,
        premises: Premises::Flat,
        area: Decimal::new(543, 1),
        residents: 2,
        owners: 1,
        house: None,
        spans: Vec::new(),
        absences: Vec::new(),
        services: Vec::new(),
    };
    Batch {
        period: Period { year: 2026, month: 10 },
        parameters: Vec::new(),
        tables: Vec::new(),
        houses: Vec::new(),
        accounts: indexes.iter().map(account).collect(),
    }
}

pub(crate) fn load(stage: &Stage, guest: &Guest) -> Result<kabinet_plugin_host::TariffPlugin, PluginError> {
    stage.runtime.block_on(stage.host.load(&guest.component()))
}

/// What a guest's calculation ends with: every one ends.
fn run(stage: &Stage, guest: &Guest) -> Result<Vec<AccountCharges>, PluginError> {
    load(stage, guest).expect("loads").calculate(&batch(&[]))
}

pub(crate) fn refusal(stage: &Stage, guest: &Guest) -> String {
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

/// Of those that the tests of these files take from a list: what each comes to is asserted where the list is. Whatever
/// is made twice counts once.
fn at_least_twenty_five_hostile_components_are_tried(_: &Stage) {
    let in_the_middle = DEEDS.iter().map(|(deed, _)| charging_until(deed));
    let too_large = bombs::above_the_counts().into_iter().map(|(bomb, _)| bomb);
    let hostile = in_the_middle.chain(too_large).chain(liars::liars());
    let different: HashSet<Vec<u8>> = hostile.map(|guest| guest.component()).collect();
    assert!(different.len() >= 25, "{} hostile components", different.len());
}

fn loops_and_recursion_are_stopped(stage: &Stage) {
    let endless = Guest::calculating("(loop $again (br $again)) i32.const 64");
    assert_eq!(run(stage, &endless), Err(PluginError::Limit(Exceeded::Instructions)));
    let mut deep = Guest::with(
        "(func $deep (param i64) (result i64) (i64.add (local.get 0) (call $deep (i64.add (local.get 0) (i64.const 1)))))",
    );
    deep.calculate = "(drop (call $deep (i64.const 0))) i32.const 64".to_owned();
    assert_eq!(run(stage, &deep), Err(PluginError::Limit(Exceeded::Recursion)));
}

fn growth_is_stopped(stage: &Stage) {
    let memory = Guest::calculating("(loop $again (drop (memory.grow (i32.const 16))) (br $again)) i32.const 64");
    assert_eq!(run(stage, &memory), Err(PluginError::Limit(Exceeded::Memory)));
    let mut table = Guest::with("(table $t 1 funcref)");
    table.calculate =
        "(loop $again (drop (table.grow $t (ref.null func) (i32.const 100))) (br $again)) i32.const 64".to_owned();
    assert_eq!(run(stage, &table), Err(PluginError::Limit(Exceeded::Table)));
}

/// Filling 12 MiB costs little fuel: only the clock stops a loop of it.
fn slow_instructions_meet_the_clock(stage: &Stage) {
    let mut slow = Guest::calculating(
        "(loop $again (memory.fill (i32.const 65536) (i32.const 1) (i32.const 12000000)) (br $again)) i32.const 64",
    );
    slow.pages = 200;
    let stopped = run(stage, &slow);
    assert!(matches!(stopped, Err(PluginError::Limit(Exceeded::Time | Exceeded::Instructions))), "{stopped:?}");
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
    assert_eq!(load(stage, &guest).err(), Some(PluginError::Limit(Exceeded::Instructions)));
}

fn foreign_imports_are_refused(stage: &Stage) {
    let interfaces = [
        "clocks/monotonic-clock",
        "clocks/wall-clock",
        "random/random",
        "random/insecure-seed",
        "cli/environment",
        "cli/stdout",
        "filesystem/preopens",
        "sockets/tcp",
        "http/outgoing-handler",
        "io/poll",
    ];
    let instance = |name: &str| format!(r#"(import "wasi:{name}@0.2.0" (instance (export "f" (func (result u64)))))"#);
    let own = [
        r#"(import "print" (func (param "text" string)))"#,
        r#"(import "library" (core module))"#,
        r#"(import "library" (component))"#,
    ];
    for import in interfaces.into_iter().map(instance).chain(own.map(str::to_owned)) {
        let component = wat::parse_str(format!("(component {import})")).expect("text");
        let refused = stage.runtime.block_on(stage.host.check(&component));
        let foreign = |reason: &str| reason.contains("which is outside the contract");
        assert!(matches!(&refused, Err(PluginError::Refused(reason)) if foreign(reason)), "{import}: {refused:?}");
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
    let reason = refusal(stage, &Guest::with("(data (i32.const 0) \"x\")".repeat(101)));
    assert!(reason.contains("data segments"), "{reason}");
    let reason = refusal(stage, &Guest::with("(global i32 (i32.const 0))".repeat(2_001)));
    assert!(reason.contains("globals"), "{reason}");
    let reason = refusal(stage, &Guest::with("(table 1001 funcref)"));
    assert!(reason.contains("table begins with"), "{reason}");
    let reason = refusal(stage, &Guest { pages: 257, ..Guest::default() });
    assert!(reason.contains("memory begins with"), "{reason}");
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

fn what_is_only_tried_leaves_nothing_on_disk(stage: &Stage) {
    let cache = tempfile::tempdir().expect("a folder");
    let component = Guest::default().component();
    let kept = || std::fs::read_dir(cache.path()).expect("the cache").count();
    let tried = stage.runtime.block_on(new_host(cache.path()).try_out(&component)).expect("compiled");
    assert_eq!((tried.calculate(&batch(&[])), kept()), (Ok(Vec::new()), 0));
    stage.runtime.block_on(new_host(cache.path()).load(&component)).expect("compiled");
    assert_eq!(kept(), 1);
}

/// Charges account after account, and does a deed where it comes to account 3.
fn charging_until(deed: &str) -> Guest {
    let mut guest = Guest::with(format!(
        "(func $charge (param $accounts i32) (param $count i32) (result i32) (local $at i32) (local $index i32)
           (block $done (loop $next
             (br_if $done (i32.ge_u (local.get $at) (local.get $count)))
             (local.set $index (i32.load (i32.add (local.get $accounts) (i32.mul (local.get $at) (i32.const 64)))))
             (if (i32.eq (local.get $index) (i32.const 3)) (then {deed}))
             (i32.store (i32.add (i32.const 65536) (i32.mul (local.get $at) (i32.const 12))) (local.get $index))
             (local.set $at (i32.add (local.get $at) (i32.const 1)))
             (br $next)))
           (i32.store (i32.const 68) (i32.const 65536))
           (i32.store (i32.const 72) (local.get $count))
           (i32.const 64))"
    ));
    guest.calculate = "(call $charge (local.get 8) (local.get 9))".to_owned();
    guest
}

/// What a guest may do in the middle of a batch, and the limit that stops it; none where it traps by itself.
const DEEDS: [(&str, Option<Exceeded>); 7] = [
    ("unreachable", None),
    ("(drop (i32.div_u (i32.const 1) (i32.const 0)))", None),
    ("(drop (i32.trunc_f64_s (f64.const nan)))", None),
    ("(drop (i32.load (i32.const -4)))", None),
    ("(loop $again (br $again))", Some(Exceeded::Instructions)),
    ("(drop (memory.grow (i32.const 256)))", Some(Exceeded::Memory)),
    ("(drop (call $charge (local.get $accounts) (local.get $count)))", Some(Exceeded::Recursion)),
];

fn a_failure_in_the_middle_of_a_batch_fails_it_whole(stage: &Stage) {
    for (deed, limit) in DEEDS {
        let plugin = load(stage, &charging_until(deed)).expect("loads");
        let stopped = plugin.calculate(&batch(&[1, 2, 3, 4]));
        match limit {
            Some(limit) => assert_eq!(stopped, Err(PluginError::Limit(limit)), "{deed}"),
            None => assert!(matches!(stopped, Err(PluginError::Trap(_))), "{deed}: {stopped:?}"),
        }
        // The same plugin charges the others, before and after.
        let others = plugin.calculate(&batch(&[1, 2, 4])).expect("charged");
        assert_eq!(others.iter().map(|account| account.index).collect::<Vec<_>>(), [1, 2, 4]);
    }
}

fn a_limit_that_was_lowered_stops_a_call(stage: &Stage) {
    // 100 000 steps, and a memory that grows to 3 MiB.
    let guest = Guest::with(
        "(func $work (local $i i32) (drop (memory.grow (i32.const 46)))
        (loop $again (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br_if $again (i32.lt_u (local.get $i) (i32.const 100000)))))",
    );
    let guest = Guest { calculate: "(call $work) i32.const 64".to_owned(), ..guest };
    let plugin = load(stage, &guest).expect("loads");
    let (_, usage) = plugin.measure(&batch(&[])).expect("charged");
    assert_eq!((usage.memory, usage.memory_limit), (3 << 20, 16 << 20));
    assert!(usage.fuel > 100_000 && usage.fuel_limit == 20_000_000, "{usage:?}");
    let within = |memory_bytes, fuel_per_line| plugin.within(Limits { memory_bytes, fuel_per_line });
    let (_, lowered) = within(3 << 20, 10_000).measure(&batch(&[])).expect("charged");
    let expected = Usage { memory_limit: 3 << 20, fuel_limit: 2_000_000, ..usage };
    assert_eq!(lowered, expected);
    let stopped = |memory, fuel| within(memory, fuel).calculate(&batch(&[]));
    assert_eq!(stopped(2 << 20, 10_000), Err(PluginError::Limit(Exceeded::Memory)));
    assert_eq!(stopped(3 << 20, 500), Err(PluginError::Limit(Exceeded::Instructions)));
    // What it begins with counts as well.
    let large = load(stage, &Guest { pages: 33, ..Guest::default() }).expect("loads");
    let small = large.within(Limits { memory_bytes: 2 << 20, ..Limits::PRODUCTION });
    assert_eq!(small.calculate(&batch(&[])), Err(PluginError::Limit(Exceeded::Memory)));
    // Nothing is raised, neither at once nor afterwards.
    let high = Limits { memory_bytes: 64 << 20, fuel_per_line: 1_000_000 };
    let (_, usage) = plugin.within(high).measure(&batch(&[])).expect("charged");
    assert_eq!((usage.memory_limit, usage.fuel_limit), (16 << 20, 20_000_000));
    let (_, usage) = within(3 << 20, 10_000).within(high).measure(&batch(&[])).expect("charged");
    assert_eq!((usage.memory_limit, usage.fuel_limit), (3 << 20, 2_000_000));
}
