//! Components made of text: a core module of our own writing, wrapped into the contract's types.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Where the table of rules lies.
const RULES: u32 = 1024;

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
    /// The rules that `describe` names.
    pub(crate) rules: &'static [&'static str],
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
            rules: &[],
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
        let mut module = wat::parse_str(self.text()).expect("module text");
        let mut contract = include_str!("../../../../plugins/wit/tariff-1.0/tariff.wit")
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
        let Guest { calculate, items, pages, version, id, rules, .. } = self;
        let locals = "i64 ".repeat(self.locals);
        // describe: id at `id`, version "1", rules at RULES as pairs of address and length, their names behind.
        let count = u32::try_from(rules.len()).expect("few rules");
        let describe = words(&[id.0, id.1, 24, 1, RULES, count]);
        let mut address = RULES + 8 * count;
        let mut table = String::new();
        for rule in *rules {
            let length = u32::try_from(rule.len()).expect("a short name");
            table.push_str(&words(&[address, length]));
            address += length;
        }
        let names = rules.concat();
        format!(
            r#"(module
  (memory (export "memory") {pages})
  (global $next (mut i32) (i32.const 4096))
  (data (i32.const 16) "evil")
  (data (i32.const 24) "1")
  (data (i32.const 32) "{describe}")
  (data (i32.const {RULES}) "{table}{names}")
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

/// Numbers as they lie in memory, for a data segment.
fn words(numbers: &[u32]) -> String {
    numbers.iter().flat_map(|number| number.to_le_bytes()).map(|byte| format!("\\{byte:02x}")).collect()
}
