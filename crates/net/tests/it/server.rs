//! A server that says exactly the bytes a test wants, when it wants them.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// One step of an answer.
#[derive(Clone, Debug)]
pub enum Step {
    Bytes(Vec<u8>),
    Wait(Duration),
    /// Says nothing more but keeps the connection.
    Hang,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub line: String,
    pub head: String,
    pub body: Vec<u8>,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<String> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    }
}

type Answer = dyn Fn(&Seen) -> Vec<Step> + Send + Sync;

/// Lives until it is dropped.
pub struct Server {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<Mutex<usize>>,
    closed_early: Arc<Mutex<usize>>,
    _tasks: JoinSet<()>,
}

impl Server {
    pub async fn start(answer: impl Fn(&Seen) -> Vec<Step> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answer: Arc<Answer> = Arc::new(answer);
        let (seen, connections) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(0)));
        let closed_early = Arc::new(Mutex::new(0));
        let mut tasks = JoinSet::new();
        let (log, count, closed) = (Arc::clone(&seen), Arc::clone(&connections), Arc::clone(&closed_early));
        tasks.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                *count.lock().unwrap() += 1;
                open.spawn(serve(stream, Arc::clone(&answer), Arc::clone(&log), Arc::clone(&closed)));
            }
        });
        Self { address, seen, connections, closed_early, _tasks: tasks }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }

    /// Answers whose reader went away.
    pub fn closed_early(&self) -> usize {
        *self.closed_early.lock().unwrap()
    }
}

async fn serve(mut stream: TcpStream, answer: Arc<Answer>, log: Arc<Mutex<Vec<Seen>>>, closed: Arc<Mutex<usize>>) {
    stream.set_nodelay(true).unwrap();
    let mut buffer = Vec::new();
    while let Some(seen) = read_request(&mut stream, &mut buffer).await {
        log.lock().unwrap().push(seen.clone());
        for step in answer(&seen) {
            let mut probe = [0_u8; 1];
            match step {
                Step::Bytes(bytes) => {
                    if stream.write_all(&bytes).await.is_err() {
                        *closed.lock().unwrap() += 1;
                        return;
                    }
                }
                Step::Wait(time) => {
                    let gone = tokio::time::timeout(time, stream.read(&mut probe)).await;
                    if matches!(gone, Ok(Ok(0) | Err(_))) {
                        *closed.lock().unwrap() += 1;
                        return;
                    }
                }
                Step::Hang => {
                    _ = stream.read(&mut probe).await;
                    *closed.lock().unwrap() += 1;
                    return;
                }
            }
        }
        if seen.line.contains("/close") {
            return;
        }
    }
}

async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Seen> {
    let end = loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        let mut piece = [0_u8; 8192];
        let count = stream.read(&mut piece).await.ok().filter(|count| *count > 0)?;
        buffer.extend_from_slice(&piece[..count]);
    };
    let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
    let mut seen = Seen { line: head.lines().next().unwrap_or_default().to_owned(), head, body: Vec::new() };
    let length: usize = seen.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    while buffer.len() < end + length {
        let mut piece = [0_u8; 8192];
        let count = stream.read(&mut piece).await.ok().filter(|count| *count > 0)?;
        buffer.extend_from_slice(&piece[..count]);
    }
    seen.body = buffer[end..end + length].to_vec();
    buffer.drain(..end + length);
    Some(seen)
}

/// An answer with a length.
pub fn whole(status: &str, headers: &str, body: &str) -> Vec<Step> {
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
    vec![Step::Bytes(format!("{head}{body}").into_bytes())]
}

/// The head of a chunked answer.
pub fn chunked(headers: &str) -> Step {
    Step::Bytes(format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n{headers}\r\n").into_bytes())
}

/// One HTTP chunk; an empty one ends the answer.
pub fn chunk(text: &str) -> Step {
    Step::Bytes(format!("{:x}\r\n{text}\r\n", text.len()).into_bytes())
}
