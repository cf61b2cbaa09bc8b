//! Functions in KQL files.

use std::path::Path;

use super::super::input::Input;
use crate::catalog::StoredFunction;
use crate::syntax::{self, ast};

/// Reads the functions of a file.
pub(super) fn read(input: &Input, path: &Path) -> Vec<StoredFunction> {
    let commands = commands(input);
    if !commands.is_empty() {
        return commands;
    }
    let parsed = syntax::parse(&input.text);
    let declared: Option<Vec<_>> = parsed.query.statements.iter().map(|statement| declared(statement, input)).collect();
    match declared {
        Some(declared) if !declared.is_empty() => declared,
        _ => whole(input, path).into_iter().collect(),
    }
}

/// Takes the text as the body of a function that is called as the file is.
fn whole(input: &Input, path: &Path) -> Option<StoredFunction> {
    let name = path.file_stem()?.to_string_lossy().into_owned();
    let blank = !input.text.lines().any(|line| !line.trim().is_empty() && !line.trim_start().starts_with("//"));
    (super::is_name(&name) && !blank).then(|| StoredFunction {
        name,
        parameters: String::new(),
        body: input.text.clone(),
        path: input.name.clone(),
        line: 1,
        rival: None,
    })
}

/// Reads `let name = (parameters) { body }`.
fn declared(statement: &ast::Statement, input: &Input) -> Option<StoredFunction> {
    let ast::StatementKind::Let { name, value } = &statement.kind else { return None };
    let ast::ExprKind::Function { .. } = &value.kind else { return None };
    let start = input.text.get(value.span.start..)?.find('(')? + value.span.start;
    definition(&name.text, input, start)
}

/// Reads `.create function` and its kin, as `.show function` gives them too.
fn commands(input: &Input) -> Vec<StoredFunction> {
    let text = &input.text;
    let mut functions = Vec::new();
    let mut at = 0;
    while let Some(found) = next_command(text, at) {
        at = found;
        let Some((name, start)) = head(text, found) else { continue };
        if let Some(function) = definition(name, input, start) {
            functions.push(function);
        }
    }
    functions
}

/// Finds the end of the next `.create function`, `.create-or-alter function` or `.alter function`.
fn next_command(text: &str, from: usize) -> Option<usize> {
    let mut at = from;
    for line in text[from..].split_inclusive('\n') {
        let mut words = line.split_whitespace();
        let command = words.next().is_some_and(|w| matches!(w, ".create" | ".create-or-alter" | ".alter"));
        if command && words.next() == Some("function") {
            return line.find("function").map(|found| at + found + "function".len());
        }
        at += line.len();
    }
    None
}

/// Reads what stands before the parameters: `ifnotexists`, properties, the name. Returns it and where they begin.
fn head(text: &str, from: usize) -> Option<(&str, usize)> {
    let mut at = from;
    loop {
        at += text[at..].len() - text[at..].trim_start().len();
        let rest = &text[at..];
        if let Some(quoted) = rest.strip_prefix("['").or_else(|| rest.strip_prefix("[\"")) {
            let end = quoted.find(['\'', '"'])?;
            let after = at + 2 + end + 2;
            return Some((&quoted[..end], after + text.get(after..)?.find('(')?));
        }
        let length = rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.')))?;
        let word = &rest[..length];
        at += length;
        match word {
            "" => return None,
            "ifnotexists" => {}
            "with" => at = closing(text, at + text[at..].find('(')?)? + 1,
            name => return Some((name, at + text[at..].find('(')?)),
        }
    }
}

/// Reads `(parameters) { body }`, which begins at `start`.
fn definition(name: &str, input: &Input, start: usize) -> Option<StoredFunction> {
    let text = &input.text;
    let end = closing(text, start)?;
    let open = end + text[end..].find('{')?;
    let close = closing(text, open)?;
    Some(StoredFunction {
        name: name.to_string(),
        parameters: text[start + 1..end].trim().to_string(),
        body: text[open + 1..close].to_string(),
        path: input.name.clone(),
        line: 1 + text[..=open].matches('\n').count(),
        rival: None,
    })
}

/// Finds the bracket that closes the one at `open`, past strings and comments.
fn closing(text: &str, open: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (0usize, open);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'(' | b'{' | b'[' => depth += 1,
            b')' | b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            b'/' if bytes.get(at + 1) == Some(&b'/') => at += text[at..].find('\n')?,
            b'`' if text[at..].starts_with("```") => at += 3 + text[at + 3..].find("```")? + 2,
            b'"' | b'\'' => at = end_of_string(bytes, at)?,
            _ => {}
        }
        at += 1;
    }
    None
}

fn end_of_string(bytes: &[u8], start: usize) -> Option<usize> {
    let quote = bytes[start];
    let verbatim = start > 0 && bytes[start - 1] == b'@';
    let mut at = start + 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' if !verbatim => at += 1,
            b'\n' if !verbatim => return Some(at),
            _ if byte == quote && verbatim && bytes.get(at + 1) == Some(&quote) => at += 1,
            _ if byte == quote => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, &str, &str, usize)]) {
        let input = Input { name: "dir/Parser.kql".into(), text: text.into() };
        let found = read(&input, Path::new("dir/Parser.kql"));
        let found: Vec<_> =
            found.iter().map(|f| (f.name.as_str(), f.parameters.as_str(), f.body.as_str(), f.line)).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn a_query_is_the_body_of_a_function_named_as_the_file() {
        check("// usage\nT | take 1", &[("Parser", "", "// usage\nT | take 1", 1)]);
        let text = "let f = () { T };\nf | take 1";
        check(text, &[("Parser", "", text, 1)]);
        check("// nothing\n", &[]);
    }

    #[test]
    fn a_file_of_let_functions_is_a_library() {
        check("let f = (a:long) { a };\nlet g = ()\n{ T };", &[("f", "a:long", " a ", 1), ("g", "", " T ", 3)]);
    }

    #[test]
    fn commands_create_functions() {
        let text = ".create-or-alter function with (folder = \"a)b\", skipvalidation=true)\nMy_F(a:string = \"}\") {\n\
                    // not } here\nT | where x == @'\\' and y == '}'\n}\n\n.create function ifnotexists ['g h'] () { U }\n";
        let body = "\n// not } here\nT | where x == @'\\' and y == '}'\n";
        check(text, &[("My_F", "a:string = \"}\"", body, 2), ("g h", "", " U ", 7)]);
    }
}
