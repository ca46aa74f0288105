//! A server on this machine alone, as the readme asks for one: with its headers, and compressing. It remembers what it was asked.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use miniz_oxide::deflate::{CompressionLevel, compress_to_vec_zlib};

/// A request line and its headers are less than this many bytes; a browser that says nothing is not waited for longer than this.
const REQUEST_LEN: u64 = 64 * 1024;
const SILENCE: Duration = Duration::from_secs(10);

/// What the readme asks a server to send. The first two isolate the page from all others, so that it may share memory between threads.
pub const HEADERS: [(&str, &str); 5] = [
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Embedder-Policy", "require-corp"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; connect-src 'self'; \
         img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
];

/// Which headers a server sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// All that the page should have.
    Full,
    /// Without those that isolate it: as from a server that was set up in haste.
    NotIsolated,
    /// None, to show what a test would see if nothing bit.
    Nothing,
}

/// Hands out a folder.
pub struct PageServer {
    listener: Listener,
    requests: Arc<Mutex<Vec<String>>>,
    sent_len: Arc<AtomicUsize>,
}

impl PageServer {
    /// Begins to hand out a folder, and these further files.
    ///
    /// # Panics
    /// If this machine gives no port.
    #[must_use]
    pub fn start(folder: &Path, further: &[(&str, &str)], policy: Policy) -> Self {
        let folder = folder.to_owned();
        let further: BTreeMap<String, Vec<u8>> = further.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().into())).collect();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let sent_len = Arc::new(AtomicUsize::new(0));
        let (log, sent) = (Arc::clone(&requests), Arc::clone(&sent_len));
        let listener = Listener::start(move |stream| {
            let Some(request) = read_request(&stream)? else { return Ok(()) };
            log.lock().unwrap_or_else(PoisonError::into_inner).push(request.line.clone());
            let answer = answer(&request, &folder, &further, policy);
            sent.fetch_add(answer.len(), Ordering::SeqCst);
            (&stream).write_all(&answer)
        });
        Self { listener, requests, sent_len }
    }

    /// The address of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.listener.address)
    }

    /// What was asked so far: method and path, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many bytes were sent so far, with the headers; no browser is told that it may keep any of it.
    #[must_use]
    pub fn sent_len(&self) -> usize {
        self.sent_len.load(Ordering::SeqCst)
    }
}

/// A port of this machine, and what came to it.
pub struct Listener {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// Listens, answers nothing, and remembers the first line that each connection says.
    ///
    /// # Panics
    /// If this machine gives no port.
    #[must_use]
    pub fn deaf() -> Self {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&heard);
        let mut listener = Self::start(move |stream| {
            // Counted even if it says nothing: a connection alone tells somebody something.
            let index = {
                let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
                log.push(String::new());
                log.len() - 1
            };
            let line = read_request(&stream)?.map(|request| request.line).unwrap_or_default();
            log.lock().unwrap_or_else(PoisonError::into_inner)[index] = line;
            Ok(())
        });
        listener.heard = heard;
        listener
    }

    fn start(serve: impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = listener.local_addr().expect("a port has a number");
        let ended = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&ended);
        let serve = Arc::new(serve);
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if end.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let serve = Arc::clone(&serve);
                // A browser opens connections ahead and says nothing on them: each has a thread. One that breaks is the browser's to try
                // again.
                thread::spawn(move || stream.set_read_timeout(Some(SILENCE)).and_then(|()| serve(stream)));
            }
        });
        Self { address, heard: Arc::default(), ended, thread: Some(thread) }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The first line of each connection so far; empty where it said none.
    #[must_use]
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Wakes the thread, which waits for a connection.
        let woken = TcpStream::connect(self.address).is_ok();
        if let Some(thread) = self.thread.take().filter(|_| woken) {
            let _ = thread.join();
        }
    }
}

/// What a browser asks.
struct Request {
    /// Method and path.
    line: String,
    /// Whether the answer may be compressed as RFC 9110, section 8.4.1.2, has it.
    takes_deflate: bool,
}

/// What is asked, once all headers are there; `None` where nothing was said.
fn read_request(stream: &TcpStream) -> io::Result<Option<Request>> {
    let mut lines = BufReader::new(io::Read::take(stream, REQUEST_LEN)).lines();
    let Some(first) = lines.next().transpose()? else { return Ok(None) };
    let mut takes_deflate = false;
    for line in lines {
        let line = line?.to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        takes_deflate |= line.strip_prefix("accept-encoding:").is_some_and(|taken| taken.contains("deflate"));
    }
    let mut words = first.split(' ');
    let line = format!("{} {}", words.next().unwrap_or_default(), words.next().unwrap_or_default());
    Ok(Some(Request { line, takes_deflate }))
}

fn answer(request: &Request, folder: &Path, further: &BTreeMap<String, Vec<u8>>, policy: Policy) -> Vec<u8> {
    let path = match request.line.strip_prefix("GET /").map(|path| path.split(['?', '#']).next().unwrap_or_default()) {
        Some("") => Some("index.html"),
        other => other,
    };
    let inside = |path: &&str| Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    let body = path.filter(inside).and_then(|path| further.get(path).cloned().or_else(|| fs::read(folder.join(path)).ok()));
    let status = if body.is_some() { "200 OK" } else { "404 Not Found" };
    let body = body.unwrap_or_default();
    let kind = media_type(&PathBuf::from(path.unwrap_or_default()));
    let headers = match policy {
        Policy::Full => &HEADERS[..],
        Policy::NotIsolated => &HEADERS[2..],
        Policy::Nothing => &[],
    };
    // With nginx's own level, the one that costs least; the same bytes as gzip's, in a shorter frame.
    let (body, encoding) = match request.takes_deflate {
        true => (compress_to_vec_zlib(&body, CompressionLevel::BestSpeed as u8), "Content-Encoding: deflate\r\n"),
        false => (body, ""),
    };
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n{encoding}{headers}\r\n");
    [head.into_bytes(), body].concat()
}

/// A browser starts a module only if the type is right, and applies a style only then. The page takes WASM of any type: it has what servers
/// send.
fn media_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    }
}
