//! A server on loopback that says what a test tells it to, and remembers what it was asked.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// What the server does with a request.
pub(super) enum Reply {
    /// Writes this, and keeps the connection open for the next request.
    Raw(String),
    /// Reads the request and closes the connection.
    Close,
    /// Reads the request and says nothing, for as long as the client waits.
    Silence,
}

/// One request, as it came.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// Method and path.
    pub(super) line: String,
    /// The header lines, names in lower case.
    pub(super) headers: Vec<(String, String)>,
    /// The body.
    pub(super) body: String,
    /// Which connection it came by, counted from 0.
    pub(super) connection: usize,
}

impl Asked {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The parameter of a form-encoded body.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        let mut pairs = url::form_urlencoded::parse(self.body.as_bytes());
        pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }
}

pub(super) struct Stub {
    address: SocketAddr,
    journal: Arc<Mutex<Vec<Asked>>>,
}

impl Stub {
    /// A server that answers each request as `reply` says.
    pub(super) fn new(reply: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let journal = Arc::<Mutex<Vec<Asked>>>::default();
        let (written, reply) = (Arc::clone(&journal), Arc::new(reply));
        thread::spawn(move || {
            for (connection, stream) in listener.incoming().flatten().enumerate() {
                let (written, reply) = (Arc::clone(&written), Arc::clone(&reply));
                thread::spawn(move || converse(&stream, connection, &written, &*reply));
            }
        });
        Self { address, journal }
    }

    /// A server that answers everything with this status and JSON body.
    pub(super) fn json(status: u16, body: &str) -> Self {
        let answer = json(status, body);
        Self::new(move |_| Reply::Raw(answer.clone()))
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.journal.lock().expect("no panic elsewhere").clone()
    }

    /// The one request that was made.
    pub(super) fn only(&self) -> Asked {
        let mut asked = self.asked();
        assert_eq!(asked.len(), 1, "{asked:?}");
        asked.remove(0)
    }
}

/// An answer with a JSON body.
pub(super) fn json(status: u16, body: &str) -> String {
    with_headers(status, "content-type: application/json\r\n", body)
}

pub(super) fn with_headers(status: u16, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}

fn converse(stream: &TcpStream, connection: usize, journal: &Mutex<Vec<Asked>>, reply: &dyn Fn(&Asked) -> Reply) {
    let mut reader = BufReader::new(stream);
    while let Some(asked) = read(&mut reader, connection) {
        let said = reply(&asked);
        journal.lock().expect("no panic elsewhere").push(asked);
        match said {
            Reply::Raw(answer) => {
                if (&*stream).write_all(answer.as_bytes()).is_err() {
                    return;
                }
            }
            Reply::Close => return,
            Reply::Silence => {
                let _ = reader.read(&mut [0]);
                return;
            }
        }
    }
}

fn read(reader: &mut BufReader<&TcpStream>, connection: usize) -> Option<Asked> {
    let line = line(reader)?;
    let mut headers = Vec::new();
    while let Some((name, value)) = line_of_header(reader) {
        headers.push((name, value));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    Some(Asked { line, headers, body: String::from_utf8(body).expect("UTF-8"), connection })
}

fn line(reader: &mut BufReader<&TcpStream>) -> Option<String> {
    let mut line = String::new();
    let read = reader.read_line(&mut line).ok()?;
    (read > 0).then(|| line.trim_end().to_owned())
}

fn line_of_header(reader: &mut BufReader<&TcpStream>) -> Option<(String, String)> {
    let line = line(reader)?;
    let (name, value) = line.split_once(':')?;
    Some((name.to_ascii_lowercase(), value.trim().to_owned()))
}
