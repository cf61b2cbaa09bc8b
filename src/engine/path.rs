//! Paths into dynamic values: all paths into one value are looked up in one pass over its text.
//!
//! What is found are views of the text where it lies; nothing is copied but strings with escapes.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringViewArray, StringViewBuilder};

use crate::types::json::{self, Paths, Step};

/// What is wanted of a dynamic value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Wanted {
    pub steps: Vec<Step>,
    /// As `tostring` gives it; else as the dynamic value it is.
    pub text: bool,
}

/// Values that are looked up in a dynamic column, or in a column of texts that are read as `parse_json` does.
#[derive(Debug, Clone)]
pub(super) struct Lookup {
    pub parse: bool,
    pub wanted: Vec<Wanted>,
}

impl Lookup {
    /// Looks everything up; one column for each value wanted.
    pub fn columns(&self, source: &ArrayRef) -> Vec<ArrayRef> {
        let source = source.as_string_view();
        let paths = Paths::new(self.wanted.iter().map(|wanted| wanted.steps.as_slice()));
        let mut outputs: Vec<Output> = self.wanted.iter().map(|_| Output::new(source)).collect();
        let mut found = Vec::new();
        let only_members = self.wanted.iter().all(|wanted| !wanted.steps.is_empty());
        for row in 0..source.len() {
            if self.parse && only_members {
                let text = if source.is_null(row) { "" } else { source.value(row) };
                paths.get_checked(text, &mut found);
                for (index, output) in outputs.iter_mut().enumerate() {
                    output.push_found(source, row, found[index], self.wanted[index].text);
                }
                continue;
            }
            let text = if source.is_null(row) { None } else { self.read(source.value(row)) };
            match &text {
                Some(Cow::Borrowed(text)) => paths.get(text, &mut found),
                // Text that is no JSON is a string: no path leads into it.
                Some(Cow::Owned(_)) | None => {
                    found.clear();
                    found.resize(self.wanted.len(), None);
                }
            }
            for (index, output) in outputs.iter_mut().enumerate() {
                let wanted = &self.wanted[index];
                match (&text, found[index]) {
                    (_, Some(value)) => output.push_found(source, row, Some(value), wanted.text),
                    (Some(Cow::Owned(value)), None) if wanted.steps.is_empty() && wanted.text => {
                        output.builder.append_value(json::as_text(value));
                    }
                    (Some(Cow::Owned(value)), None) if wanted.steps.is_empty() => output.builder.append_value(value),
                    (_, None) => output.push_found(source, row, None, wanted.text),
                }
            }
        }
        outputs.into_iter().map(|mut output| Arc::new(output.finish()) as ArrayRef).collect()
    }

    fn read<'a>(&self, text: &'a str) -> Option<Cow<'a, str>> {
        if self.parse { json::parse_dynamic(text) } else { Some(Cow::Borrowed(text)) }
    }
}

/// A column of views into the buffers of another.
pub(super) struct Output {
    builder: StringViewBuilder,
    /// The builder's number of the source's first buffer.
    first: u32,
}

impl Output {
    pub(super) fn new(source: &StringViewArray) -> Self {
        let mut builder = StringViewBuilder::with_capacity(source.len());
        let mut first = 0;
        for (index, buffer) in source.data_buffers().iter().enumerate() {
            let block = builder.append_block(buffer.clone());
            if index == 0 {
                first = block;
            }
        }
        Output { builder, first }
    }

    /// Appends what a path led to, as text or as it is.
    fn push_found(&mut self, source: &StringViewArray, row: usize, value: Option<&str>, text: bool) {
        match value {
            Some(value) if text => self.push_text(source, row, value),
            Some(value) => self.push(source, row, value),
            None if text => self.builder.append_value(""),
            None => self.builder.append_null(),
        }
    }

    /// Appends a value that lies within the text of a row.
    pub(super) fn push(&mut self, source: &StringViewArray, row: usize, value: &str) {
        // A view holds up to 12 bytes itself.
        if value.len() > 12 {
            let text = source.value(row);
            let view = arrow::array::ByteView::from(source.views()[row]);
            let at = (value.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize);
            if at < text.len()
                && self
                    .builder
                    .try_append_view(self.first + view.buffer_index, view.offset + at as u32, value.len() as u32)
                    .is_ok()
            {
                return;
            }
        }
        self.builder.append_value(value);
    }

    pub(super) fn finish(&mut self) -> StringViewArray {
        self.builder.finish()
    }

    fn push_text(&mut self, source: &StringViewArray, row: usize, value: &str) {
        match json::as_text(value) {
            Cow::Borrowed(text) => self.push(source, row, text),
            Cow::Owned(text) => self.builder.append_value(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pass_gives_values_and_texts() {
        let source: ArrayRef = Arc::new(StringViewArray::from(vec![
            Some(r#"{"a":"a text that is long enough","b":{"c":[1,2]}}"#),
            Some("no json"),
            None,
            Some(r#"{"a":null}"#),
        ]));
        let key = |key: &str| Step::Key(key.to_string());
        let wanted = vec![
            Wanted { steps: vec![key("a")], text: true },
            Wanted { steps: vec![key("b"), key("c"), Step::Index(-1)], text: false },
            Wanted { steps: vec![], text: false },
        ];
        let columns = Lookup { parse: true, wanted }.columns(&source);
        let texts = |index: usize| columns[index].as_string_view().iter().collect::<Vec<_>>();
        assert_eq!(texts(0), [Some("a text that is long enough"), Some(""), Some(""), Some("")]);
        assert_eq!(texts(1), [Some("2"), None, None, None]);
        assert_eq!(texts(2)[1], Some("\"no json\""));
        assert_eq!(texts(2)[3], Some(r#"{"a":null}"#));
    }
}
