//! Components that are small to send and much work to compile: above a count they are refused before
//! anything is compiled, at the count they pass or die in their worker, and the next plugin is served.

use kabinet_plugin_host::PluginError;

use crate::guest::Guest;
use crate::hostile::{load, refusal};
use crate::{Stage, Test};

pub(crate) const TESTS: &[Test] = &[
    ("bombs::above_a_count_they_are_refused", above_a_count_they_are_refused),
    ("bombs::at_the_counts_the_next_plugin_is_served", at_the_counts_the_next_plugin_is_served),
];

fn functions(count: usize, body: &str) -> String {
    format!("(func {body})").repeat(count)
}

/// A function of so many blocks inside each other, with a way out of every one.
fn nest(depth: usize) -> String {
    let exits: String = (0..depth).map(|level| format!("(br_if {level} (local.get 0))")).collect();
    format!("(func (param i32) {}{exits}{})", "(block ".repeat(depth), ")".repeat(depth))
}

/// A function that chooses among so many targets, the last of them the default, in a hundred blocks.
fn branch_table(targets: usize) -> String {
    let names: String = (0..targets).map(|target| format!("{} ", target % 100)).collect();
    format!("(func (param i32) {} (br_table {names} (local.get 0)) {})", "(block ".repeat(100), ")".repeat(100))
}

/// A function with so many locals, each of which depends on others through branches.
fn locals(count: usize, steps: usize) -> String {
    let steps: String = (0..steps)
        .map(|step| (step % count, (step * 7 + 1) % count))
        .map(|(a, b)| {
            format!("(if (i64.eqz (local.get {a})) (then (local.set {b} (i64.mul (local.get {a}) (local.get {b})))))")
        })
        .collect();
    format!("(func (local {}) {steps})", "i64 ".repeat(count))
}

/// A function of so many additions.
fn sum(additions: usize) -> String {
    format!("(func (result i32) (i32.const 1) {})", "(i32.const 77777) (i32.add)".repeat(additions))
}

/// One above each count, and what its refusal says.
pub(crate) fn above_the_counts() -> Vec<(Guest, &'static str)> {
    let bombs = vec![
        (locals(1_001, 0), "locals in a function, at most 1000"),
        (functions(1_000, ""), "functions, at most 1000"),
        (nest(201), "nested deeper than 200"),
        (branch_table(1_026), "targets of a branch table, at most 1024"),
        (branch_table(1_000).repeat(17), "targets of branch tables, at most 16384"),
        (sum(20_000), "a function of"),
        ("(func (loop ".to_owned() + &"(if (i32.const 1) (then ".repeat(200) + &"))".repeat(201), "nested deeper"),
    ];
    bombs.into_iter().map(|(items, words)| (Guest::with(items), words)).collect()
}

fn above_a_count_they_are_refused(stage: &Stage) {
    for (bomb, words) in above_the_counts() {
        let reason = refusal(stage, &bomb);
        assert!(reason.contains(words), "{words}: {reason}");
    }
}

fn at_the_counts_the_next_plugin_is_served(stage: &Stage) {
    for (bomb, items) in [
        ("locals", locals(900, 3_000).repeat(25)),
        ("many functions with many locals", locals(1_000, 1).repeat(900)),
        ("functions", sum(300).repeat(990)),
        ("nesting", nest(199).repeat(900)),
        ("branch tables", branch_table(1_000).repeat(16)),
        ("long functions", sum(10_000).repeat(30)),
    ] {
        let guest = Guest::with(items);
        let outcome = stage.runtime.block_on(stage.host.check(&guest.component()));
        println!("  {bomb}: {:?}", outcome.as_ref().err());
        assert!(matches!(outcome, Ok(_) | Err(PluginError::Compilation(_))), "{bomb}: {outcome:?}");
        // Another component each time, so that a worker is needed for it.
        load(stage, &Guest::with(format!("(func (drop (i32.const {})))", bomb.len()))).expect("loads");
    }
}
