//! A text column whose values are mostly parts of another column's: they share its buffers.

use std::sync::Arc;

use arrow::array::builder::make_view;
use arrow::array::{ArrayRef, ByteView, StringViewArray};
use arrow::buffer::{Buffer, NullBuffer};

use super::OperatorError;

/// Texts of so many bytes lie within their view.
const INLINE: usize = 12;
/// A buffer of copies is closed at this size: offsets within it have 32 bits.
const BLOCK: usize = 1 << 24;

/// Collects parts of the values of a column.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    source: &'a StringViewArray,
    views: Vec<u128>,
    /// Which values are no nulls, up to the last null.
    valid: Vec<bool>,
    nulls: usize,
    /// Buffers of texts that are no part of the source; the source's own come before them.
    copies: Vec<Buffer>,
    open: Vec<u8>,
}

impl<'a> Parts<'a> {
    /// Makes an empty column.
    pub(super) fn new(source: &'a StringViewArray) -> Self {
        Parts { source, views: Vec::new(), valid: Vec::new(), nulls: 0, copies: Vec::new(), open: Vec::new() }
    }

    /// Returns how many values there are.
    pub(super) fn len(&self) -> usize {
        self.views.len()
    }

    /// Appends a text, without copying it where it lies within the value of a row of the source.
    #[inline]
    pub(super) fn push(&mut self, row: usize, text: &str) {
        if text.len() <= INLINE {
            self.views.push(make_view(text.as_bytes(), 0, 0));
            return;
        }
        let view = ByteView::from(self.source.views()[row]);
        let start = (text.as_ptr() as usize).wrapping_sub(self.source.value(row).as_ptr() as usize);
        let inside = start.checked_add(text.len()).is_some_and(|end| end <= view.length as usize);
        if inside {
            self.views.push(make_view(text.as_bytes(), view.buffer_index, view.offset + start as u32));
        } else {
            self.copy(text);
        }
    }

    fn copy(&mut self, text: &str) {
        if self.open.len() + text.len() > BLOCK && !self.open.is_empty() {
            self.copies.push(Buffer::from_vec(std::mem::take(&mut self.open)));
        }
        let block = self.source.data_buffers().len() + self.copies.len();
        self.views.push(make_view(text.as_bytes(), block as u32, self.open.len() as u32));
        self.open.extend_from_slice(text.as_bytes());
    }

    /// Appends a null.
    #[inline]
    pub(super) fn push_null(&mut self) {
        self.valid.resize(self.views.len(), true);
        self.views.push(0);
        self.valid.push(false);
        self.nulls += 1;
    }

    /// Returns the views of the values since that one; none where a value is a null, or a copy.
    #[inline]
    pub(super) fn since(&self, start: usize) -> Option<&[u128]> {
        let views = self.views.get(start..)?;
        let shared = |view: &u128| {
            let view = ByteView::from(*view);
            view.length as usize <= INLINE || (view.buffer_index as usize) < self.source.data_buffers().len()
        };
        (self.valid.len() <= start && views.iter().all(shared)).then_some(views)
    }

    /// Appends the values of views that [`since`](Self::since) gave.
    #[inline]
    pub(super) fn push_views(&mut self, views: &[u128]) {
        self.views.extend_from_slice(views);
    }

    /// Ends the column; another one is begun.
    pub(super) fn take(&mut self) -> Result<ArrayRef, OperatorError> {
        let mut buffers = self.source.data_buffers().to_vec();
        buffers.append(&mut self.copies);
        if !self.open.is_empty() {
            buffers.push(Buffer::from_vec(std::mem::take(&mut self.open)));
        }
        self.valid.resize(if self.nulls > 0 { self.views.len() } else { 0 }, true);
        let nulls = (self.nulls > 0).then(|| NullBuffer::from(std::mem::take(&mut self.valid)));
        self.nulls = 0;
        Ok(Arc::new(StringViewArray::try_new(std::mem::take(&mut self.views).into(), buffers, nulls)?))
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray};

    use super::*;

    #[test]
    fn parts_share_the_buffer_and_others_are_copied() {
        let source = StringViewArray::from_iter_values(["short", "a text that is longer than twelve bytes"]);
        let mut parts = Parts::new(&source);
        parts.push(1, &source.value(1)[2..20]);
        parts.push_null();
        parts.push(1, "something else that is long");
        parts.push(0, &source.value(0)[1..3]);
        let column = parts.take().unwrap();
        let column = column.as_string_view();
        assert_eq!(
            column.iter().collect::<Vec<_>>(),
            [Some("text that is longe"), None, Some("something else that is long"), Some("ho")]
        );
        assert_eq!(column.null_count(), 1);
        assert_eq!(column.data_buffers()[0].as_ptr(), source.data_buffers()[0].as_ptr());
    }
}
