//! A file on a web server, read by position over connections that may break.

use super::{error::FetchError, redirect};
use crate::weights::source::Source;
use std::{
    io::{self, Read},
    ops::Range,
    sync::mpsc,
    time::{Duration, Instant},
};
use ureq::{
    Agent, Body, BodyReader,
    http::{Response, header},
};

/// Where the Hugging Face hub names the SHA-256 of the file that it redirects to.
const HUB_DIGEST: &str = "x-linked-etag";

/// A file on a server.
pub(super) struct Remote<'a> {
    source: &'a Source,
    agent: Agent,
    answer: Option<Answer>,
    started: Instant,
    /// Length and version, known after the first answer.
    identity: Option<Identity>,
    /// Broken connections since the last byte.
    failures: u32,
}

/// What distinguishes one version of a file from another.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Identity {
    /// Length of the whole file, if the server says.
    pub length: Option<u64>,
    /// The server's name for this version.
    pub version: Option<String>,
}

/// An answer that is being read.
struct Answer {
    body: BodyReader<'static>,
    position: u64,
    /// Where it ends, according to the server.
    end: u64,
}

impl<'a> Remote<'a> {
    /// Sends nothing yet. Proxies come from the environment.
    pub fn new(source: &'a Source) -> Self {
        let patience = source.patience;
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            // Redirects are followed here, see the module redirect.
            .max_redirects(0)
            .timeout_resolve(Some(patience.connect))
            .timeout_connect(Some(patience.connect))
            .timeout_recv_response(Some(patience.read))
            .timeout_per_read(Some(patience.read))
            .user_agent(concat!("impasto/", env!("CARGO_PKG_VERSION")))
            .build();
        Remote { source, agent: agent.into(), answer: None, started: Instant::now(), identity: None, failures: 0 }
    }

    /// What the first answer said about the file.
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// Reads at least one byte at `range.start`, or none if the file is known to end earlier. A new request asks for
    /// all of `range`, which is not empty; an open answer positioned before it is read up to there.
    pub fn read(&mut self, range: Range<u64>, buffer: &mut [u8]) -> Result<usize, FetchError> {
        let most = buffer.len().min(usize::try_from(range.end - range.start).unwrap_or(usize::MAX));
        loop {
            if self.identity().and_then(|known| known.length).is_some_and(|length| length <= range.start) {
                return Ok(0);
            }
            let outcome = match self.answer_at(&range)? {
                Ok(mut answer) => answer.body.read(&mut buffer[..most]).map(|length| (answer, length)),
                Err(broken) => Err(broken),
            };
            match outcome {
                Ok((mut answer, length)) if length > 0 => {
                    self.failures = 0;
                    answer.position += length as u64;
                    self.answer = Some(answer);
                    return Ok(length);
                }
                Ok(_) => self.broken(range.start, "it ended early")?,
                Err(error) => self.broken(range.start, &error.to_string())?,
            }
        }
    }

    /// The answer, positioned at the start of the range. The outer error is final, the inner one a broken connection.
    fn answer_at(&mut self, range: &Range<u64>) -> Result<io::Result<Answer>, FetchError> {
        let reaches = |answer: &Answer| answer.position <= range.start && range.start < answer.end;
        let answer = match self.answer.take().filter(reaches) {
            Some(answer) => answer,
            None => match self.ask(range)? {
                Ok(answer) => answer,
                Err(broken) => return Ok(Err(broken)),
            },
        };
        Ok(skip(answer, range.start))
    }

    fn broken(&mut self, position: u64, reason: &str) -> Result<(), FetchError> {
        self.failures += 1;
        let patience = self.source.patience;
        if self.failures >= patience.attempts {
            let (url, reason) = (self.source.url.clone(), reason.to_owned());
            return Err(FetchError::Broken { url, attempts: self.failures, position, reason });
        }
        if self.failures > 1 {
            let pause = patience.pause * (1 << (self.failures - 2).min(16));
            std::thread::sleep(self.time_left()?.map_or(pause, |left| pause.min(left)));
        }
        Ok(())
    }

    /// The time that is left for the first answer; none if there was one.
    fn time_left(&self) -> Result<Option<Duration>, FetchError> {
        let patience = self.source.patience.answer;
        match patience.checked_sub(self.started.elapsed()) {
            _ if self.identity.is_some() => Ok(None),
            Some(left) if !left.is_zero() => Ok(Some(left)),
            _ => Err(FetchError::Silent { url: self.source.url.clone(), patience }),
        }
    }

    fn ask(&mut self, range: &Range<u64>) -> Result<io::Result<Answer>, FetchError> {
        let url = &self.source.url;
        let bytes = format!("bytes={}-{}", range.start, range.end - 1);
        let response = match self.follow(&bytes)? {
            Ok(response) => response,
            Err(error) => return self.unanswered(error).map(Err),
        };
        let status = response.status().as_u16();
        let (bytes, length) = match status {
            200 => {
                let length = text(&response, header::CONTENT_LENGTH).and_then(|text| text.trim().parse().ok());
                (0..length.unwrap_or(u64::MAX), length)
            }
            206 => self.partial(range, &response)?,
            // The server may recover from these.
            408 | 429 | 500..=599 if self.failures + 1 < self.source.patience.attempts => {
                return Ok(Err(io::Error::other(format!("status {status}"))));
            }
            _ => return Err(FetchError::Status { url: url.clone(), status }),
        };
        let version = [header::ETAG, header::LAST_MODIFIED].into_iter().find_map(|name| text(&response, name));
        self.identify(Identity { length, version })?;
        let body = response.into_body().into_with_config().limit(u64::MAX).reader();
        Ok(Ok(Answer { body, position: bytes.start, end: bytes.end }))
    }

