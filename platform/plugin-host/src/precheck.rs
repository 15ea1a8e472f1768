//! What can be seen in a component before anything is compiled: its size in every dimension
//! that compilation time grows with, its imports, and the contract version it exports.

use wasmparser::{ComponentTypeRef, FunctionBody, Operator, Parser, Payload};

use crate::limits;

/// Versions of the contract that have an adapter.
pub(crate) const SPOKEN: &str = "1.0.0";
const EXPORT: &str = "kabinet:tariff/calculation@";

/// The contract version of an acceptable component, or the reason why it is not one.
pub(crate) fn check(component: &[u8]) -> Result<String, String> {
    if component.len() > limits::COMPONENT_BYTES {
        return Err(format!("{} bytes, at most {} are allowed", component.len(), limits::COMPONENT_BYTES));
    }
    if !Parser::is_component(component) {
        return Err("not a WebAssembly component".to_owned());
    }
    let mut survey = Survey::default();
    for payload in Parser::new(0).parse_all(component) {
        let payload = payload.map_err(|error| error.to_string())?;
        survey.look(&payload)?;
    }
    survey.api.ok_or_else(|| format!("it does not export the interface {EXPORT}{SPOKEN}"))
}

/// Sums over all modules of the component.
#[derive(Default)]
struct Survey {
    depth: u32,
    nested: u32,
    functions: u32,
    branch_targets: u32,
    api: Option<String>,
}

impl Survey {
    fn look(&mut self, payload: &Payload<'_>) -> Result<(), String> {
        match payload {
            Payload::Version { .. } => {
                self.depth += 1;
                self.nested += 1;
                limit(self.nested, limits::NESTED, "nested modules and components")?;
            }
            Payload::End(_) => self.depth = self.depth.saturating_sub(1),
            Payload::FunctionSection(section) => {
                self.functions = self.functions.saturating_add(section.count());
                limit(self.functions, limits::FUNCTIONS, "functions")?;
            }
            Payload::CodeSectionEntry(body) => self.body(body)?,
            Payload::DataSection(section) => limit(section.count(), limits::DATA_SEGMENTS, "data segments")?,
            Payload::TypeSection(section) => limit(section.count(), limits::ITEMS, "types")?,
            Payload::ImportSection(section) => limit(section.count(), limits::ITEMS, "core imports")?,
            Payload::GlobalSection(section) => limit(section.count(), limits::ITEMS, "globals")?,
            Payload::ExportSection(section) => limit(section.count(), limits::ITEMS, "exports")?,
            Payload::ElementSection(section) => limit(section.count(), limits::ITEMS, "element segments")?,
            Payload::MemorySection(section) => self.memories(section)?,
            Payload::TableSection(section) => self.tables(section)?,
            other => self.component(other)?,
        }
        Ok(())
    }

    /// Sections of components, as opposed to core modules.
    fn component(&mut self, payload: &Payload<'_>) -> Result<(), String> {
        match payload {
            Payload::ComponentImportSection(section) if self.depth == 1 => {
                for import in section.clone() {
                    let import = import.map_err(|error| error.to_string())?;
                    if !matches!(import.ty, ComponentTypeRef::Type(_)) {
                        return Err(format!("it imports {}, which is outside the contract", short(import.name.name)));
                    }
                }
            }
            Payload::ComponentExportSection(section) if self.depth == 1 => {
                for export in section.clone() {
                    let export = export.map_err(|error| error.to_string())?;
                    if let Some(version) = export.name.name.strip_prefix(EXPORT) {
                        self.api = Some(short(version));
                    }
                }
            }
            Payload::ComponentTypeSection(section) => limit(section.count(), limits::ITEMS, "component types")?,
            Payload::ComponentInstanceSection(section) => limit(section.count(), limits::ITEMS, "instances")?,
            Payload::InstanceSection(section) => limit(section.count(), limits::ITEMS, "core instances")?,
            Payload::ComponentAliasSection(section) => limit(section.count(), limits::ITEMS, "aliases")?,
            Payload::ComponentCanonicalSection(section) => {
                limit(section.count(), limits::ITEMS, "canonical functions")?
            }
            Payload::ComponentStartSection { .. } => {
                return Err("it has a component start function".to_owned());
            }
            _ => {}
        }
        Ok(())
    }

    fn memories(&self, section: &wasmparser::MemorySectionReader<'_>) -> Result<(), String> {
        limit(section.count(), 1, "memories of a module")?;
        for memory in section.clone() {
            let memory = memory.map_err(|error| error.to_string())?;
            if memory.memory64 || memory.shared {
                return Err("64-bit and shared memories are not allowed".to_owned());
            }
            let bytes = memory.initial.saturating_mul(64 << 10);
            if bytes > u64::try_from(limits::MEMORY_BYTES).unwrap_or(u64::MAX) {
                return Err(format!(
                    "its memory begins with {bytes} bytes, at most {} are allowed",
                    limits::MEMORY_BYTES
                ));
            }
        }
        Ok(())
    }

    fn tables(&self, section: &wasmparser::TableSectionReader<'_>) -> Result<(), String> {
        limit(section.count(), 4, "tables of a module")?;
        for table in section.clone() {
            let table = table.map_err(|error| error.to_string())?;
            if table.ty.initial > u64::try_from(limits::TABLE_ENTRIES).unwrap_or(u64::MAX) {
                return Err(format!(
                    "a table begins with {} entries, at most {} are allowed",
                    table.ty.initial,
                    limits::TABLE_ENTRIES
                ));
            }
        }
        Ok(())
    }

    fn body(&mut self, body: &FunctionBody<'_>) -> Result<(), String> {
        let size = body.range().len();
        if size > limits::BODY_BYTES {
            return Err(format!("a function of {size} bytes, at most {} are allowed", limits::BODY_BYTES));
        }
        let mut locals = 0u32;
        for group in body.get_locals_reader().map_err(|error| error.to_string())? {
            let (count, _) = group.map_err(|error| error.to_string())?;
            locals = locals.saturating_add(count);
            limit(locals, limits::LOCALS, "locals in a function")?;
        }
        let mut nesting = 0usize;
        for operator in body.get_operators_reader().map_err(|error| error.to_string())? {
            match operator.map_err(|error| error.to_string())? {
                Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => {
                    nesting += 1;
                    if nesting > limits::NESTING {
                        return Err(format!("blocks nested deeper than {}", limits::NESTING));
                    }
                }
                Operator::End => nesting = nesting.saturating_sub(1),
                Operator::BrTable { targets } => {
                    limit(targets.len(), limits::BRANCH_TARGETS, "targets of a branch table")?;
                    self.branch_targets = self.branch_targets.saturating_add(targets.len());
                    limit(self.branch_targets, limits::ALL_BRANCH_TARGETS, "targets of branch tables")?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn limit(count: u32, most: u32, what: &str) -> Result<(), String> {
    if count > most {
        return Err(format!("{count} {what}, at most {most} are allowed"));
    }
    Ok(())
}

/// A name of the component's, cut to what fits a message.
fn short(name: &str) -> String {
    name.chars().take(100).collect()
}
