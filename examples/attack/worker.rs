//! Processes that read files on behalf of this one, and may die of them.

use crate::targets::TARGETS;
use std::{
    io::{Read, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    process::{Child, ChildStdin, Command, ExitCode, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::Duration,
};

/// Address space of a process, in KiB: a runaway allocation fails instead of taking the machine with it.
const ADDRESSES: u64 = 12 << 20;

/// Longer than the largest picture takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);

/// What became of a file.
pub struct Answer {
    pub outcome: Outcome,
    /// The most memory that the process held meanwhile, in KiB.
    pub peak: u64,
}

/// How the reading of a file ended.
pub enum Outcome {
    Refused,
    /// What was accepted takes so many bytes.
    Accepted(u64),
    /// The process panicked, died or went on for too long; with what it was.
    Failed(String),
}

/// A process that reads files, one after the other.
pub struct Worker {
    target: &'static str,
    running: Option<Running>,
}

struct Running {
    child: Child,
    input: ChildStdin,
    answers: Receiver<Answer>,
}

impl Worker {
    pub fn new(target: &'static str) -> Worker {
        Worker { target, running: None }
    }

    /// Lets the process read a file. If the last one died, this is another.
    pub fn read(&mut self, bytes: &[u8]) -> Answer {
        let running = self.running.get_or_insert_with(|| Running::start(self.target));
        let sent = running.input.write_all(&(bytes.len() as u64).to_le_bytes());
        // Where the process is gone, there is no answer either.
        drop(sent.and_then(|()| running.input.write_all(bytes)).and_then(|()| running.input.flush()));
        let failed = |words: String| Answer { outcome: Outcome::Failed(words), peak: 0 };
        match running.answers.recv_timeout(LIMIT) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout) => {
                self.end();
                failed(format!("it went on for {} s", LIMIT.as_secs()))
            }
            Err(RecvTimeoutError::Disconnected) => failed(format!("the process died: {}", self.end())),
        }
    }

    fn end(&mut self) -> String {
        let Some(Running { mut child, input, .. }) = self.running.take() else { return String::new() };
        drop(input);
        drop(child.kill());
        child.wait().map_or_else(|error| error.to_string(), |status| status.to_string())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.end();
    }
}

impl Running {
    fn start(target: &str) -> Running {
        let program = std::env::current_exe().expect("this program runs from a file");
        let mut child = Command::new("sh")
            .args(["-c", &format!("ulimit -c 0; ulimit -v {ADDRESSES}; exec \"$0\" \"$@\"")])
            .arg(program)
            .args(["worker", target])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("there is a shell");
        let input = child.stdin.take().expect("it is piped");
        let mut output = child.stdout.take().expect("it is piped");
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            while let Some(answer) = received(&mut output) {
                if sender.send(answer).is_err() {
                    break;
                }
            }
        });
        Running { child, input, answers }
    }
}

fn received(output: &mut impl Read) -> Option<Answer> {
    let mut numbers = [[0; 8]; 3];
    output.read_exact(numbers.as_flattened_mut()).ok()?;
    let [code, peak, number] = numbers.map(u64::from_le_bytes);
    let outcome = match code {
        0 => Outcome::Refused,
        1 => Outcome::Accepted(number),
        _ => {
            let mut words = vec![0; number as usize];
            output.read_exact(&mut words).ok()?;
            Outcome::Failed(String::from_utf8_lossy(&words).into_owned())
        }
    };
    Some(Answer { outcome, peak })
}

/// The other side: reads files from its input until that ends.
pub fn work(target: &str) -> ExitCode {
    let target = TARGETS.iter().find(|(name, _)| *name == target).expect("this program named it").1;
    impasto::picture::silence_decoder_panics();
    let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
    let mut length = [0; 8];
    while input.read_exact(&mut length).is_ok() {
        let mut bytes = vec![0; u64::from_le_bytes(length) as usize];
        input.read_exact(&mut bytes).expect("the whole file was sent");
        // From here on, the most memory is counted anew.
        drop(std::fs::write("/proc/self/clear_refs", "5"));
        let result = catch_unwind(AssertUnwindSafe(|| target(&bytes)));
        let (code, number, words) = match &result {
            Ok(None) => (0, 0, String::new()),
            Ok(Some(taken)) => (1, *taken, String::new()),
            Err(panic) => {
                let text = panic.downcast_ref::<String>().cloned();
                let text = text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
                let text = text.unwrap_or_default();
                (2, text.len() as u64, text)
            }
        };
        let numbers = [code, peak("self").unwrap_or(0), number].map(u64::to_le_bytes);
        let answer = [numbers.as_flattened(), words.as_bytes()].concat();
        if output.write_all(&answer).and_then(|()| output.flush()).is_err() {
            break;
        }
    }
    ExitCode::SUCCESS
}

/// The most memory that a process ever held, in KiB.
pub fn peak(process: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}
