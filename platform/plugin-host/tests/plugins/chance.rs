//! Guests that look for something to differ by: what an earlier call left behind, or bits that a
//! processor may choose. Each traps when it finds it.

use crate::guest::Guest;
use crate::hostile::batch;
use crate::hostile::load;
use crate::{Stage, Test};

pub(crate) const TESTS: &[Test] = &[
    ("chance::nothing_of_a_call_is_left_for_the_next", nothing_of_a_call_is_left_for_the_next),
    ("chance::not_a_number_has_one_pattern", not_a_number_has_one_pattern),
];

/// A guest with these items that looks, leaves its trace and answers with no accounts.
fn guest(items: &str, look: &str, leave: &str) -> Guest {
    let calculate = format!("(if {look} (then unreachable)) {leave} i32.const 64");
    Guest { items: items.to_owned(), calculate, pages: 64, ..Guest::default() }
}

fn nothing_of_a_call_is_left_for_the_next(stage: &Stage) {
    let mut guests = vec![
        guest("(global $calls (mut i32) (i32.const 0))", "(global.get $calls)", "(global.set $calls (i32.const 1))"),
        guest("", "(i32.ne (memory.size) (i32.const 64))", "(drop (memory.grow (i32.const 1)))"),
        guest(
            "(table $t 8 funcref) (func $f) (elem declare func $f)",
            "(i32.eqz (ref.is_null (table.get $t (i32.const 7))))",
            "(table.set $t (i32.const 7) (ref.func $f))",
        ),
        guest(
            "(table $t 8 funcref)",
            "(i32.ne (table.size $t) (i32.const 8))",
            "(drop (table.grow $t (ref.null func) (i32.const 1)))",
        ),
        // A dropped segment would make the next call's copy trap by itself.
        guest(
            "(data $once \"x\")",
            "(i32.const 0)",
            "(memory.init $once (i32.const 3000) (i32.const 0) (i32.const 1)) (data.drop $once)",
        ),
    ];
    // Beside the guest's own data, in what the pool keeps resident, and beyond it.
    for address in [3_000, 70_000, (2 << 20) - 4, 3 << 20, (4 << 20) - 4] {
        let look = format!("(i32.load (i32.const {address}))");
        guests.push(guest("", &look, &format!("(i32.store (i32.const {address}) (i32.const -1))")));
    }
    for guest in guests {
        let plugin = load(stage, &guest).expect("loads");
        // More often than the pool keeps warm places for.
        for _ in 0..10 {
            assert_eq!(plugin.calculate(&batch(&[])), Ok(Vec::new()), "{}", guest.calculate);
        }
    }
}

fn not_a_number_has_one_pattern(stage: &Stage) {
    for number in [
        "(f64.div (f64.const 0) (f64.const -0))",
        "(f64.sqrt (f64.const -1))",
        "(f64.sub (f64.const inf) (f64.const inf))",
        "(f64.mul (f64.const -nan:0x123456789) (f64.const 1))",
        "(f64.promote_f32 (f32.div (f32.const 0) (f32.const 0)))",
        "(f64.min (f64.const -nan:0x7) (f64.const nan:0x9))",
    ] {
        let look = format!("(i64.ne (i64.reinterpret_f64 {number}) (i64.const 0x7ff8000000000000))");
        let plugin = load(stage, &guest("", &look, "")).expect("loads");
        assert_eq!(plugin.calculate(&batch(&[])), Ok(Vec::new()), "{number}");
    }
}
