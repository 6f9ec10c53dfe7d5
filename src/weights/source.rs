//! Where weights are fetched from.

use crate::vgg19::Layer;
use sha2::{Digest, Sha256};
use std::time::Duration;

/// The hub that is asked if no other is named.
const HUB: &str = "https://huggingface.co";
/// The file on the hub: torchvision's VGG19 with its classifier, 575 MB, of which a tenth is fetched.
const VGG19: &str = "timm/vgg19.tv_in1k/resolve/main/model.safetensors";

/// A safetensors file on a server, and how much of it is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Name of the file in the cache: the same for all mirrors of one file.
    pub name: String,
    /// Address of the file, http or https.
    pub url: String,
    /// The deepest layer whose filters are kept.
    pub deepest: Layer,
    /// When to give up.
    pub patience: Patience,
}

impl Source {
    /// Torchvision's VGG19 on `hub`, the address of the Hugging Face hub or of a mirror of it; none is the hub itself.
    pub fn vgg19(hub: Option<&str>, deepest: Layer) -> Source {
        let url = format!("{}/{VGG19}", hub.unwrap_or(HUB).trim_end_matches('/'));
        Source { name: "vgg19.tv_in1k".to_owned(), url, deepest, patience: Patience::default() }
    }

    /// Some other file with torchvision's names.
    pub fn at(url: &str, deepest: Layer) -> Source {
        let digest = hex(&Sha256::digest(url));
        Source { name: format!("url-{}", &digest[..16]), url: url.to_owned(), deepest, patience: Patience::default() }
    }
}

/// When to give up on a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Time for a connection, including the lookup of the host's name.
    pub connect: Duration,
    /// Time for the next bytes of an answer.
    pub read: Duration,
    /// How many times in a row a broken connection is reopened without another byte arriving.
    pub attempts: u32,
    /// Pause before the second such attempt; it doubles with each.
    pub pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            connect: Duration::from_secs(8),
            read: Duration::from_secs(30),
            attempts: 5,
            pause: Duration::from_millis(500),
        }
    }
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
