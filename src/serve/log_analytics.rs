//! The routes of the query API, and what clients are known to send to them.
//!
//! `POST /v1/workspaces/{id}/query` with `{"query","timespan"}`, the same as GET with both in the address, the same for
//! a resource (`/v1/subscriptions/.../query`), and `POST /v1/$batch` with several of them. Any workspace is this one.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::answer::{Question, answer};
use super::refusal::Refusal;
use super::{Limits, Records};
use crate::query::period;

/// Queries are small; what is longer is something else.
const LONGEST: usize = 4 << 20;

/// Questions in one batch.
const MOST: usize = 100;

#[derive(Clone)]
struct Service {
    records: Arc<dyn Records>,
    limits: Limits,
}

pub(super) fn router(records: Arc<dyn Records>, limits: Limits) -> Router {
    Router::new().fallback(handle).layer(DefaultBodyLimit::max(LONGEST)).with_state(Service { records, limits })
}

async fn handle(
    State(service): State<Service>,
    method: Method,
    uri: Uri,
    Query(parameters): Query<HashMap<String, String>>,
    body: Bytes,
) -> Response {
    let path = uri.path().trim_end_matches('/');
    if method == Method::POST && path.ends_with("/$batch") {
        return match batch(&service, &body).await {
            Ok(responses) => Json(responses).into_response(),
            Err(refusal) => refusal.into_response(),
        };
    }
    let asked = if is_query(path) { question(&method, &parameters, &body) } else { Err(Refusal::path(path)) };
    match asked {
        Ok(question) => match service.answer(question).await {
            Ok(bytes) => ([(header::CONTENT_TYPE, "application/json; charset=utf-8")], bytes).into_response(),
            Err(refusal) => refusal.into_response(),
        },
        Err(refusal) => refusal.into_response(),
    }
}

/// Tells whether a path is that of a workspace's or a resource's query; clients write `/v1` or leave it out.
fn is_query(path: &str) -> bool {
    let path = path.strip_prefix("/v1").unwrap_or(path).to_ascii_lowercase();
    let resource = path.starts_with("/workspaces/") || path.starts_with("/subscriptions/");
    resource && path.ends_with("/query") && path.matches('/').count() >= 3
}

impl Service {
    /// Answers on a thread of its own: the engine waits for its own threads.
    async fn answer(&self, question: Question) -> Result<Vec<u8>, Refusal> {
        let (records, limits) = (self.records.clone(), self.limits);
        let task = tokio::task::spawn_blocking(move || answer(&*records, &question, limits));
        task.await.unwrap_or_else(|error| Err(Refusal::machine(format!("the query ended early: {error}"))))
    }
}

fn question(method: &Method, parameters: &HashMap<String, String>, body: &[u8]) -> Result<Question, Refusal> {
    let body: Value = match *method {
        Method::GET => json!({"query": parameters.get("query")}),
        Method::POST => serde_json::from_slice(body)
            .map_err(|error| Refusal::request(format!("The body is no JSON object with `query`: {error}")))?,
        _ => return Err(Refusal::request(format!("The method {method} is not known here"))),
    };
    let Some(query) = body.get("query").and_then(Value::as_str) else {
        return Err(Refusal::request("`query` is missing"));
    };
    let inside = match body.get("timespan") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.as_str()),
        Some(other) => return Err(Refusal::request(format!("`timespan` is no string: {other}"))),
    };
    // In the address and in the body: both hold.
    let spans = inside.into_iter().chain(parameters.get("timespan").map(String::as_str));
    let timespans = spans.map(period::read).collect::<Result<_, _>>().map_err(Refusal::request)?;
    Ok(Question { query: query.to_string(), timespans })
}

async fn batch(service: &Service, body: &[u8]) -> Result<Value, Refusal> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let Some(requests) = body.get("requests").and_then(Value::as_array) else {
        return Err(Refusal::request("`requests` is missing"));
    };
    if requests.len() > MOST {
        return Err(Refusal::request(format!("A batch has at most {MOST} requests")));
    }
    let mut responses = Vec::new();
    for request in requests {
        let inner = request.get("body").map(Value::to_string).unwrap_or_default();
        let answered = match question(&Method::POST, &HashMap::new(), inner.as_bytes()) {
            Ok(question) => service.answer(question).await,
            Err(refusal) => Err(refusal),
        };
        let (status, body) = match answered {
            Ok(bytes) => (StatusCode::OK, serde_json::from_slice(&bytes).unwrap_or_default()),
            Err(refusal) => (refusal.status, refusal.body()),
        };
        let headers = json!({"Content-Type": "application/json"});
        responses.push(json!({"id": request.get("id"), "status": status.as_u16(), "headers": headers, "body": body}));
    }
    Ok(json!({ "responses": responses }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::period::Period;

    #[test]
    fn paths_of_queries_are_known() {
        for path in ["/v1/workspaces/a/query", "/workspaces/a/query", "/v1/subscriptions/s/resourceGroups/r/query"] {
            assert!(is_query(path), "{path}");
        }
        for path in ["/v1/workspaces/query", "/v1/query", "/v1/workspaces/a/metadata", "/"] {
            assert!(!is_query(path), "{path}");
        }
    }

    #[test]
    fn time_spans_come_from_both_places() {
        let parameters = HashMap::from([("timespan".to_string(), "PT60.0S".to_string())]);
        let asked = question(&Method::POST, &parameters, br#"{"query":"T","timespan":"P1D"}"#).unwrap();
        assert_eq!(asked.timespans, [Period::Last(864_000_000_000), Period::Last(600_000_000)]);
        for wrong in [&br#"{"query":1}"#[..], br#"{"query":"T","timespan":7}"#, br#"{"query":"T","timespan":"x"}"#, b""]
        {
            assert_eq!(question(&Method::POST, &HashMap::new(), wrong).unwrap_err().status, StatusCode::BAD_REQUEST);
        }
    }
}
