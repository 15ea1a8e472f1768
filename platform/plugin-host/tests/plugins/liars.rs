//! Plugins whose answer does not belong to the question.

use kabinet_plugin_host::api::Consumption;
use kabinet_plugin_host::{Exceeded, PluginError};

use crate::guest::Guest;
use crate::hostile::batch;
use crate::{Stage, Test};

pub(crate) const TESTS: &[Test] = &[
    ("liars::accounts_must_be_those_asked_for", accounts_must_be_those_asked_for),
    ("liars::a_line_must_add_up_and_be_well_formed", a_line_must_add_up_and_be_well_formed),
    ("liars::too_large_an_answer_is_stopped", too_large_an_answer_is_stopped),
    ("liars::a_broken_description_is_refused", a_broken_description_is_refused),
];

/// A guest that answers with these account indexes, each without lines.
fn answering(indexes: &[u32]) -> Guest {
    let mut list = String::new();
    for index in indexes {
        for word in [*index, 0, 0] {
            list.extend(word.to_le_bytes().map(|byte| format!("\\{byte:02x}")));
        }
    }
    let head: String = [0u32, 256, u32::try_from(indexes.len()).expect("few")]
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .map(|byte| format!("\\{byte:02x}"))
        .collect();
    Guest::with(format!("(data (i32.const 64) \"{head}\") (data (i32.const 256) \"{list}\")"))
}

fn outcome(stage: &Stage, guest: &Guest, asked: &[u32]) -> Result<usize, PluginError> {
    let plugin = stage.runtime.block_on(stage.host.load(&guest.component())).expect("loads");
    plugin.calculate(&batch(asked)).map(|charges| charges.len())
}

/// Answers to a question about the accounts 5 and 6, and what the refusal says.
const MISTAKEN: [(&[u32], &str); 6] = [
    (&[5], "account 6 is missing"),
    (&[5, 7], "account 7 was not asked for"),
    (&[6, 5], "account 6 is out of order"),
    (&[5, 5], "account 5 comes twice"),
    (&[5, 6, 6], "account 6 comes twice"),
    (&[5, 6, 9], "account 9 was not asked for"),
];

/// Every guest whose answer is not what was asked for.
pub(crate) fn liars() -> Vec<Guest> {
    let mistaken = MISTAKEN.iter().map(|(answer, _)| answering(answer));
    mistaken.chain(LIES.iter().map(lying)).collect()
}

fn accounts_must_be_those_asked_for(stage: &Stage) {
    assert_eq!(outcome(stage, &answering(&[5, 6]), &[5, 6]), Ok(2));
    for (answer, words) in MISTAKEN {
        let refused = outcome(stage, &answering(answer), &[5, 6]);
        assert_eq!(refused, Err(PluginError::Output(words.to_owned())), "{answer:?}");
    }
}

/// A place in the honest answer, bytes that are put there, and what the refusal says.
type Lie = (usize, &'static [u8], &'static str);

const LINE: usize = 256;
const PART: usize = 512;
const TERM: usize = 640;
const ACCOUNT: usize = 128;

/// 4 m³ × 39.56 = 158.24 as it lies in a guest's memory, by the canonical layout of the contract's types.
fn honest_memory() -> Vec<u8> {
    let mut memory = vec![0; 1_024];
    let mut put = |at: usize, bytes: &[u8]| memory[at..at + bytes.len()].copy_from_slice(bytes);
    let word = |number: usize| u32::try_from(number).expect("small").to_le_bytes();
    let decimal = |mantissa: i64, scale: u8| [mantissa.to_le_bytes().as_slice(), &[scale]].concat();
    let (volume, tariff, amount) = (decimal(4, 0), decimal(3_956, 2), decimal(15_824, 2));
    // The result: ok, one account.
    put(68, &word(ACCOUNT));
    put(72, &word(1));
    put(ACCOUNT, &[word(7), word(LINE), word(1)].concat());
    // Service 0, method meter, no reason.
    put(LINE + 8, &volume);
    put(LINE + 24, &[word(PART), word(1)].concat());
    put(LINE + 80, &amount);
    put(LINE + 120, &[word(TERM), word(3)].concat());
    put(PART + 24, &volume);
    put(PART + 40, &tariff);
    put(PART + 56, &amount);
    // Operation, role, number, unit.
    for (position, (head, number, unit)) in
        [([0, 2], &volume, 0), ([1, 10], &tariff, 5), ([5, 17], &amount, 5)].into_iter().enumerate()
    {
        let term = TERM + 32 * position;
        put(term, &head);
        put(term + 8, number);
        put(term + 24, &[unit]);
    }
    memory
}