    /// The answer at the end of all redirects.
    fn follow(&self, bytes: &str) -> Result<Result<Response<Body>, ureq::Error>, FetchError> {
        let source = self.source;
        let mut url = source.url.clone();
        for _ in 0..=redirect::MOST {
            let response = match self.request(&url, bytes)? {
                Ok(response) => response,
                Err(error) => return Ok(Err(error)),
            };
            let location = match response.status().as_u16() {
                301 | 302 | 303 | 307 | 308 => text(&response, header::LOCATION),
                _ => None,
            };
            let Some(location) = location else { return Ok(Ok(response)) };
            self.compare(text(&response, header::HeaderName::from_static(HUB_DIGEST)))?;
            url = redirect::follow(&source.url, &url, &location)?;
        }
        Err(FetchError::Redirect { url: source.url.clone(), to: url, reason: "and so on without an end" })
    }

    /// One request. Until a server has answered, a thread waits for it: the time for it has an end, which name lookups,
    /// handshakes and redirects would exceed together even if each kept to a part of it.
    fn request(&self, url: &str, bytes: &str) -> Result<Result<Response<Body>, ureq::Error>, FetchError> {
        let request = self.agent.get(url).header(header::RANGE, bytes).header(header::ACCEPT_ENCODING, "identity");
        let Some(left) = self.time_left()? else { return Ok(request.call()) };
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            // Nobody listens any more if the answer comes too late.
            let _ = sender.send(request.call());
        });
        match receiver.recv_timeout(left) {
            Ok(answer) => Ok(answer),
            Err(_) => Err(FetchError::Silent { url: self.source.url.clone(), patience: self.source.patience.answer }),
        }
    }

    /// Compares what a hub says about the file that it redirects to with what is known of the right one.
    fn compare(&self, told: Option<String>) -> Result<(), FetchError> {
        let told = told.map(|tag| tag.trim_matches('"').to_ascii_lowercase());
        // Files outside its large file storage have other tags.
        let told = told.filter(|tag| tag.len() == 64 && tag.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match (told, &self.source.sha256) {
            (Some(found), Some(expected)) if found != *expected => {
                let (url, expected) = (self.source.url.clone(), expected.clone());
                Err(FetchError::OtherFile { url, expected, found })
            }
            _ => Ok(()),
        }
    }

    /// The error for a request without an answer: no network if there never was one, else a broken connection.
    fn unanswered(&self, error: ureq::Error) -> Result<io::Error, FetchError> {
        let (url, reason) = (self.source.url.clone(), error.to_string());
        match error {
            ureq::Error::BadUri(_) | ureq::Error::Http(_) | ureq::Error::InvalidProxyUrl => {
                Err(FetchError::Address { url, reason })
            }
            _ if self.identity.is_none() && self.failures == 0 && never_connected(&error) => {
                Err(FetchError::Offline { url, reason })
            }
            error => Ok(error.into_io()),
        }
    }

    /// The range of bytes in the answer and the length of the whole, from a header like `bytes 100-199/5000`.
    fn partial(&self, range: &Range<u64>, response: &Response<Body>) -> Result<(Range<u64>, Option<u64>), FetchError> {
        let answered = text(response, header::CONTENT_RANGE).unwrap_or_default();
        let parsed = answered.strip_prefix("bytes ").and_then(|rest| {
            let (bytes, length) = rest.split_once('/')?;
            let (start, last) = bytes.split_once('-')?;
            let end = last.trim().parse::<u64>().ok()?.checked_add(1)?;
            Some((start.trim().parse().ok()?..end, length.trim().parse().ok()))
        });
        parsed.filter(|(bytes, _)| bytes.start == range.start && !bytes.is_empty()).ok_or_else(|| {
            FetchError::WrongRange {
                url: self.source.url.clone(),
                asked: range.start,
                answered: format!("\"{answered}\""),
            }
        })
    }

    /// Compares what an answer says about the file with what earlier ones said, and adds to it.
    fn identify(&mut self, told: Identity) -> Result<(), FetchError> {
        fn agree<T: PartialEq>(a: &Option<T>, b: &Option<T>) -> bool {
            a.is_none() || b.is_none() || a == b
        }
        let known = self.identity.get_or_insert_with(|| told.clone());
        if !agree(&known.length, &told.length) || !agree(&known.version, &told.version) {
            return Err(FetchError::Changed { url: self.source.url.clone() });
        }
        known.length = known.length.or(told.length);
        Ok(())
    }
}

/// Reads on to a position.
fn skip(mut answer: Answer, position: u64) -> io::Result<Answer> {
    let gap = position - answer.position;
    let skipped = io::copy(&mut answer.body.by_ref().take(gap), &mut io::sink())?;
    if skipped < gap {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it ended early"));
    }
    answer.position = position;
    Ok(answer)
}

/// Whether a request failed before any server took it.
fn never_connected(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::HostNotFound | ureq::Error::ConnectionFailed | ureq::Error::ConnectProxyFailed(_) => true,
        // An untrusted certificate will still be untrusted at the next attempt.
        ureq::Error::Rustls(_) | ureq::Error::Tls(_) => true,
        ureq::Error::Timeout(phase) => matches!(phase, ureq::Timeout::Resolve | ureq::Timeout::Connect),
        ureq::Error::Io(error) => {
            use io::ErrorKind::*;
            // A resolver's errors have none of the named kinds.
            !matches!(error.kind(), ConnectionReset | ConnectionAborted | BrokenPipe | UnexpectedEof | TimedOut)
        }
        _ => false,
    }
}

fn text(response: &Response<Body>, name: header::HeaderName) -> Option<String> {
    response.headers().get(name)?.to_str().ok().map(str::to_owned)
}
