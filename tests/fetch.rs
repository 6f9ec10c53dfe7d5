//! Fetching weights from a test server that behaves well or badly.

use crate::common::{
    file_bytes, layer,
    server::{Answer, Server},
    vgg19_with_classifier,
};
use impasto::weights::{self, Cache, FetchError, FileFault, Format, Patience, Progress, Source, cache, generated};
use safetensors::Dtype;
use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    sync::{Arc, Barrier, LazyLock, Mutex, mpsc},
    time::{Duration, SystemTime},
};
use tempfile::TempDir;

/// Filters of seed 3 down to relu2_2, with unwanted tensors before and behind them.
static FILE: LazyLock<Vec<u8>> =
    LazyLock::new(|| file_bytes(&vgg19_with_classifier(3, "relu2_2", Dtype::F32), &[("origin", "a test")]));

/// What is asked for: not the whole file.
const DEEPEST: &str = "relu2_1";

struct Setting {
    directory: TempDir,
    cache: Cache,
    source: Source,
}

impl Setting {
    fn new(url: &str) -> Setting {
        let directory = TempDir::new().unwrap();
        let mut source = Source::at(url, layer(DEEPEST));
        source.patience = Patience { attempts: 3, pause: Duration::ZERO, ..Patience::default() };
        Setting { cache: Cache::at(directory.path().join("cache")), directory, source }
    }

    fn fetch(&self) -> Result<PathBuf, FetchError> {
        weights::fetch(&self.source, &self.cache, &mut |_| {})
    }

    /// Fails and says so in a message that names the address.
    fn fail(&self) -> FetchError {
        let error = self.fetch().unwrap_err();
        let message = error.to_string();
        assert!(message.contains(&self.source.url), "{message}");
        error
    }

    /// Fails and leaves nothing in the cache.
    fn fail_without_a_trace(&self) -> FetchError {
        let error = self.fail();
        assert!(self.names().is_empty(), "{:?} after {error}", self.names());
        error
    }

