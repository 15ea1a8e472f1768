//! The standard plugin, built from source, against cases worked out by hand.

use std::fs;
use std::path::Path;

use kabinet_plugin_host::cases::run_case;
use kabinet_plugin_host::{TariffPlugin, api::AccountCharges, native};

use crate::build::{HEAT, STANDARD, root};
use crate::speed::town;
use crate::{Stage, Test, new_host};

pub(crate) const TESTS: &[Test] = &[
    ("standard::every_golden_case_holds", every_golden_case_holds),
    ("standard::a_broken_case_names_its_place", a_broken_case_names_its_place),
    ("standard::it_describes_itself_as_its_manifest_does", it_describes_itself_as_its_manifest_does),
    ("standard::runs_are_the_same_byte_for_byte", runs_are_the_same_byte_for_byte),
    ("standard::it_gives_what_the_native_code_gives", it_gives_what_the_native_code_gives),
    ("standard::calls_may_come_from_many_threads", calls_may_come_from_many_threads),
];

pub(crate) fn plugin(stage: &Stage) -> TariffPlugin {
    stage.runtime.block_on(stage.host.load(&STANDARD)).expect("the standard plugin loads")
}

fn every_golden_case_holds(stage: &Stage) {
    for (example, component, least) in [("standard", &STANDARD, 100), ("heat", &HEAT, 10)] {
        let plugin = stage.runtime.block_on(stage.host.load(component)).expect("the plugin loads");
        let folder = root().join("plugins/examples").join(example).join("cases");
        let mut files: Vec<_> =
            fs::read_dir(folder).expect("the cases").map(|entry| entry.expect("an entry").path()).collect();
        files.sort();
        assert!(files.len() >= least, "{example}: only {} cases", files.len());
        let wrong: String = files.iter().filter_map(|file| wrong_case(&plugin, file)).collect();
        assert!(wrong.is_empty(), "\n{wrong}");
    }
}

/// What is wrong with a case that does not hold, in a line.
fn wrong_case(plugin: &TariffPlugin, file: &Path) -> Option<String> {
    let json = fs::read_to_string(file).expect("a case");
    let name = file.file_stem().expect("a name").to_string_lossy();
    match run_case(plugin, &json) {
        Ok(report) if report.passed() => None,
        Ok(report) => Some(format!("{name} ({}): {}\n", report.comment, report.differences.join("; "))),
        Err(error) => Some(format!("{name}: {error}\n")),
    }
}

fn a_broken_case_names_its_place(stage: &Stage) {
    let plugin = plugin(stage);
    let path = root().join("plugins/examples/standard/cases/cold-water-meter.json");
    let json = fs::read_to_string(path).expect("a case");
    let error = run_case(&plugin, &json.replace("\"residents\"", "\"inhabitants\"")).expect_err("refused");
    assert!(error.to_string().contains("inhabitants") && error.to_string().contains("line"), "{error}");
    // An injected defect turns the case red.
    let report = run_case(&plugin, &json.replace("15824", "15825")).expect("runs");
    assert_eq!(report.differences, ["account 1, cold-water: amount is 15824, expected 15825"]);
}

fn it_describes_itself_as_its_manifest_does(stage: &Stage) {
    let info = plugin(stage).info().clone();
    let manifest = fs::read_to_string(root().join("plugins/examples/standard/plugin.toml")).expect("plugin.toml");
    for line in
        [format!("id = \"{}\"", info.id), format!("version = \"{}\"", info.version), format!("api = \"{}\"", info.api)]
    {
        assert!(manifest.lines().any(|there| there == line), "{line} is not in plugin.toml");
    }
    let rules = ["metered", "drainage", "area", "persons", "heating", "heat_in_water", "common_property"];
    assert_eq!(info.rules, rules);
    assert_eq!(info.hash.len(), 64);
}

fn bytes(charges: &[AccountCharges]) -> Vec<u8> {
    postcard::to_stdvec(charges).expect("written")
}

fn runs_are_the_same_byte_for_byte(stage: &Stage) {
    let batch = town(500);
    let first = plugin(stage).measure(&batch).expect("charged");
    let second = plugin(stage).measure(&batch).expect("charged");
    assert_eq!(bytes(&first.0), bytes(&second.0));
    assert_eq!(first.1, second.1, "fuel");
    // From the artifact on disk as well, in a host of its own.
    let again = stage.runtime.block_on(new_host(stage.cache.path()).load(&STANDARD)).expect("loads");
    assert_eq!(bytes(&again.calculate(&batch).expect("charged")), bytes(&first.0));
    let back: Vec<AccountCharges> = postcard::from_bytes(&bytes(&first.0)).expect("read back");
    assert_eq!(back, first.0);
    let json = serde_json::to_string(&first.0).expect("written");
    assert_eq!(serde_json::from_str::<Vec<AccountCharges>>(&json).expect("read back"), first.0);
}

fn it_gives_what_the_native_code_gives(stage: &Stage) {
    let batch = town(300);
    assert_eq!(plugin(stage).calculate(&batch), native::calculate(&batch));
}

fn calls_may_come_from_many_threads(stage: &Stage) {
    let plugin = plugin(stage);
    let batch = town(20);
    let expected = plugin.calculate(&batch).expect("charged");
    std::thread::scope(|scope| {
        for _ in 0..40 {
            scope.spawn(|| assert_eq!(plugin.calculate(&batch).as_ref(), Ok(&expected)));
        }
    });
}
