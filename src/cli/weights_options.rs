//! Which filters a command works with: a file, the cached VGG19, or filters learned from the pictures themselves.

use super::{
    CliError,
    console::Console,
    weights::{fetch, learn_shown, source, user_cache},
};
use clap::Args;
use impasto::{
    cache_directory::NoCacheDirectory,
    learn::LearnSettings,
    picture::Picture,
    vgg19::Layer,
    weights::{self, Cache, FetchError, Filters, Format, Origin, Patience, Source},
};
use std::{
    convert::Infallible,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    str::FromStr,
};

/// Options that name filters.
#[derive(Args)]
pub(crate) struct WeightsOptions {
    /// Filters: auto (VGG19 from the cache, else fetched once, else learned), learned (from the two pictures), or a
    /// safetensors file with torchvision's names
    #[arg(long, value_name = "auto|learned|FILE", default_value = "auto")]
    weights: WeightsChoice,

    /// What the file's first convolution expects: torchvision (RGB, normalised) or caffe (BGR, 0 to 255 less the mean)
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "torchvision")]
    weights_format: Format,

    /// Fetch this safetensors file, not torchvision's VGG19 from the Hugging Face hub or the mirror in HF_ENDPOINT
    #[arg(long, value_name = "URL")]
    weights_url: Option<String>,
}

#[derive(Clone, Debug)]
enum WeightsChoice {
    Auto,
    Learned,
    File(PathBuf),
}

impl FromStr for WeightsChoice {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "auto" => WeightsChoice::Auto,
            "learned" => WeightsChoice::Learned,
            path => WeightsChoice::File(path.into()),
        })
    }
}

impl WeightsOptions {
    /// Filters as deep as they go, at most to `wanted`; a file that ends before `needed` is refused. If filters have to
    /// be learned, they are learned from `pictures`.
    pub fn load(
        &self,
        wanted: Layer,
        needed: Option<Layer>,
        pictures: &[&Picture],
        threads: Option<NonZeroUsize>,
        console: &Console,
    ) -> Result<Filters, CliError> {
        self.check()?;
        match &self.weights {
            WeightsChoice::File(path) => self.load_file(path, wanted, needed),
            WeightsChoice::Learned => learned(pictures, threads, console),
            WeightsChoice::Auto => {
                let url = self.weights_url.as_deref();
                let source = Source { patience: Patience::brief(), ..source(url, wanted) };
                let found = pretrained(url.is_none(), &source, user_cache(), console);
                match found.and_then(|path| self.load_file(&path, wanted, needed)) {
                    Err(error) => self.learned_instead(error, needed, pictures, threads, console),
                    loaded => loaded,
                }
            }
        }
    }

    /// Learned filters, with a line that says why there are no others; or the error, if it is about an option, or if
    /// learned filters do not reach the layers that were named.
    fn learned_instead(
        &self,
        error: CliError,
        needed: Option<Layer>,
        pictures: &[&Picture],
        threads: Option<NonZeroUsize>,
        console: &Console,
    ) -> Result<Filters, CliError> {
        let reach = LearnSettings::default().deepest;
        if self.weights_url.is_some() && matches!(error, CliError::Fetch(FetchError::Address { .. })) {
            return Err(error);
        }
        if let Some(needed) = needed.filter(|&needed| needed > reach) {
            let advice = format!(
                "filters learned from the pictures would end at {reach}: name no layer as deep as {needed}, or a file \
                 with --weights"
            );
            return Err(CliError::Advised { error: Box::new(error), advice });
        }
        console.say(&self.excuse(&error));
        learned(pictures, threads, console)
    }

    /// Why filters are learned, and how to get others.
    fn excuse(&self, error: &CliError) -> String {
        let cause = match error {
            CliError::Fetch(error) => error.cause(),
            error => error.to_string(),
        };
        let again = match (error, &self.weights_url) {
            (CliError::Fetch(FetchError::NotBuilt { .. }), _) => String::new(),
            (_, None) => "\"impasto weights fetch\" tries again, ".to_owned(),
            (_, Some(url)) => format!("\"impasto weights fetch --weights-url {url}\" tries again, "),
        };
        format!(
            "no VGG19 ({cause}), so filters are learned from your two pictures; {again}--weights learned asks for this"
        )
    }

    /// How deep [`Self::load`] would get, and where its filters come from, without loading, fetching or learning
    /// anything: a VGG19 that would have to be fetched counts as there.
    pub fn expected(&self, wanted: Layer) -> Result<(Layer, Origin), CliError> {
        self.check()?;
        Ok(match &self.weights {
            WeightsChoice::File(path) => {
                let info = weights::info(path)?;
                (wanted.min(info.deepest.unwrap_or(wanted)), info.origin)
            }
            WeightsChoice::Learned => (LearnSettings::default().deepest, Origin::Learned),
            WeightsChoice::Auto => (wanted, Origin::Network),
        })
    }

    /// The file that is named, if one is.
    pub fn file(&self) -> Option<&Path> {
        match &self.weights {
            WeightsChoice::File(path) => Some(path),
            WeightsChoice::Auto | WeightsChoice::Learned => None,
        }
    }

    /// Resolves a relative path against another directory than the current one.
    pub fn look_in(&mut self, directory: &Path) {
        if let WeightsChoice::File(path) = &mut self.weights {
            *path = directory.join(&*path);
        }
    }

