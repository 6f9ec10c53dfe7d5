//! A running studio, and a client that sends exactly what a test says.

use crate::command_line::{
    folder::{Folder, quick},
    running::wait_until,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Child, Stdio},
    time::Duration,
};

/// Longer than every limit of the server; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running studio; it is killed at the end of the test.
pub struct Studio {
    pub child: Child,
    pub url: String,
    pub address: SocketAddr,
    pub token: String,
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Reply {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{} {}", self.status, self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The sentence of a refusal.
    #[track_caller]
    pub fn refusal(&self) -> String {
        self.json()["error"].as_str().unwrap_or_else(|| panic!("{} {}", self.status, self.text())).to_owned()
    }
}

/// Reads an answer that has a length or ends with its connection.
pub fn read_reply(stream: &mut BufReader<TcpStream>) -> Option<Reply> {
    let mut line = String::new();
    stream.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let status = line.split(' ').nth(1)?.parse().ok()?;
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let mut body = Vec::new();
    match headers.get("content-length").and_then(|length| length.parse().ok()) {
        Some(length) => {
            body.resize(length, 0);
            stream.read_exact(&mut body).ok()?;
        }
        None if matches!(status, 204 | 304) => {}
        None => {
            stream.read_to_end(&mut body).ok()?;
        }
    }
    Some(Reply { status, headers, body })
}

impl Studio {
    /// Starts one in a folder, whose `data` it uses, on the processor and with the folder's filters.
    pub fn start(folder: &Folder) -> Studio {
        Studio::start_with(folder, "")
    }

    pub fn start_with(folder: &Folder, options: &str) -> Studio {
        let call = format!(
            "studio --no-open --port 0 --data data --device cpu --threads 1 --weights filters.safetensors {options}"
        );
        let mut child = folder.command(&call).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        let url = url.trim_end().to_owned();
        let (host, token) =
            url.strip_prefix("http://").and_then(|rest| rest.split_once("/?token=")).expect("an address");
        let (address, token) = (host.parse().unwrap(), token.to_owned());
        Studio { child, url, address, token }
    }

    pub fn connect(&self) -> BufReader<TcpStream> {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        BufReader::new(stream)
    }

    /// Sends bytes as they are.
    pub fn raw(&self, bytes: &[u8]) -> Option<Reply> {
        let mut stream = self.connect();
        // The server may have refused before it read all.
        let _ = stream.get_mut().write_all(bytes);
        read_reply(&mut stream)
    }

    /// A request with just these headers.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
        headers.iter().for_each(|(name, value)| head += &format!("{name}: {value}\r\n"));
        let bytes = [head.as_bytes(), b"\r\n", body].concat();
        self.raw(&bytes).unwrap_or_else(|| panic!("no answer to {method} {path}"))
    }

    /// The headers of a program that may ask.
    pub fn allowed(&self) -> Vec<(&'static str, String)> {
        vec![
            ("Host", self.address.to_string()),
            ("Authorization", format!("Bearer {}", self.token)),
            ("X-Impasto", "1".to_owned()),
        ]
    }

    pub fn ask(&self, method: &str, path: &str, body: &[u8]) -> Reply {
        let allowed = self.allowed();
        let headers: Vec<(&str, &str)> = allowed.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.send(method, path, &headers, body)
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        let reply = self.ask("GET", path, b"");
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        reply.json()
    }

    /// A command, which must succeed.
    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Value {
        let reply = self.ask("POST", path, body.to_string().as_bytes());
        assert!(matches!(reply.status, 200 | 201), "{path}: {} {}", reply.status, reply.text());
        reply.json()
    }

    /// A command that must be refused, with this status.
    #[track_caller]
    pub fn refused(&self, path: &str, body: &Value, status: u16) -> String {
        let reply = self.ask("POST", path, body.to_string().as_bytes());
        assert_eq!(reply.status, status, "{path}: {}", reply.text());
        reply.refusal()
    }

    /// Brings a file of the folder in; its name in the studio.
    #[track_caller]
    pub fn bring(&self, folder: &Folder, name: &str) -> String {
        let reply = self.ask("POST", &format!("/api/pictures?name={name}"), &folder.read(name));
        assert_eq!(reply.status, 201, "{}", reply.text());
        reply.json()["id"].as_str().unwrap().to_owned()
    }

    /// A work of photo.png and painting.png with small sizes, and these options.
    #[track_caller]
    pub fn begin(&self, folder: &Folder, options: &Value) -> u64 {
        let (photograph, painting) = (self.bring(folder, "photo.png"), self.bring(folder, "painting.png"));
        let request = json!({
            "photograph": photograph,
            "paintings": [{ "picture": painting }],
            "options": with_quick(options),
        });
        self.post("/api/works", &request)["id"].as_u64().unwrap()
    }

    pub fn work(&self, id: u64) -> Value {
        self.get(&format!("/api/works/{id}"))
    }

    /// Waits until a work is in this state.
    #[track_caller]
    pub fn wait_for(&self, id: u64, state: &str) -> Value {
        self.wait_while(id, state, |work| work["state"] != state)
    }

    #[track_caller]
    pub fn wait_while(&self, id: u64, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let mut work = self.work(id);
        wait_until(what, || {
            work = self.work(id);
            assert!(work["state"] != "failed" || what == "failed", "{work}");
            !holds(&work)
        });
        work
    }

    /// Listens to events until it is dropped.
    pub fn watch(&self) -> BufReader<TcpStream> {
        let mut stream = self.connect();
        let (host, token) = (self.address, &self.token);
        let request = format!("GET /api/events HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n");
        stream.get_mut().write_all(request.as_bytes()).unwrap();
        let mut line = String::new();
        while !line.starts_with("event: state") {
            line.clear();
            assert!(stream.read_line(&mut line).unwrap() > 0, "no events");
        }
        stream
    }

    /// The result's file.
    #[track_caller]
    pub fn result(&self, id: u64) -> Vec<u8> {
        let reply = self.ask("GET", &format!("/api/works/{id}/result"), b"");
        assert_eq!((reply.status, reply.headers["content-type"].as_str()), (200, "image/png"));
        reply.body
    }

    /// Ends it as the system would.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Studio {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Options, and those of [`quick`] that a request may have and that they do not set.
fn with_quick(options: &Value) -> Value {
    let line = quick("");
    let words: Vec<&str> = line.split_whitespace().filter(|word| *word != "--no-metadata").collect();
    let pairs = words.as_chunks::<2>().0.iter().filter(|[name, _]| !["--device", "--weights"].contains(name));
    let mut all: serde_json::Map<String, Value> =
        pairs.map(|[name, value]| (name.trim_start_matches('-').to_owned(), json!(value))).collect();
    all.extend(options.as_object().unwrap().clone());
    Value::Object(all)
}
