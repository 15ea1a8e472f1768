//! Plugins whose answer does not belong to the question.

use kabinet_plugin_host::PluginError;

use crate::guest::{Guest, batch};
use crate::{Stage, Test};

pub(crate) const TESTS: &[Test] = &[
    ("liars::accounts_must_be_those_asked_for", accounts_must_be_those_asked_for),
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

fn accounts_must_be_those_asked_for(stage: &Stage) {
    assert_eq!(outcome(stage, &answering(&[5, 6]), &[5, 6]), Ok(2));
    for (answer, words) in [
        (&[5][..], "account 6 is missing"),
        (&[5, 7], "account 7 was not asked for"),
        (&[6, 5], "account 6 is out of order"),
        (&[5, 5], "account 5 comes twice"),
        (&[5, 6, 6], "account 6 comes twice"),
        (&[5, 6, 9], "account 9 was not asked for"),
    ] {
        let refused = outcome(stage, &answering(answer), &[5, 6]);
        assert_eq!(refused, Err(PluginError::Output(words.to_owned())), "{answer:?}");
    }
}

fn too_large_an_answer_is_stopped(stage: &Stage) {
    let mut guest = Guest::with("(data (i32.const 64) \"\\00\\00\\00\\00\\00\\10\\00\\00\\40\\0d\\03\\00\")");
    guest.pages = 100;
    assert_eq!(outcome(stage, &guest, &[1]), Err(PluginError::Limit("too large an answer")));
}

fn a_broken_description_is_refused(stage: &Stage) {
    for (id, pages) in [((16, 0), 2), ((0, 4_000), 2), ((40_000, 600), 2)] {
        let guest = Guest { id, pages, ..Guest::default() };
        let outcome = stage.runtime.block_on(stage.host.check(&guest.component()));
        assert!(matches!(outcome, Err(PluginError::Output(_) | PluginError::Trap(_))), "{outcome:?}");
    }
}
