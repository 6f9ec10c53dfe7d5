//! A web server for one file that does what a test tells it, however wrong.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

/// A request: its first byte and the one behind its last, from the Range header.
pub type Asked = Option<(usize, usize)>;

/// An answer.
#[derive(Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    /// Promised in Content-Length.
    pub promised: usize,
    pub body: Vec<u8>,
}

impl Answer {
    /// The bytes asked for, or the whole file if none are named.
    pub fn honest(file: &[u8], asked: Asked) -> Answer {
        let Some((start, end)) = asked else { return Answer::whole(file) };
        let body = file[start..end.min(file.len())].to_vec();
        let range = format!("bytes {start}-{}/{}", start + body.len() - 1, file.len());
        Answer::of(206, body).with("Content-Range", &range)
    }

    /// The whole file, whatever was asked.
    pub fn whole(file: &[u8]) -> Answer {
        Answer::of(200, file.to_vec())
    }

    pub fn of(status: u16, body: Vec<u8>) -> Answer {
        Answer { status, headers: Vec::new(), promised: body.len(), body }.with("ETag", "\"one\"")
    }

    /// With a header, which replaces an earlier one of that name.
    pub fn with(mut self, name: &'static str, value: &str) -> Answer {
        self.headers.retain(|(other, _)| *other != name);
        self.headers.push((name, value.to_owned()));
        self
    }

    /// The connection breaks after so many bytes of the body, whatever was promised.
    pub fn cut(mut self, bytes: usize) -> Answer {
        self.body.truncate(bytes);
        self
    }
}

/// Maps a request's number, counted from 0, and the bytes it asks for to the answer.
type Behaviour = dyn Fn(usize, Asked) -> Answer + Send + Sync;

/// A running server; it ends with the test program.
pub struct Server {
    pub url: String,
    log: Arc<Mutex<Vec<(Asked, usize)>>>,
}

impl Server {
    /// Every connection has its own thread: while one waits in `behaviour`, others are answered.
    pub fn start(behaviour: impl Fn(usize, Asked) -> Answer + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/model.safetensors", listener.local_addr().unwrap());
        let log = Arc::new(Mutex::new(Vec::new()));
        let server = Server { url, log: log.clone() };
        let behaviour: Arc<Behaviour> = Arc::new(behaviour);
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let (connection, behaviour, log) = (connection.unwrap(), behaviour.clone(), log.clone());
                // A client may hang up in the middle of an answer; the next one matters.
                std::thread::spawn(move || serve(connection, &*behaviour, &log));
            }
        });
        server
    }

    /// The requests so far, and how many bytes each answer had.
    pub fn requests(&self) -> Vec<(Asked, usize)> {
        self.log.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, behaviour: &Behaviour, log: &Mutex<Vec<(Asked, usize)>>) -> std::io::Result<()> {
    let mut asked = None;
    for line in BufReader::new(stream.try_clone()?).lines() {
        let line = line?.to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(range) = line.strip_prefix("range: bytes=") {
            let (start, last) = range.split_once('-').unwrap();
            asked = Some((start.parse().unwrap(), last.parse::<usize>().unwrap() + 1));
        }
    }
    let number = {
        let mut log = log.lock().unwrap();
        log.push((asked, 0));
        log.len() - 1
    };
    let answer = behaviour(number, asked);
    log.lock().unwrap()[number].1 = answer.body.len();
    let mut head = format!("HTTP/1.1 {} .\r\nConnection: close\r\n", answer.status);
    head += &format!("Content-Length: {}\r\n", answer.promised);
    for (name, value) in &answer.headers {
        head += &format!("{name}: {value}\r\n");
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    stream.write_all(&answer.body)
}
