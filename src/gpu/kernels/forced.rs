//! Which variants a user asks for by name.

use super::{
    WorkShape,
    variants::{OPERATIONS, Operation, Variant},
};
use crate::{gpu::Abilities, plan::Precision};
use std::{fmt, str::FromStr};

/// Variants that are used where they can do the work: for all operations that have them, or for one.
///
/// As text: names of variants, or `operation=variant`, separated by commas; the last one that applies to an operation
/// counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ForcedVariants(Vec<Forced>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Forced {
    /// None: all that have the variant.
    operation: Option<&'static Operation>,
    variant: Variant,
}

impl ForcedVariants {
    /// Nothing is forced.
    pub const NONE: ForcedVariants = ForcedVariants(Vec::new());

    /// The variant that is requested for an operation.
    pub fn of(&self, operation: &str) -> Option<Variant> {
        let operation = Operation::named(operation)?;
        let about = |forced: &&Forced| match forced.operation {
            Some(of) => of.name == operation.name,
            None => operation.has_choice() && operation.kernel(forced.variant).is_some(),
        };
        self.0.iter().rev().find(about).map(|forced| forced.variant)
    }

    /// Those that a device cannot use at all for maps in a precision, as text. The others may still be unable to do
    /// some of the work because of its channels.
    pub fn unusable(&self, precision: Precision, abilities: Abilities) -> Vec<String> {
        // If a kernel can run at all, it can do this many channels.
        let channels = 512;
        let can = |operation: &'static Operation, variant| {
            let (operation, inputs, outputs) = (operation.name, channels, channels);
            let shape = WorkShape { operation, inputs, outputs, precision, pixels_log2: 0 };
            shape.choices(abilities).iter().any(|choice| choice.kernel.variant == variant)
        };
        let usable = |forced: &&Forced| match forced.operation {
            Some(operation) => can(operation, forced.variant),
            None => OPERATIONS.iter().any(|operation| operation.has_choice() && can(operation, forced.variant)),
        };
        self.0.iter().filter(|forced| !usable(forced)).map(Forced::to_string).collect()
    }
}

impl From<Variant> for ForcedVariants {
    fn from(variant: Variant) -> ForcedVariants {
        ForcedVariants(vec![Forced { operation: None, variant }])
    }
}

impl fmt::Display for ForcedVariants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.iter().map(Forced::to_string).collect::<Vec<_>>().join(","))
    }
}

impl fmt::Display for Forced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.operation {
            Some(operation) => write!(f, "{}={}", operation.name, self.variant),
            None => self.variant.fmt(f),
        }
    }
}

/// A name that belongs to no variant or operation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages name the fields")]
pub enum UnknownVariant {
    #[error("there is no variant \"{name}\": there are {}", Variant::ALL.map(Variant::name).join(", "))]
    NoVariant { name: String },
    #[error("there is no operation \"{name}\" with variants: there are {}", with_variants().join(", "))]
    NoOperation { name: String },
    #[error("{operation} has no variant \"{name}\": it has {}", variants_of(operation).join(", "))]
    NotOfOperation { operation: &'static str, name: String },
}

/// Operations that have more than one variant.
fn with_variants() -> Vec<&'static str> {
    OPERATIONS.iter().filter(|operation| operation.has_choice()).map(|operation| operation.name).collect()
}

fn variants_of(operation: &str) -> Vec<&'static str> {
    let kernels = Operation::named(operation).map_or(&[][..], |operation| operation.kernels);
    kernels.iter().map(|kernel| kernel.variant.name()).collect()
}

impl FromStr for Forced {
    type Err = UnknownVariant;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some((operation, variant)) = text.split_once('=') else {
            let unknown = || UnknownVariant::NoVariant { name: text.to_owned() };
            return Ok(Forced { operation: None, variant: Variant::named(text).ok_or_else(unknown)? });
        };
        let (name, variant) = (operation.trim(), variant.trim());
        let unknown = || UnknownVariant::NoOperation { name: name.to_owned() };
        let operation = Operation::named(name).filter(|operation| operation.has_choice()).ok_or_else(unknown)?;
        let found = Variant::named(variant).filter(|&variant| operation.kernel(variant).is_some());
        let unknown = || UnknownVariant::NotOfOperation { operation: operation.name, name: variant.to_owned() };
        Ok(Forced { operation: Some(operation), variant: found.ok_or_else(unknown)? })
    }
}

impl FromStr for ForcedVariants {
    type Err = UnknownVariant;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split(',').map(|part| part.trim().parse()).collect::<Result<Vec<Forced>, _>>().map(ForcedVariants)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Variant::{Blocked, Plain, Tiled, Winograd2};

    fn forced(text: &str) -> ForcedVariants {
        text.parse().unwrap()
    }

    #[test]
    fn a_name_alone_is_for_every_operation_that_has_the_variant() {
        let tiled = forced("tiled");
        for operation in ["conv3x3", "conv3x3_backward", "gram", "gram_backward"] {
            assert_eq!(tiled.of(operation), Some(Tiled));
        }
        assert_eq!((tiled.of("adam"), tiled.of("no such operation")), (None, None));
        let winograd = forced("winograd2");
        assert_eq!((winograd.of("conv3x3_backward"), winograd.of("gram")), (Some(Winograd2), None));
        assert_eq!(forced("plain").of("max_pool"), None);
        assert_eq!(ForcedVariants::NONE.of("conv3x3"), None);
    }

    #[test]
    fn an_operation_can_be_named_and_the_last_word_counts() {
        let several = forced("winograd2, gram = tiled,conv3x3_backward=plain");
        assert_eq!(several.of("conv3x3"), Some(Winograd2));
        assert_eq!((several.of("conv3x3_backward"), several.of("gram")), (Some(Plain), Some(Tiled)));
        assert_eq!(several.of("gram_backward"), None);
        assert_eq!(forced("gram=tiled,blocked").of("gram"), Some(Blocked));
        assert_eq!(several.to_string(), "winograd2,gram=tiled,conv3x3_backward=plain");
        assert_eq!(forced(&several.to_string()), several);
    }

    #[test]
    fn an_unknown_name_lists_those_there_are() {
        let refused = |text: &str| text.parse::<ForcedVariants>().unwrap_err().to_string();
        assert!(refused("quick").contains("\"quick\": there are plain, blocked, tiled, winograd2"));
        assert!(
            refused("sharpen=tiled").contains("\"sharpen\" with variants: there are conv3x3, conv3x3_backward, gram")
        );
        assert!(refused("adam=plain").contains("no operation \"adam\" with variants"));
        assert!(refused("gram=winograd2").contains("gram has no variant \"winograd2\": it has blocked, tiled"));
        assert!(refused("").contains("\"\""));
    }
}
