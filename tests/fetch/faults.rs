//! What a server or the way to it does wrong, by script: each fault with its share of the requests.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use alertq::serve::Limits;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{Response, StatusCode, header};
use futures::stream;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// 429, with Retry-After as seconds, as a moment, or without.
    Throttled(Option<&'static str>),
    Status(u16),
    /// The connection ends within the body.
    Cut,
    /// The body comes in small pieces.
    Slow,
    /// The body has no end.
    Hangs,
    /// Rows are missing, and the answer says so.
    Partial,
    NoContent,
    Empty,
    WrongType,
    /// The text ends within a value.
    Garbage,
    /// A row comes twice.
    Duplicate,
    /// A row is missing, and nothing says so.
    Missing,
    /// The token is no longer valid.
    Expired,
    /// 504 to what asks for more than one record.
    Crowded,
}

impl Fault {
    /// Tells whether it is something of a good answer.
    pub fn is_of_answer(self) -> bool {
        matches!(
            self,
            Fault::Cut
                | Fault::Slow
                | Fault::Hangs
                | Fault::Garbage
                | Fault::Partial
                | Fault::Duplicate
                | Fault::Missing
        )
    }
}

pub const ALL: [Fault; 17] = [
    Fault::Throttled(Some("3")),
    Fault::Throttled(Some("Thu, 01 Jan 2026 00:00:20 GMT")),
    Fault::Throttled(None),
    Fault::Status(500),
    Fault::Status(502),
    Fault::Status(503),
    Fault::Status(504),
    Fault::Cut,
    Fault::Slow,
    Fault::Partial,
    Fault::NoContent,
    Fault::Empty,
    Fault::WrongType,
    Fault::Garbage,
    Fault::Duplicate,
    Fault::Missing,
    Fault::Expired,
];

/// Which faults come, and how often.
pub struct Script {
    chance: Mutex<ChaCha8Rng>,
    faults: Vec<Fault>,
    /// The share of requests that each of them has.
    share: f64,
    /// How often something still goes wrong.
    left: AtomicUsize,
}

impl Script {
    pub fn new(seed: u64, faults: &[Fault], share: f64) -> Script {
        let chance = Mutex::new(ChaCha8Rng::seed_from_u64(seed));
        Script { chance, faults: faults.to_vec(), share, left: AtomicUsize::new(usize::MAX) }
    }

    /// This goes wrong the first times that it can, and nothing afterwards.
    pub fn first(times: usize, fault: Fault) -> Script {
        Script { left: AtomicUsize::new(times), ..Script::new(0, &[fault], 1.0) }
    }

    /// Tells whether something goes wrong once more.
    fn once_more(&self) -> bool {
        self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
    }

    /// Nothing goes wrong.
    pub fn none() -> Script {
        Script::new(0, &[], 0.0)
    }

    /// Says what becomes of the next request.
    pub fn next(&self) -> Option<Fault> {
        let chance: f64 = self.chance.lock().unwrap().random();
        // What is crowded shows in the answer.
        let fault = self.faults.get((chance / self.share) as usize).copied()?;
        (fault == Fault::Crowded || self.once_more()).then_some(fault)
    }
}

/// Takes the place of an answer that holds several records, as long as the script has it so.
pub async fn crowded(script: &Script, response: Response<Body>) -> Response<Body> {
    let (head, body) = response.into_parts();
    let bytes = bytes_of(body).await;
    let answer: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let count = |list: &str| answer.pointer(list).and_then(Value::as_array).map_or(0, Vec::len);
    // Lists of counts have two columns.
    let several = count("/tables/0/rows") > 1 && count("/tables/0/columns") > 2;
    if several && script.once_more() {
        return spoil(Fault::Status(504), Response::new(Body::empty())).await;
    }
    Response::from_parts(head, Body::from(bytes))
}

