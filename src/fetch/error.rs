//! Why a download cannot go on: what happened, and what to do about it.

use std::fmt;

use serde_json::Value;

/// What kind of trouble it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// Nobody's token could be had.
    Identity,
    /// The token is not taken: the wrong audience, or no longer valid.
    Token,
    /// A role is missing.
    Access,
    /// There is no such workspace, subscription or path.
    Unknown,
    /// The service refuses the query, or the request.
    Refused,
    /// Too many requests.
    Throttled,
    /// The answer is larger than the service gives, or takes longer.
    TooLarge,
    /// The service or the way there does not work.
    Service,
    /// What came is not what was counted.
    Incomplete,
    /// A file cannot be read or written.
    File,
    /// What is on disk belongs to another download.
    Other,
}

/// Why a download cannot go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    pub kind: ErrorKind,
    /// What happened, in one sentence.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl Error {
    /// Makes an error without help.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into(), help: None }
    }

    /// Says what to do.
    pub fn help(mut self, help: impl Into<String>) -> Error {
        self.help = Some(help.into());
        self
    }

    /// Makes an error of a file.
    pub fn file(path: &std::path::Path, error: &std::io::Error) -> Error {
        Error::new(ErrorKind::File, format!("{} cannot be written: {error}", path.display()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

/// What a request is about, in the words of messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// `the workspace 1234...`.
    pub what: String,
    /// The role that reading it needs.
    pub role: &'static str,
    /// The scope that the role is granted on, as the Azure CLI takes it.
    pub scope: String,
    /// What to try where it does not exist.
    pub unknown: &'static str,
}

/// What an error's body says, in the forms of the query API and of Resource Manager.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Told {
    /// The codes from the outermost to the innermost.
    codes: Vec<String>,
    /// The innermost message.
    message: String,
    /// Line and position in the query, where they are told.
    place: Option<(u64, u64)>,
}

impl Told {
    /// Reads an error's body; one of no known form tells nothing.
    pub(super) fn read(body: &str) -> Told {
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        let mut told = Told::default();
        let mut at = body.get("error").filter(|error| error.is_object());
        while let Some(error) = at {
            let text = |key: &str| error.get(key).and_then(Value::as_str);
            told.codes.extend(text("code").map(str::to_string));
            if let Some(message) = text("message") {
                told.message = message.to_string();
            }
            let number = |key: &str| error.get(key).and_then(Value::as_u64);
            told.place = number("line").zip(number("pos").or(number("position"))).or(told.place);
            let detail = error.get("details").and_then(|details| details.get(0));
            at = error.get("innererror").or(detail).filter(|inner| inner.is_object());
        }
        told
    }

    fn has(&self, word: &str) -> bool {
        self.codes.iter().any(|code| code.contains(word))
    }

    /// Returns the innermost code and message.
    pub(super) fn text(&self) -> String {
        let place = self.place.map(|(line, position)| format!(" (line {line}, position {position})"));
        match (self.codes.last(), self.message.as_str()) {
            (None, "") => "without a reason".to_string(),
            (None, message) => message.to_string(),
            (Some(code), message) => format!("{code}: {message}{}", place.unwrap_or_default()),
        }
    }
}

/// Makes the error that a final answer means: its status, what it says, what was asked, for whom.
pub(super) fn of_answer(status: u16, told: &Told, about: &About, identity: &str, scope: &str) -> Error {
    let About { what, role, .. } = about;
    let text = told.text();
    match status {
        400 => Error::new(ErrorKind::Refused, format!("{what} refuses the query: {text}"))
            .help("`alertq check` looks at a query without asking the service"),
        401 | 403 if told.has("Audience") => {
            let message = format!("the token is for another service: {what} does not take one for {scope}: {text}");
            Error::new(ErrorKind::Token, message).help("choose the cloud that the tenant is in with --cloud")
        }
        401 => Error::new(ErrorKind::Token, format!("{what} does not take the token of {identity}: {text}"))
            .help("sign in again (az login), or choose another identity with --identity"),
        403 if told.has("InvalidAuthenticationToken") => {
            Error::new(ErrorKind::Token, format!("{what} does not take the token of {identity}: {text}"))
                .help("sign in again (az login), or choose another identity with --identity")
        }
        403 => Error::new(ErrorKind::Access, format!("{identity} may not read {what}: {text}")).help(format!(
            "it needs the role {role}: az role assignment create --assignee OBJECT_ID --role '{role}' --scope {}; a \
             new role holds after up to 60 minutes",
            about.scope
        )),
        404 => Error::new(ErrorKind::Unknown, format!("{what} does not exist, or {identity} cannot see it: {text}"))
            .help(about.unknown),
        429 => Error::new(ErrorKind::Throttled, format!("{what} takes no more requests for now: {text}"))
            .help("run the same command later: a download goes on where it stopped"),
        408 | 413 | 504 => {
            Error::new(ErrorKind::TooLarge, format!("{what} took too long to answer ({status}): {text}"))
                .help("run the same command later: a download goes on where it stopped")
        }
        _ => Error::new(ErrorKind::Service, format!("{what} answers with status {status}: {text}"))
            .help("run the same command later: a download goes on where it stopped"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, body: &str) -> Error {
        let about = About {
            what: "the workspace w".into(),
            role: "Log Analytics Reader",
            scope: "WORKSPACE_RESOURCE_ID".into(),
            unknown: "its id is a GUID",
        };
        of_answer(status, &Told::read(body), &about, "the client c", "https://api.loganalytics.io/.default")
    }

    #[test]
    fn a_refused_query_is_told_with_its_own_words() {
        let body = r#"{"error":{"message":"The request had some invalid properties","code":"BadArgumentError",
            "innererror":{"code":"SemanticError","message":"A semantic error occurred.",
            "innererror":{"code":"SEM0100","message":"Failed to resolve column 'x'","line":2,"pos":9}}}}"#;
        let error = of(400, body);
        assert_eq!(error.kind, ErrorKind::Refused);
        let expected = "the workspace w refuses the query: SEM0100: Failed to resolve column 'x' (line 2, position 9)";
        assert_eq!(error.message, expected);
    }

    #[test]
    fn every_status_says_what_to_do() {
        let body = |code: &str| format!(r#"{{"error":{{"code":"{code}","message":"m"}}}}"#);
        for (status, code, kind, part) in [
            (401, "InvalidAuthenticationTokenAudience", ErrorKind::Token, "--cloud"),
            (403, "InvalidAuthenticationTokenAudience", ErrorKind::Token, "--cloud"),
            (401, "AuthenticationFailed", ErrorKind::Token, "az login"),
            (403, "InvalidAuthenticationToken", ErrorKind::Token, "az login"),
            (403, "InsufficientAccessError", ErrorKind::Access, "--role 'Log Analytics Reader'"),
            (404, "PathNotFoundError", ErrorKind::Unknown, "its id is a GUID"),
            (429, "ThrottledError", ErrorKind::Throttled, "goes on where it stopped"),
            (504, "GatewayTimeout", ErrorKind::TooLarge, "goes on where it stopped"),
            (500, "InternalServerError", ErrorKind::Service, "goes on where it stopped"),
        ] {
            let error = of(status, &body(code));
            assert_eq!(error.kind, kind, "{status} {code}");
            assert!(error.to_string().contains(part), "{error}");
            assert!(error.message.contains(code), "{error}");
        }
        assert!(of(500, "<html>").message.ends_with("without a reason"));
    }
}
