//! Errors as the query API writes them: `{"error":{"message","code","innererror":{"code","message"}}}`.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::diagnostic::Diagnostic;
use crate::diagnostic::render::Lines;
use crate::engine;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    code: &'static str,
    message: String,
    inner: Option<Value>,
}

impl Refusal {
    /// Makes an error about the request itself.
    pub(super) fn request(message: impl Into<String>) -> Refusal {
        Refusal { status: StatusCode::BAD_REQUEST, code: "BadArgumentError", message: message.into(), inner: None }
    }

    /// Makes an error about a path that nothing answers at.
    pub(super) fn path(path: &str) -> Refusal {
        let message = format!("The requested path does not exist: {path}");
        Refusal { status: StatusCode::NOT_FOUND, code: "PathNotFoundError", message, inner: None }
    }

    /// Makes an error about this machine.
    pub(super) fn machine(message: impl Into<String>) -> Refusal {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Refusal { status, code: "InternalError", message: message.into(), inner: None }
    }

    /// Makes an error about the text of a query: the worst of its problems, with its place.
    pub(super) fn query(text: &str, kind: &'static str, problems: &[Diagnostic]) -> Refusal {
        let worst = problems.iter().find(|problem| problem.is_error()).or(problems.first());
        let inner = worst.map(|problem| {
            let place = Lines::new(text).position(problem.span.start);
            let message = match &problem.help {
                Some(help) => format!("{}; {help}", problem.message),
                None => problem.message.clone(),
            };
            let token = text.get(problem.span.start..problem.span.end).unwrap_or_default();
            json!({
                "code": kind,
                "message": if kind == "SyntaxError" { "A syntax error occurred" } else { "A semantic error occurred" },
                "innererror": {
                    "code": problem.code, "message": message,
                    "line": place.line, "pos": place.column, "token": token,
                },
            })
        });
        let message = "The request had some invalid properties".to_string();
        Refusal { status: StatusCode::BAD_REQUEST, code: "BadArgumentError", message, inner }
    }

    /// Returns what a person is told.
    pub(super) fn text(&self) -> String {
        let innermost = self.inner.as_ref().and_then(|inner| inner.get("innererror"));
        match innermost.and_then(|inner| inner.get("code").zip(inner.get("message"))) {
            Some((Value::String(code), Value::String(message))) => format!("{code}: {message}"),
            _ => self.message.clone(),
        }
    }

    /// Returns the body.
    pub(super) fn body(&self) -> Value {
        let mut error = json!({"message": self.message, "code": self.code});
        if let Some(inner) = &self.inner {
            error["innererror"] = inner.clone();
        }
        json!({ "error": error })
    }
}

impl From<engine::Error> for Refusal {
    fn from(error: engine::Error) -> Refusal {
        match error.kind {
            engine::ErrorKind::Unsupported | engine::ErrorKind::Resources => Refusal::request(error.message),
            engine::ErrorKind::Io | engine::ErrorKind::Internal => Refusal::machine(error.message),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let content = [(header::CONTENT_TYPE, "application/json; charset=utf-8")];
        (self.status, content, self.body().to_string()).into_response()
    }
}
