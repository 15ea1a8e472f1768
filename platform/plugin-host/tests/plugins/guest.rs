//! Components made of text: a core module of our own writing, wrapped into the contract's types.

use std::sync::atomic::{AtomicU32, Ordering};

use kabinet_plugin_host::api::{Account, Batch, Period, Premises};
use rust_decimal::Decimal;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

static MADE: AtomicU32 = AtomicU32::new(0);

/// How many components the tests have made.
pub(crate) fn made() -> u32 {
    MADE.load(Ordering::Relaxed)
}

/// The parts of a module that a test may replace.
pub(crate) struct Guest {
    /// Instructions of `calculate`; must leave the address of a result.
    pub(crate) calculate: String,
    /// Further items: functions, tables, data, a start.
    pub(crate) items: String,
    /// Pages of memory to begin with.
    pub(crate) pages: u32,
    /// Locals of `calculate`.
    pub(crate) locals: usize,
    /// Address, length of the id that `describe` returns.
    pub(crate) id: (u32, u32),
    /// Contract version in place of 1.0.0.
    pub(crate) version: &'static str,
    /// Replacement in the contract's text, for wrong types.
    pub(crate) contract: (&'static str, &'static str),
}

impl Default for Guest {
    fn default() -> Guest {
        Guest {
            // An empty list of accounts at address 64 (all zero).
            calculate: "i32.const 64".to_owned(),
            items: String::new(),
            pages: 2,
            locals: 0,
            id: (16, 4),
            version: "1.0.0",
            contract: ("", ""),
        }
    }
}

impl Guest {
    /// A guest whose `calculate` does this.
    pub(crate) fn calculating(instructions: &str) -> Guest {
        Guest { calculate: instructions.to_owned(), ..Guest::default() }
    }

    /// A guest with these further items.
    pub(crate) fn with(items: impl Into<String>) -> Guest {
        Guest { items: items.into(), ..Guest::default() }
    }

    /// The bytes of the component.
    pub(crate) fn component(&self) -> Vec<u8> {
        MADE.fetch_add(1, Ordering::Relaxed);
        let mut module = wat::parse_str(self.text()).expect("module text");
        let mut contract = std::fs::read_to_string(crate::build::root().join("plugins/wit/tariff-1.0/tariff.wit"))
            .expect("the contract")
            .replace("@1.0.0", &format!("@{}", self.version));
        if !self.contract.0.is_empty() {
            contract = contract.replace(self.contract.0, self.contract.1);
        }
        let mut resolve = Resolve::default();
        let package = resolve.push_str("tariff.wit", &contract).expect("contract text");
        let world = resolve.select_world(&[package], Some("tariff")).expect("the world");
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("metadata");
        ComponentEncoder::default().module(&module).expect("a module").encode().expect("a component")
    }

    fn text(&self) -> String {
        let Guest { calculate, items, pages, version, id, .. } = self;
        let locals = "i64 ".repeat(self.locals);
        // describe: id at `id`, version "1", no rules.
        let describe: String =
            [id.0, id.1, 24, 1, 0, 0].iter().flat_map(|n| n.to_le_bytes()).map(|b| format!("\\{b:02x}")).collect();
        format!(
            r#"(module
  (memory (export "memory") {pages})
  (global $next (mut i32) (i32.const 4096))
  (data (i32.const 16) "evil")
  (data (i32.const 24) "1")
  (data (i32.const 32) "{describe}")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (global.set $next (i32.and (i32.add (global.get $next) (i32.const 15)) (i32.const -16)))
    (global.get $next)
    (global.set $next (i32.add (global.get $next) (local.get 3))))
  (func (export "kabinet:tariff/calculation@{version}#describe") (result i32) i32.const 32)
  (func (export "kabinet:tariff/calculation@{version}#calculate")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) (local {locals})
    {calculate})
  {items})"#
        )
    }
}

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
