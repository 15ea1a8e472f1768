//! Write a tariff plugin: implement [`Tariff`], then [`export_tariff!`].
//!
//! The same code compiles natively, so that a calculation can be tested and measured
//! without WebAssembly; only the export itself exists in the component alone.

mod exact;
mod trace;

pub use exact::{Exact, TooLarge};
pub use trace::Trace;

#[doc(hidden)]
pub mod bindings {
    //! Generated from the published contract.
    #![allow(missing_docs, clippy::all)]
    wit_bindgen::generate!({
        path: "../wit/tariff-1.0",
        world: "tariff",
        pub_export_macro: true,
        export_macro_name: "export_component",
        additional_derives: [PartialEq],
    });
}

pub use bindings::exports::kabinet::tariff::calculation::{
    Absence, Account, AccountCharges, AccountFailure, AveragedMonth, Basis, Batch, Consumption, Decimal, Failure,
    House, HouseVolume, Info, Line, Meter, MeterState, Method, Operation, Parameter, Part, Period, Premises, Price,
    Reason, Recalculation, Role, ServiceKind, ServiceTable, Span, TableFailure, Term, Unit, Zone, ZoneReading,
};

/// A tariff calculation: a pure function from a batch to its charges.
pub trait Tariff {
    /// The plugin's id, as in its `plugin.toml`: the platform refuses a component that says otherwise.
    const ID: &'static str;
    /// The plugin's version, as in its `plugin.toml`.
    const VERSION: &'static str;
    /// Names of the rules that service tables may ask for.
    const RULES: &'static [&'static str];

    /// The charges of every account of the batch, or the first reason why not. The batch's parameters are the numbers
    /// that `plugin.toml` declares: each is there, as the company sets it or with its default.
    fn calculate(batch: &Batch) -> Result<Vec<AccountCharges>, Failure>;
}

/// What the plugin says about itself, from the constants of its [`Tariff`].
pub fn info<T: Tariff>() -> Info {
    Info {
        id: T::ID.to_owned(),
        version: T::VERSION.to_owned(),
        rules: T::RULES.iter().map(|&rule| rule.to_owned()).collect(),
    }
}

/// Days of a month, 28 to 31.
pub fn days_in_month(period: Period) -> u8 {
    let leap = period.year % 4 == 0 && (period.year % 100 != 0 || period.year % 400 == 0);
    match period.month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Makes a type that implements [`Tariff`] the component's export.
#[macro_export]
macro_rules! export_tariff {
    ($tariff:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            struct Export;
            impl $crate::bindings::exports::kabinet::tariff::calculation::Guest for Export {
                fn describe() -> $crate::Info {
                    $crate::info::<$tariff>()
                }
                fn calculate(
                    batch: $crate::Batch,
                ) -> ::core::result::Result<::std::vec::Vec<$crate::AccountCharges>, $crate::Failure> {
                    <$tariff as $crate::Tariff>::calculate(&batch)
                }
            }
    $crate::bindings::export_component!(Export with_types_in $crate::bindings);
        };
    };
}
