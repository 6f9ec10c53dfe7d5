//! Where weights are fetched from.

use crate::{hexadecimal::hexadecimal, vgg19::Layer};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// The hub that is asked if no other is named.
const HUB: &str = "https://huggingface.co";
/// The file on the hub: torchvision's VGG19 with its classifier, 575 MB, of which a tenth is fetched. It is named by the
/// commit that added it, so that what is fetched stays the same when the hub's main branch moves.
const VGG19: &str = "timm/vgg19.tv_in1k/resolve/128d4708565b3a414bcbb9bbad440b2fe37b9f18/model.safetensors";
/// SHA-256 of the whole of that file, as the hub publishes it.
const VGG19_SHA256: &str = "11aea017b543ff59233749d8f1cf544cda749378f5790d2fedab841fb86b7669";

/// A safetensors file on a server, and how much of it is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Name of the file in the cache: the same for all mirrors of one file.
    pub name: String,
    /// Address of the file, http or https.
    pub url: String,
    /// SHA-256 of the server's whole file in hexadecimal, where it is known beforehand. What is fetched is a part of the
    /// file, so it is compared with what a hub says about the file when it redirects to it.
    pub sha256: Option<String>,
    /// The deepest layer whose filters are kept.
    pub deepest: Layer,
    /// When to give up.
    pub patience: Patience,
}

impl Source {
    /// Torchvision's VGG19 on `hub`, the address of the Hugging Face hub or of a mirror of it; none is the hub itself.
    pub fn vgg19(hub: Option<&str>, deepest: Layer) -> Source {
        let url = format!("{}/{VGG19}", hub.unwrap_or(HUB).trim_end_matches('/'));
        let (name, sha256) = ("vgg19.tv_in1k".to_owned(), Some(VGG19_SHA256.to_owned()));
        Source { name, url, sha256, deepest, patience: Patience::default() }
    }

    /// Some other file with torchvision's names.
    pub fn at(url: &str, deepest: Layer) -> Source {
        let digest = hexadecimal(&Sha256::digest(url));
        let (name, url) = (format!("url-{}", &digest[..16]), url.to_owned());
        Source { name, url, sha256: None, deepest, patience: Patience::default() }
    }
}

/// When to give up on a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Time in all until the server answers for the first time: lookups, connections, redirects and new attempts.
    pub answer: Duration,
    /// Time for a connection, including the lookup of the host's name.
    pub connect: Duration,
    /// Time for the next bytes of an answer.
    pub read: Duration,
    /// How many times in a row a broken connection is reopened without another byte arriving.
    pub attempts: u32,
    /// Pause before the second such attempt; it doubles with each.
    pub pause: Duration,
}

impl Patience {
    /// For a fetch that nobody asked for: there are other filters to work with.
    pub fn brief() -> Self {
        Patience {
            answer: Duration::from_secs(10),
            read: Duration::from_secs(10),
            attempts: 3,
            pause: Duration::from_millis(250),
            ..Patience::default()
        }
    }
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            answer: Duration::from_secs(60),
            connect: Duration::from_secs(8),
            read: Duration::from_secs(30),
            attempts: 5,
            pause: Duration::from_millis(500),
        }
    }
}