/// Makes a good answer a bad one.
pub async fn spoil(fault: Fault, response: Response<Body>) -> Response<Body> {
    let json_of = |status: u16, body: &Value| {
        let builder = Response::builder().status(status).header(header::CONTENT_TYPE, "application/json");
        builder.body(Body::from(body.to_string())).unwrap()
    };
    match fault {
        Fault::Throttled(after) => {
            let body = json!({"error": {"code": "ThrottledError", "message": "Too many requests"}});
            let mut response = json_of(429, &body);
            response.headers_mut().insert(header::DATE, "Thu, 01 Jan 2026 00:00:00 GMT".parse().unwrap());
            if let Some(after) = after {
                response.headers_mut().insert(header::RETRY_AFTER, after.parse().unwrap());
            }
            response
        }
        Fault::Status(status) => {
            let body = json!({"error": {"code": "GatewayTimeout", "message": "It did not work"}});
            json_of(status, &body)
        }
        Fault::Expired => {
            let body = json!({"error": {"code": "AuthenticationFailed", "message": "The token has expired"}});
            json_of(401, &body)
        }
        Fault::NoContent => Response::builder().status(StatusCode::NO_CONTENT).body(Body::empty()).unwrap(),
        Fault::Empty => Response::new(Body::empty()),
        Fault::WrongType => {
            let builder = Response::builder().header(header::CONTENT_TYPE, "text/html");
            builder.body(Body::from("<html>Sign in</html>")).unwrap()
        }
        Fault::Cut | Fault::Slow | Fault::Hangs | Fault::Garbage => in_pieces(fault, response).await,
        Fault::Partial | Fault::Duplicate | Fault::Missing => other_rows(fault, response).await,
        Fault::Crowded => response,
    }
}

async fn bytes_of(body: Body) -> Bytes {
    to_bytes(body, Limits::default().bytes * 2).await.unwrap()
}

async fn in_pieces(fault: Fault, response: Response<Body>) -> Response<Body> {
    let (mut head, body) = response.into_parts();
    head.headers.remove(header::CONTENT_LENGTH);
    let bytes = bytes_of(body).await;
    let half = bytes.slice(..bytes.len() / 2);
    let parts: Vec<io::Result<Bytes>> = match fault {
        Fault::Cut => vec![Ok(half), Err(io::Error::other("the connection is cut"))],
        Fault::Garbage => vec![Ok(half)],
        _ => bytes.chunks(1000).map(|part| Ok(bytes.slice_ref(part))).collect(),
    };
    let stream = stream::unfold(parts.into_iter(), move |mut parts| async move {
        tokio::task::yield_now().await;
        match parts.next() {
            None if fault == Fault::Hangs => std::future::pending().await,
            part => part.map(|part| (part, parts)),
        }
    });
    Response::from_parts(head, Body::from_stream(stream))
}

async fn other_rows(fault: Fault, response: Response<Body>) -> Response<Body> {
    let (mut head, body) = response.into_parts();
    head.headers.remove(header::CONTENT_LENGTH);
    let bytes = bytes_of(body).await;
    let Ok(mut answer) = serde_json::from_slice::<Value>(&bytes) else {
        return Response::from_parts(head, Body::from(bytes));
    };
    // Lists have none.
    if let Some(rows) = answer.pointer_mut("/tables/0/rows").and_then(Value::as_array_mut) {
        match fault {
            Fault::Duplicate => rows.extend(rows.first().cloned()),
            // An answer to a count of one row is no list that loses some.
            Fault::Missing if rows.len() > 1 => rows.truncate(rows.len() - 1),
            Fault::Partial => rows.truncate(rows.len() / 2),
            _ => {}
        }
    }
    if fault == Fault::Partial {
        let inner = json!({"code": "-2133196797", "message": "exceeds the set limit", "severityName": "Error"});
        answer["error"] = json!({"code": "PartialError", "message": "Some", "details": [{"innererror": inner}]});
    }
    Response::from_parts(head, Body::from(answer.to_string()))
}
