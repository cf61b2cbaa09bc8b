//! Parts that several operators share.

use super::Printer;
use crate::syntax::ast::{ColumnDeclaration, NamedExpr, OperatorParameter, OrderedExpr};

/// ` kind=inner hint.strategy=shuffle`
pub(super) fn parameters_with(printer: &mut Printer, parameters: &[OperatorParameter]) {
    for group in groups(parameters) {
        printer.push(" ");
        parameter_group(printer, group);
    }
}

/// Parameters of the same name side by side are one that was written with several values.
fn groups(parameters: &[OperatorParameter]) -> impl Iterator<Item = &[OperatorParameter]> {
    parameters.chunk_by(|one, next| one.name == next.name)
}

/// `ycolumns=a, b`
fn parameter_group(printer: &mut Printer, group: &[OperatorParameter]) {
    if let Some(first) = group.first() {
        printer.name(&first.name);
        printer.push("=");
    }
    printer.list(group, |printer, parameter| printer.expr(&parameter.value));
}

/// ` with (title="x", ycolumns=a, b)`, or nothing.
pub(super) fn properties(printer: &mut Printer, parameters: &[OperatorParameter]) {
    if parameters.is_empty() {
        return;
    }
    printer.push(" with (");
    comma_parameters(printer, parameters);
    printer.push(")");
}

/// `title="x", ycolumns=a, b`
pub(super) fn comma_parameters(printer: &mut Printer, parameters: &[OperatorParameter]) {
    let groups: Vec<_> = groups(parameters).collect();
    printer.list(&groups, |printer, group| parameter_group(printer, group));
}

/// ` by a, b`: the form before `with (...)` of `render`.
pub(super) fn old_properties(printer: &mut Printer, parameters: &[OperatorParameter]) {
    for group in groups(parameters) {
        printer.push(" ");
        match group.first().map(|parameter| parameter.name.text.as_str()) {
            Some(word @ ("by" | "with")) => {
                printer.push(word);
                printer.push(" ");
                printer.list(group, |printer, parameter| printer.expr(&parameter.value));
            }
            _ => parameter_group(printer, group),
        }
    }
}

/// `a:long, b:string`
pub(super) fn columns(printer: &mut Printer, columns: &[ColumnDeclaration]) {
    printer.list(columns, column);
}

/// `a:long`, `a`
pub(super) fn column(printer: &mut Printer, column: &ColumnDeclaration) {
    printer.name(&column.name);
    if let Some(type_name) = &column.type_name {
        printer.push(":");
        printer.name(type_name);
    }
}

/// `a`, `x = a`, `(x, y) = a`
pub(super) fn named(printer: &mut Printer, named: &NamedExpr) {
    if named.tuple {
        printer.push("(");
        printer.list(&named.names, Printer::name);
        printer.push(") = ");
    } else if let Some(name) = named.names.first() {
        printer.name(name);
        printer.push(" = ");
    }
    printer.expr(&named.value);
}

/// `a desc nulls first`
pub(super) fn ordered(printer: &mut Printer, key: &OrderedExpr) {
    named(printer, &key.value);
    printer.push(match (key.granny, key.ascending) {
        (_, None) => "",
        (false, Some(true)) => " asc",
        (false, Some(false)) => " desc",
        (true, Some(true)) => " granny-asc",
        (true, Some(false)) => " granny-desc",
    });
    nulls(printer, key.nulls_first);
}

/// ` nulls first`, or nothing.
pub(super) fn nulls(printer: &mut Printer, first: Option<bool>) {
    match first {
        Some(true) => printer.push(" nulls first"),
        Some(false) => printer.push(" nulls last"),
        None => {}
    }
}