    /// Whether the options can be combined.
    fn check(&self) -> Result<(), CliError> {
        let (url, caffe) = (self.weights_url.is_some(), matches!(self.weights_format, Format::Caffe));
        match &self.weights {
            WeightsChoice::File(_) | WeightsChoice::Learned if url => {
                Err(CliError::Usage("--weights-url goes with --weights auto: leave one of the two out".to_owned()))
            }
            WeightsChoice::Auto | WeightsChoice::Learned if caffe && !url => Err(CliError::Usage(
                "--weights-format caffe is about a file of your own: name it with --weights or --weights-url"
                    .to_owned(),
            )),
            _ => Ok(()),
        }
    }

    fn load_file(&self, path: &Path, wanted: Layer, needed: Option<Layer>) -> Result<Filters, CliError> {
        let reach = weights::info(path)?.deepest.unwrap_or(wanted);
        Ok(weights::load(path, self.weights_format, Some(wanted.min(reach)).max(needed).unwrap_or(wanted))?)
    }
}

/// The file that auto takes: what the cache has for the source, or for the default source anything else in the cache
/// that serves, or what can be fetched.
fn pretrained(
    any: bool,
    source: &Source,
    cache: Result<Cache, NoCacheDirectory>,
    console: &Console,
) -> Result<PathBuf, CliError> {
    let cache = cache?;
    let path = match any.then(|| cache.usable(source).next()).flatten() {
        Some(path) => path,
        None => fetch(source, &cache, console)?,
    };
    console.detail(&format!("filters from {}", path.display()));
    Ok(path)
}

/// Filters learned from pictures.
pub(crate) fn learned(
    pictures: &[&Picture],
    threads: Option<NonZeroUsize>,
    console: &Console,
) -> Result<Filters, CliError> {
    let settings = LearnSettings { threads, ..LearnSettings::default() };
    console.detail(&format!("learning filters from the pictures, down to {}", settings.deepest));
    Ok(learn_shown(pictures, &settings, console)?)
}

#[cfg(test)]
mod tests {
    use super::{super::console::ConsoleOptions, *};
    use std::{io, net::TcpListener, time::Duration};

    #[derive(clap::Parser)]
    struct Command {
        #[command(flatten)]
        weights: WeightsOptions,
        #[command(flatten)]
        console: ConsoleOptions,
    }

    fn console() -> Console {
        Console::new(<Command as clap::Parser>::parse_from(["impasto", "--quiet"]).console)
    }

    fn options(arguments: &[&str]) -> WeightsOptions {
        let arguments = std::iter::once(&"impasto").chain(arguments);
        <Command as clap::Parser>::try_parse_from(arguments).expect("the options are right").weights
    }

    /// Whatever went wrong, one line says so and how to get what there is instead.
    #[test]
    fn every_reason_for_learning_fits_one_line_with_a_way_on() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        // Accepts connections and never answers.
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}/x", listener.local_addr().expect("the port is bound"));
        let patience = Patience { answer: Duration::from_millis(30), ..Patience::brief() };
        let silent = Source { patience, ..Source::at(&url, Layer::FIRST) };
        let (cache, quiet) = (Cache::at(directory.path()), console());
        let silent = pretrained(true, &silent, Ok(cache.clone()), &quiet).expect_err("nobody answers");
        let nowhere =
            pretrained(true, &Source::at(&url, Layer::FIRST), Err(NoCacheDirectory), &quiet).expect_err("no cache");
        let full = CliError::Fetch(FetchError::Write {
            path: "cache/x.part".into(),
            source: io::ErrorKind::StorageFull.into(),
        });
        for (error, cause) in [(silent, "has not answered"), (nowhere, "no home directory"), (full, "cannot write")] {
            let line = options(&[]).excuse(&error);
            assert!(line.starts_with("no VGG19 (") && line.contains(cause) && !line.contains('\n'), "{line}");
            assert!(line.contains("\"impasto weights fetch\" tries again, --weights learned asks for this"), "{line}");
            let line = options(&["--weights-url", "http://x/y"]).excuse(&error);
            assert!(line.contains("\"impasto weights fetch --weights-url http://x/y\" tries again"), "{line}");
        }
        assert_eq!(std::fs::read_dir(directory.path()).expect("it is there").count(), 0);
    }

    #[test]
    fn nothing_is_learned_for_a_layer_that_learned_filters_do_not_reach_or_an_address_that_is_none() {
        let quiet = console();
        let error = || CliError::Fetch(FetchError::Status { url: "http://x/y".to_owned(), status: 404 });
        let deep = Some("relu5_1".parse().expect("a layer of VGG19"));
        let refused = options(&[]).learned_instead(error(), deep, &[], None, &quiet).expect_err("too deep").sentence();
        for words in ["status 404", "relu5_1", "relu4_1", "--weights"] {
            assert!(refused.contains(words), "no {words} in {refused}");
        }
        let address = FetchError::Address { url: "nonsense".to_owned(), reason: "no scheme".to_owned() };
        let refused = options(&["--weights-url", "nonsense"]).learned_instead(address.into(), None, &[], None, &quiet);
        assert!(matches!(refused, Err(CliError::Fetch(FetchError::Address { .. }))));
    }
}