fn saying(memory: &[u8]) -> Guest {
    let bytes: String = memory[64..].iter().map(|byte| format!("\\{byte:02x}")).collect();
    Guest::with(format!("(data (i32.const 64) \"{bytes}\")"))
}

const LIES: [Lie; 24] = [
    (ACCOUNT + 8, &[2], "account 7 has 2 lines, 1 were asked for"),
    (ACCOUNT + 8, &[0], "account 7 has 0 lines, 1 were asked for"),
    (LINE, &[3], "has service 3 where 0 was asked for"),
    (LINE + 8, &[255, 255, 255, 255, 255, 255, 255, 127], "the volume is out of range"),
    (LINE + 16, &[13], "a number has 13 decimal places"),
    (LINE + 28, &[0], "not the sum of its parts"),
    (LINE + 32, &[1, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255], "the norm is out of range"),
    (LINE + 56, &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], "the coefficient is out of range"),
    (LINE + 80, &[0xd1], "not the sum of its parts"),
    (LINE + 80, &[255, 255, 255, 255, 255, 255, 255, 127, 0], "is out of range"),
    (LINE + 96, &[100], "the formula ends in another excess"),
    (LINE + 124, &[2], "the formula has no end"),
    (LINE + 124, &[0], "the formula ends in another amount"),
    (PART + 24, &[5], "a part is not its volume × its tariff"),
    (PART + 40, &[255; 8], "the tariff is out of range"),
    (TERM + 32, &[0], "the formula is broken"),
    (TERM + 64 + 8, &[1], "the formula ends in another amount"),
    // What is not of the contract's types at all.
    (64, &[2], "the plugin failed"),
    (LINE + 2, &[9], "the plugin failed"),
    (LINE + 3, &[7], "the plugin failed"),
    (TERM + 1, &[200], "the plugin failed"),
    (ACCOUNT + 4, &[255; 4], "the plugin failed"),
    (ACCOUNT + 4, &[1], "the plugin failed"),
    (LINE + 28, &[255; 4], "the plugin"),
];

/// A guest that says the honest answer with one lie in it.
fn lying((at, bytes, _): &Lie) -> Guest {
    let mut memory = honest_memory();
    memory[*at..*at + bytes.len()].copy_from_slice(bytes);
    saying(&memory)
}

fn a_line_must_add_up_and_be_well_formed(stage: &Stage) {
    let mut asked = batch(&[7]);
    asked.accounts[0].services = vec![Consumption {
        service: 0,
        meters: Vec::new(),
        meter_possible: false,
        averaged: Vec::new(),
        parameters: Vec::new(),
    }];
    let answer = |guest: &Guest| {
        let plugin = stage.runtime.block_on(stage.host.load(&guest.component())).expect("loads");
        plugin.calculate(&asked)
    };
    let charges = answer(&saying(&honest_memory())).expect("the honest answer is taken");
    assert_eq!((charges[0].index, charges[0].lines[0].total()), (7, 15_824));
    for lie in &LIES {
        let (_, _, words) = lie;
        let refused = answer(&lying(lie)).expect_err(words);
        assert!(refused.to_string().contains(words), "{words}: {refused}");
    }
}

fn too_large_an_answer_is_stopped(stage: &Stage) {
    let mut guest = Guest::with("(data (i32.const 64) \"\\00\\00\\00\\00\\00\\10\\00\\00\\40\\0d\\03\\00\")");
    guest.pages = 100;
    assert_eq!(outcome(stage, &guest, &[1]), Err(PluginError::Limit(Exceeded::Answer)));
}

fn a_broken_description_is_refused(stage: &Stage) {
    for (id, pages) in [((16, 0), 2), ((0, 4_000), 2), ((40_000, 600), 2)] {
        let guest = Guest { id, pages, ..Guest::default() };
        let outcome = stage.runtime.block_on(stage.host.check(&guest.component()));
        assert!(matches!(outcome, Err(PluginError::Output(_) | PluginError::Trap(_))), "{outcome:?}");
    }
}