    /// The file under its name, without having been fetched.
    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        std::fs::create_dir_all(self.cache.directory()).unwrap();
        let path = self.cache.directory().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Names in the cache directory.
    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.cache.directory()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn assert_right(path: &Path, seed: u64) {
    assert!(weights::load_all(path, Format::Torchvision).unwrap() == generated(seed, layer(DEEPEST)));
}

#[test]
fn only_what_is_wanted_is_fetched_and_only_once() {
    let server = Server::start(|_, asked| Answer::honest(&FILE, asked));
    let setting = Setting::new(&server.url);
    let mut last = Progress { received: 0, total: 1 };
    let path = weights::fetch(&setting.source, &setting.cache, &mut |progress| {
        assert!(progress.received >= last.received && progress.received <= progress.total);
        last = progress;
    })
    .unwrap();
    assert_right(&path, 3);
    assert_eq!(last.received, last.total);
    assert_eq!(last.total, std::fs::metadata(&path).unwrap().len());
    let info = weights::info(&path).unwrap();
    assert_eq!((info.tensors.len(), info.metadata["origin"].as_str()), (6, "a test"));

    let served: usize = server.requests().iter().map(|(_, bytes)| bytes).sum();
    let wanted = 4 * (64 * 28 + 64 * 577 + 128 * 577);
    assert!(served < wanted + 40_000 && wanted < FILE.len() / 2, "{served} of {}", FILE.len());
    assert!(server.requests().iter().all(|(asked, _)| asked.is_some()));

    let requests = server.requests().len();
    assert_eq!(setting.fetch().unwrap(), path);
    assert_eq!(server.requests().len(), requests, "the cache was not used");
    assert_eq!(setting.cache.find(&setting.source), Some(path.clone()));
    assert_eq!(cache::noted_digest(&path).unwrap(), Some(cache::digest(&path).unwrap()));
    assert_eq!(setting.names().len(), 2, "{:?}", setting.names());
    let listed = setting.cache.list().unwrap();
    assert_eq!((listed.len(), &listed[0].path, listed[0].complete), (1, &path, true));

    let shallow = Source { deepest: layer("relu1_1"), ..setting.source.clone() };
    assert_eq!(setting.cache.find(&shallow), Some(path), "a deeper file serves too");
    let deep = Source { deepest: layer("relu2_2"), ..setting.source.clone() };
    assert_eq!(setting.cache.find(&deep), None);
}

#[test]
fn a_server_without_ranges_is_read_through_once() {
    let server = Server::start(|_, _| Answer::whole(&FILE));
    assert_right(&Setting::new(&server.url).fetch().unwrap(), 3);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_server_without_ranges_that_breaks_is_read_again_up_to_the_place() {
    let server = Server::start(|number, _| Answer::whole(&FILE).cut(if number < 2 { 300_000 } else { FILE.len() }));
    assert_right(&Setting::new(&server.url).fetch().unwrap(), 3);
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn broken_connections_are_resumed_where_they_broke() {
    let server = Server::start(|_, asked| Answer::honest(&FILE, asked).cut(50_000));
    assert_right(&Setting::new(&server.url).fetch().unwrap(), 3);
    let requests = server.requests();
    assert!(requests.len() > 8, "{requests:?}");
    for pair in requests[1..].windows(2) {
        let [(Some((start, _)), bytes), (Some((next, _)), _)] = pair else { panic!("{requests:?}") };
        assert!(*next >= start + bytes, "bytes were fetched twice: {requests:?}");
    }
}

#[test]
fn the_next_run_goes_on_where_the_last_one_gave_up() {
    let server = Server::start(|number, asked| match number {
        0 => Answer::honest(&FILE, asked),
        1 => Answer::honest(&FILE, asked).cut(200_000),
        2..4 => Answer::honest(&FILE, asked).cut(0),
        _ => Answer::honest(&FILE, asked),
    });
    let setting = Setting::new(&server.url);
    let error = setting.fail();
    assert!(matches!(error, FetchError::Broken { attempts: 3, .. }), "{error}");
    assert_eq!(setting.cache.find(&setting.source), None);
    let partial = &setting.cache.list().unwrap()[0];
    assert!(!partial.complete && partial.bytes > 200_000, "{partial:?}");

    assert_right(&setting.fetch().unwrap(), 3);
    let again: usize = server.requests()[4..].iter().map(|(_, bytes)| bytes).sum();
    assert!(again < 4 * (64 * 28 + 64 * 577 + 128 * 577) - 150_000, "{again} bytes were fetched again");
    assert_eq!(setting.names().len(), 2, "{:?}", setting.names());
}

#[test]
fn what_has_arrived_of_another_version_is_dropped() {
    let other = file_bytes(&vgg19_with_classifier(4, "relu2_2", Dtype::F32), &[("origin", "a test")]);
    assert_eq!(other.len(), FILE.len());
    let server = Server::start(move |number, asked| match number {
        0 => Answer::honest(&FILE, asked),
        1 => Answer::honest(&FILE, asked).cut(200_000),
        2..4 => Answer::honest(&FILE, asked).cut(0),
        _ => Answer::honest(&other, asked).with("ETag", "\"two\""),
    });
    let setting = Setting::new(&server.url);
    setting.fail();
    assert_right(&setting.fetch().unwrap(), 4);
}

#[test]
fn a_file_that_changes_on_the_way_is_not_mixed() {
    let server = Server::start(|number, asked| {
        let answer = Answer::honest(&FILE, asked).cut(50_000);
        if number < 3 { answer } else { answer.with("ETag", "\"two\"") }
    });
    let error = Setting::new(&server.url).fail();
    assert!(matches!(error, FetchError::Changed { .. }), "{error}");
}

#[test]
fn lies_about_lengths_and_places_are_seen_through() {
    // Every answer promises more than it sends, and no fetch gets a byte further.
    let server = Server::start(|_, asked| {
        let mut answer = Answer::honest(&FILE, asked).cut(0);
        answer.promised = 1000;
        answer
    });
    let error = Setting::new(&server.url).fail();
    assert!(matches!(error, FetchError::Broken { position: 0, .. }), "{error}");

    // Always the first bytes.
    let server = Server::start(|_, _| Answer::honest(&FILE, Some((0, 20_000))));
    let error = Setting::new(&server.url).fail();
    assert!(matches!(&error, FetchError::WrongRange { answered, .. } if answered.contains("0-19999")), "{error}");

    // A different length of the whole.
    let server = Server::start(|_, asked| Answer::honest(&FILE, asked).with("Content-Range", "bytes 0-16383/123456"));
    let error = Setting::new(&server.url).fail();
    let expected = FILE.len() as u64;
    let fault = FileFault::WrongLength { expected, found: 123_456 };
    assert!(matches!(&error, FetchError::Unsuitable { fault: f, .. } if *f == fault), "{error}");

    // A whole file that is shorter than its header says.
    let server = Server::start(|_, _| Answer::whole(&FILE[..500_000]));
    let error = Setting::new(&server.url).fail();
    assert!(matches!(&error, FetchError::Unsuitable { fault: FileFault::WrongLength { .. }, .. }), "{error}");
}

#[test]
fn statuses_are_reported_and_passing_trouble_is_outlasted() {
    for status in [403, 404, 407, 416, 429, 500, 503] {
        let server = Server::start(move |_, _| Answer::of(status, b"sorry".to_vec()));
        let error = Setting::new(&server.url).fail_without_a_trace();
        assert!(matches!(error, FetchError::Status { status: s, .. } if s == status), "{error}");
        assert_eq!(server.requests().len(), if status == 429 || status >= 500 { 3 } else { 1 });
    }
    let server = Server::start(|number, asked| match number {
        0 | 2 => Answer::of(503, Vec::new()),
        _ => Answer::honest(&FILE, asked),
    });
    assert_right(&Setting::new(&server.url).fetch().unwrap(), 3);
}

#[test]
fn redirects_are_followed() {
    let server = Server::start(|_, asked| Answer::honest(&FILE, asked));
    let url = server.url.clone();
    let front = Server::start(move |_, _| Answer::of(302, Vec::new()).with("Location", &url));
    assert_right(&Setting::new(&front.url).fetch().unwrap(), 3);
    let relative = Server::start(|number, asked| match number {
        0 => Answer::of(307, Vec::new()).with("Location", "/elsewhere"),
        _ => Answer::honest(&FILE, asked),
    });
    assert_right(&Setting::new(&relative.url).fetch().unwrap(), 3);
}

#[test]
fn redirects_without_an_end_or_to_no_web_server_are_not_followed() {
    for location in ["/again", "ftp://127.0.0.1/model.safetensors"] {
        let server = Server::start(move |_, _| Answer::of(302, Vec::new()).with("Location", location));
        let error = Setting::new(&server.url).fail_without_a_trace();
        assert!(matches!(error, FetchError::Redirect { .. }), "{error}");
        assert!(server.requests().len() <= 11);
    }
    let server = Server::start(|_, _| Answer::of(302, Vec::new()));
    let error = Setting::new(&server.url).fail_without_a_trace();
    assert!(matches!(error, FetchError::Status { status: 302, .. }), "{error}");
}

#[test]
fn a_hub_that_names_another_digest_is_not_followed() {
    let server = Server::start(|_, asked| Answer::honest(&FILE, asked));
    let hub = |tag: String| {
        let url = server.url.clone();
        Server::start(move |_, _| Answer::of(302, Vec::new()).with("Location", &url).with("X-Linked-ETag", &tag))
    };
    let known = "0123456789abcdef".repeat(4);
    let fetch = |tag: String| {
        let hub = hub(tag);
        let mut setting = Setting::new(&hub.url);
        setting.source.sha256 = Some(known.clone());
        setting.fetch()
    };
    for tag in [format!("\"{known}\""), known.to_uppercase(), "\"of another kind\"".to_owned()] {
        fetch(tag).unwrap();
    }
    let requests = server.requests().len();
    let error = fetch(format!("\"{}\"", "f".repeat(64))).unwrap_err();
    assert!(matches!(&error, FetchError::OtherFile { found, .. } if *found == "f".repeat(64)), "{error}");
    assert!(error.to_string().contains(&known), "{error}");
    assert_eq!(server.requests().len(), requests);
}

#[test]
fn the_default_source_is_pinned_on_every_mirror() {
    for (hub, start) in [(None, "https://huggingface.co/timm/"), (Some("http://mirror:80/"), "http://mirror:80/timm/")]
    {
        let source = Source::vgg19(hub, layer(DEEPEST));
        assert!(source.url.starts_with(start), "{}", source.url);
        let revision = source.url.split("/resolve/").nth(1).unwrap().split('/').next().unwrap();
        assert!(revision.len() == 40 && revision.bytes().all(|byte| byte.is_ascii_hexdigit()), "{revision}");
        assert_eq!(source.sha256.unwrap().len(), 64);
    }
}

#[test]
fn a_server_that_never_answers_has_a_limit() {
    // Connections are accepted by the system, and nobody reads from them.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut setting = Setting::new(&format!("http://{}/model.safetensors", listener.local_addr().unwrap()));
    setting.source.patience = Patience { answer: Duration::from_millis(50), ..Patience::brief() };
    let error = setting.fail_without_a_trace();
    assert!(matches!(error, FetchError::Silent { .. }) && error.to_string().contains("0.05 seconds"), "{error}");

    // Nor does trouble that might pass, or a redirect, prolong it.
    let server = Server::start(|_, _| Answer::of(503, Vec::new()));
    let mut setting = Setting::new(&server.url);
    let patience = Patience {
        answer: Duration::from_millis(50),
        attempts: 1000,
        pause: Duration::from_secs(3600),
        ..Patience::default()
    };
    setting.source.patience = patience;
    let error = setting.fail_without_a_trace();
    assert!(matches!(error, FetchError::Silent { .. }), "{error}");
    let hanging = format!("http://{}/model.safetensors", listener.local_addr().unwrap());
    let front = Server::start(move |_, _| Answer::of(302, Vec::new()).with("Location", &hanging));
    let mut setting = Setting::new(&front.url);
    setting.source.patience = patience;
    let error = setting.fail_without_a_trace();
    assert!(matches!(error, FetchError::Silent { .. }), "{error}");
    assert!(Patience::brief().answer <= Duration::from_secs(10));
}

#[test]
fn a_server_that_hangs_up_leaves_nothing() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/model.safetensors", listener.local_addr().unwrap());
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let error = Setting::new(&url).fail_without_a_trace();
    assert!(matches!(error, FetchError::Broken { position: 0, attempts: 3, .. }), "{error}");
}

#[test]
fn what_a_server_says_does_not_reach_the_terminal_raw() {
    let server = Server::start(|_, _| Answer::of(302, Vec::new()).with("Location", "ftp://x/\u{9b}31m"));
    let error = Setting::new(&server.url).fail();
    assert!(!error.to_string().chars().any(char::is_control), "{error:?}");
    let header = br#"{"a\u001b[31m":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#;
    let bytes = [&(header.len() as u64).to_le_bytes()[..], header, &[0; 8]].concat();
    let server = Server::start(move |_, asked| Answer::honest(&bytes, asked));
    let error = Setting::new(&server.url).fail();
    assert!(!error.to_string().chars().any(char::is_control) && error.to_string().contains(r"\u{1b}"), "{error:?}");
}

#[test]
fn files_that_are_no_weights_are_refused() {
    let many = [&u64::MAX.to_le_bytes()[..], &[0; 100]].concat();
    let long = [&9000u64.to_le_bytes()[..], b"{}"].concat();
    let cases = [
        (many, "header of"),
        (long, "damaged"),
        (b"<!DOCTYPE html><html>Please log in</html>".to_vec(), "web page"),
        (b"\r\n\r\n  <html>Please log in</html>".to_vec(), "web page"),
        (b"abc".to_vec(), "3 bytes"),
        (file_bytes(&vgg19_with_classifier(3, "relu1_2", Dtype::F32), &[]), "features.5.weight"),
        (file_bytes(&vgg19_with_classifier(3, "relu2_1", Dtype::I32), &[]), "I32"),
    ];
    for (bytes, reason) in cases {
        let server = Server::start(move |_, asked| Answer::honest(&bytes, asked));
        let error = Setting::new(&server.url).fail_without_a_trace();
        assert!(matches!(error, FetchError::Unsuitable { .. }) && error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn weights_that_are_not_finite_are_not_kept() {
    let mut tensors = vgg19_with_classifier(3, "relu2_1", Dtype::F32);
    tensors.get_mut("features.5.bias").unwrap().data[..4].copy_from_slice(&f32::NAN.to_le_bytes());
    let bytes = file_bytes(&tensors, &[]);
    let server = Server::start(move |_, asked| Answer::honest(&bytes, asked));
    let setting = Setting::new(&server.url);
    let error = setting.fail();
    assert!(matches!(error, FetchError::Arrived { .. }) && error.to_string().contains("features.5.bias"), "{error}");
    assert!(setting.names().is_empty(), "{:?}", setting.names());
}

#[test]
fn no_network_is_told_at_once() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/model.safetensors", listener.local_addr().unwrap());
    drop(listener);
    let error = Setting::new(&url).fail();
    assert!(error.is_offline(), "{error}");
    for url in ["no address", "ftp://example.org/model.safetensors", "http://"] {
        let error = Setting::new(url).fail();
        assert!(matches!(error, FetchError::Address { .. }), "{error:?}");
    }
}

#[test]
fn a_file_other_than_the_first_time_is_refused_and_a_damaged_one_replaced() {
    let version = Arc::new(AtomicUsize::new(3));
    let seed = version.clone();
    let server = Server::start(move |_, asked| {
        let tensors = vgg19_with_classifier(seed.load(Ordering::SeqCst) as u64, "relu2_2", Dtype::F32);
        Answer::honest(&file_bytes(&tensors, &[]), asked)
    });
    let setting = Setting::new(&server.url);
    let path = setting.fetch().unwrap();
    let whole = std::fs::read(&path).unwrap();
    let mut damaged = whole.clone();
    *damaged.last_mut().unwrap() ^= 1;
    std::fs::write(&path, damaged).unwrap();
    assert_eq!(setting.fetch().unwrap(), path);
    assert!(std::fs::read(&path).unwrap() == whole, "the damaged file was not replaced");
    std::fs::write(&path, &whole[..1000]).unwrap();
    assert_eq!(setting.fetch().unwrap(), path);
    assert!(std::fs::read(&path).unwrap() == whole, "the cut file was not replaced");

    std::fs::remove_file(&path).unwrap();
    version.store(4, Ordering::SeqCst);
    let error = setting.fail();
    assert!(matches!(error, FetchError::OtherDigest { .. }) && error.to_string().contains(".sha256"), "{error}");
    assert!(!path.exists());
    std::fs::remove_file(format!("{}.sha256", path.display())).unwrap();
    assert_right(&setting.fetch().unwrap(), 4);
}

#[test]
fn a_cache_that_cannot_be_written_is_named() {
    let server = Server::start(|_, asked| Answer::honest(&FILE, asked));
    let mut setting = Setting::new(&server.url);
    let file = setting.directory.path().join("a file");
    std::fs::write(&file, "").unwrap();
    setting.cache = Cache::at(file.join("cache"));
    let error = setting.fetch().unwrap_err();
    let message = error.to_string();
    assert!(matches!(error, FetchError::Write { .. }) && message.contains("a file"), "{message}");
    assert!(message.contains("IMPASTO_CACHE"), "{message}");
    assert!(server.requests().is_empty());
}

#[test]
fn a_damaged_file_stays_where_no_other_can_be_had() {
    let server = Server::start(|number, asked| match number {
        0..2 => Answer::honest(&FILE, asked),
        _ => Answer::of(404, Vec::new()),
    });
    let setting = Setting::new(&server.url);
    let path = setting.fetch().unwrap();
    std::fs::write(&path, "damaged").unwrap();
    setting.fail();
    assert_eq!(std::fs::read(&path).unwrap(), b"damaged");
    assert_eq!(setting.cache.usable(&setting.source).count(), 0);
}

#[test]
fn a_second_fetch_of_a_file_that_is_on_its_way_is_told_so() {
    let (arrived, on_its_way) = mpsc::channel();
    let (go_on, held) = mpsc::channel::<()>();
    let held = Mutex::new((arrived, held));
    let server = Server::start(move |number, asked| {
        if number == 1 {
            let held = held.lock().unwrap();
            held.0.send(()).unwrap();
            held.1.recv().unwrap();
        }
        Answer::honest(&FILE, asked)
    });
    let setting = Setting::new(&server.url);
    std::thread::scope(|scope| {
        let first = scope.spawn(|| setting.fetch());
        on_its_way.recv().unwrap();
        let error = setting.fetch().unwrap_err();
        assert!(matches!(error, FetchError::Busy { .. }), "{error}");
        go_on.send(()).unwrap();
        assert_right(&first.join().unwrap().unwrap(), 3);
    });
    assert_eq!(setting.names().len(), 2, "{:?}", setting.names());
}

/// The note of the first digest is a pipe here, which holds the first fetch in the middle of its check.
#[cfg(unix)]
#[test]
fn a_file_is_not_given_to_a_second_fetch_while_it_is_checked() {
    let server = Server::start(|_, asked| Answer::honest(&FILE, asked));
    let setting = Setting::new(&server.url);
    let path = setting.fetch().unwrap();
    let digest = cache::digest(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let note = format!("{}.sha256", path.display());
    std::fs::remove_file(&note).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&note).status().unwrap().success());
    std::thread::scope(|scope| {
        let first = scope.spawn(|| setting.fetch());
        // Waits until the other end is opened.
        let mut pipe = std::fs::File::options().write(true).open(&note).unwrap();
        let before = std::fs::read(format!("{}.part", path.display())).unwrap();
        let (sender, second) = mpsc::channel();
        let setting = &setting;
        scope.spawn(move || sender.send(setting.fetch()));
        // A second fetch that took part would wait at the pipe too.
        let second = second.recv_timeout(Duration::from_secs(20)).ok();
        assert!(matches!(second, Some(Err(FetchError::Busy { .. }))), "{second:?}");
        assert!(std::fs::read(format!("{}.part", path.display())).unwrap() == before);
        std::io::Write::write_all(&mut pipe, digest.as_bytes()).unwrap();
        drop(pipe);
        assert_eq!(first.join().unwrap().unwrap(), path);
    });
    assert_right(&path, 3);
}

#[test]
fn many_fetches_at_once_never_spoil_the_file() {
    const AT_ONCE: usize = 4;
    let small: Arc<[u8]> = file_bytes(&vgg19_with_classifier(3, "relu1_2", Dtype::F32), &[]).into();
    let served = small.clone();
    let server = Server::start(move |number, asked| {
        let answer = Answer::honest(&served, asked);
        if number % 5 == 3 { answer.cut(3000) } else { answer }
    });
    let mut setting = Setting::new(&server.url);
    setting.source.deepest = layer("relu1_1");
    let barrier = Barrier::new(AT_ONCE);
    for _ in 0..25 {
        let paths: Vec<_> = std::thread::scope(|scope| {
            let fetch = || {
                barrier.wait();
                setting.fetch()
            };
            let running: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(fetch)).collect();
            running.into_iter().map(|fetch| fetch.join().unwrap()).collect()
        });
        let done: Vec<_> = paths.iter().filter_map(|outcome| outcome.as_ref().ok()).collect();
        for error in paths.iter().filter_map(|outcome| outcome.as_ref().err()) {
            assert!(matches!(error, FetchError::Busy { .. }), "{error}");
        }
        let path = done[0];
        assert!(weights::load_all(path, Format::Torchvision).unwrap() == generated(3, layer("relu1_1")));
        assert!(cache::is_intact(path).unwrap());
        assert_eq!(setting.names().len(), 2, "{:?}", setting.names());
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn what_dead_processes_left_is_removed_by_the_next_fetch() {
    let server = Server::start(|_, asked| Answer::honest(&FILE, asked));
    let setting = Setting::new(&server.url);
    let note = |version| format!(r#"{{"url":"http://x/","identity":{{"length":9,"version":{version}}}}}"#);
    for (name, bytes) in [
        ("empty.safetensors.part", ""),
        ("empty.safetensors.part.json", &note("\"one\"")),
        ("unknown.safetensors.part", "some bytes"),
        ("alone.safetensors.part.json", &note("\"one\"")),
        ("nameless.safetensors.part", "some bytes"),
        ("nameless.safetensors.part.json", &note("null")),
        ("resumable.safetensors.part", "some bytes"),
        ("resumable.safetensors.part.json", &note("\"one\"")),
        (".impasto-new", "of a running process"),
        ("mine.part", "something else"),
    ] {
        setting.put(name, bytes.as_bytes());
    }
    let old = std::fs::File::create(setting.put(".impasto-old", b"")).unwrap();
    old.set_modified(SystemTime::now() - Duration::from_secs(48 * 3600)).unwrap();
    let path = setting.fetch().unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    let expected = [
        ".impasto-new",
        "mine.part",
        "resumable.safetensors.part",
        "resumable.safetensors.part.json",
        name,
        &format!("{name}.sha256"),
    ];
    assert_eq!(setting.names(), expected);
}

#[test]
fn other_files_in_the_cache_serve_if_they_are_whole_and_reach_deep_enough() {
    let setting = Setting::new("http://127.0.0.1:9/model.safetensors");
    let shallow = file_bytes(&vgg19_with_classifier(3, "relu1_2", Dtype::F32), &[]);
    let damaged = setting.put("a.safetensors", &FILE);
    setting.put("a.safetensors.sha256", b"0123  a.safetensors\n");
    setting.put("b.safetensors", &shallow);
    setting.put("c.safetensors", &FILE[..FILE.len() - 1]);
    setting.put("d.safetensors.part", &FILE);
    assert_eq!(setting.cache.usable(&setting.source).count(), 0);
    let good = [setting.put("e.safetensors", &FILE), setting.put("f.safetensors", &FILE)];
    assert_eq!(setting.cache.usable(&setting.source).collect::<Vec<_>>(), good);
    let own = setting.put(&format!("{}-{DEEPEST}.safetensors", setting.source.name), &FILE);
    let digest = cache::digest(&damaged).unwrap();
    setting.put("a.safetensors.sha256", digest.as_bytes());
    let [e, f] = good;
    assert_eq!(setting.cache.usable(&setting.source).collect::<Vec<_>>(), [own, damaged, e, f]);
}

/// A file system of 256 KiB, which only a privileged user on Linux can mount; without it there is nothing to test on.
#[cfg(target_os = "linux")]
struct TinyDisk(TempDir);

#[cfg(target_os = "linux")]
impl TinyDisk {
    fn mount() -> Option<TinyDisk> {
        let directory = TempDir::new().unwrap();
        let mut command = std::process::Command::new("mount");
        command.args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"]).arg(directory.path());
        let mounted = command.output().is_ok_and(|output| output.status.success());
        mounted.then(|| TinyDisk(directory))
    }
}

#[cfg(target_os = "linux")]
impl Drop for TinyDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(self.0.path()).status();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_reported() {
    let Some(disk) = TinyDisk::mount() else { return };
    let server = Server::start(|_, asked| Answer::honest(&FILE, asked));
    let mut setting = Setting::new(&server.url);
    setting.cache = Cache::at(disk.0.path());
    let error = setting.fetch().unwrap_err();
    let FetchError::Write { source, .. } = &error else { panic!("{error}") };
    assert_eq!(source.kind(), std::io::ErrorKind::StorageFull, "{error}");
    assert_eq!(setting.cache.find(&setting.source), None);
    // What could not be written completely would only keep the disk full.
    assert!(setting.names().is_empty(), "{:?}", setting.names());
}
